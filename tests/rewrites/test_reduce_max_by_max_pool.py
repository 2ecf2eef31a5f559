import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import APART, OLD, REDUCED, reduction
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "reduce_max_by_max_pool"


@pytest.mark.parametrize(("shape", "axes"), [*REDUCED, *APART])
@pytest.mark.parametrize("keep", [0, 1])
def test_changes(shape, axes, keep, rng, opencv):
    model = changes(RULE, reduction("ReduceMax", shape, axes, keep), rng, a=np.array(axes))
    assert set(ops(model)) <= {"Reshape", "Identity", "MaxPool", "GlobalMaxPool"}
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("axes", "made"),
    [
        ([2, 3], ["Reshape", "GlobalMaxPool", "Reshape"]),
        ([1, 2], ["Reshape", "MaxPool"]),
        ([1, 3], ["Reshape", "GlobalMaxPool", "Reshape", "MaxPool", "Reshape"]),
    ],
)
def test_one_pool_for_neighbours(axes, made, rng):
    assert ops(changes(RULE, reduction("ReduceMax", (2, 3, 4, 5), axes), rng, a=np.array(axes))) == made


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize(("shape", "axes"), [*REDUCED, *APART])
def test_older_opencvs_run_it(version, shape, axes, rng):
    model = changes(RULE, reduction("ReduceMax", shape, axes), rng, a=np.array(axes))
    assert older(version, model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(double[2,3] x) => (double[2,1] y) { y = ReduceMax(x, a) }"
    assert declines(RULE, text, a=np.array([1])) == "the input is DOUBLE, only FLOAT was measured"


def test_declines_computed_axes():
    text = "(float[2,3] x, int64[1] k) => (float[m,n] y) { y = ReduceMax(x, k) }"
    assert declines(RULE, text) == "axes comes from another node; only a constant was measured"
