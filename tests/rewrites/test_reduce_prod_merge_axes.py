import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import APART, REDUCED, reduction
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "reduce_prod_merge_axes"


@pytest.mark.parametrize(("shape", "axes"), [*REDUCED, *APART])
@pytest.mark.parametrize("keep", [0, 1])
def test_changes(shape, axes, keep, rng, opencv):
    model = changes(RULE, reduction("ReduceProd", shape, axes, keep), rng, a=np.array(axes), scale=1)
    assert set(ops(model)) <= {"Reshape", "Identity", "ReduceProd"}
    assert all(len(node.inputs[0].shape) == 3 for node in model.graph if node.op_type == "ReduceProd")
    assert opencv(model, drawn(model, rng, 1)) < 1e-5


def test_axes_that_are_left_out_are_all(rng, opencv):
    model = changes(RULE, "(float[2,3,4] x) => (float[1,1,1] y) { y = ReduceProd(x) }", rng)
    assert ops(model) == ["Reshape", "ReduceProd"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("version", "shape", "axes"),
    [
        (version, *case)
        for version in ("4.9.0", "4.10.0", "4.14.0")
        for case in [*REDUCED, *APART]
        if version != "4.9.0" or case != ((3, 5, 6), [0])  # there a pool is what helps
    ],
)
def test_older_opencvs_run_it(version, shape, axes, rng):
    model = changes(RULE, reduction("ReduceProd", shape, axes), rng, a=np.array(axes), scale=1)
    assert older(version, model, drawn(model, rng, 1)) < 1e-5


@pytest.mark.parametrize(
    ("shape", "axes", "reason"),
    [
        ((4, 5, 6), [1], "its axes are merged already"),
        ((1, 5, 6), [2], "its axes are merged already"),
    ],
)
def test_declines(shape, axes, reason):
    assert declines(RULE, reduction("ReduceProd", shape, axes), a=np.array(axes)) == reason


def test_declines_without_axes_to_reduce():
    text = "(float[2,3] x) => (float[2,3] y) { y = ReduceProd<noop_with_empty_axes=1>(x) }"
    assert declines(RULE, text) == "it has no axes and reduces nothing"
