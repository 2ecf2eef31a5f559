import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import APART, REDUCED, reduction
from tests.rewrites.judge import changes, declines, drawn

RULE = "reduce_min_by_max"


@pytest.mark.parametrize(("shape", "axes"), [*REDUCED, *APART])
@pytest.mark.parametrize("keep", [0, 1])
def test_changes(shape, axes, keep, rng):
    model = changes(RULE, reduction("ReduceMin", shape, axes, keep), rng, a=np.array(axes))
    assert ops(model) == ["Neg", "ReduceMax", "Neg"]


@pytest.mark.parametrize(("shape", "axes"), [((2, 8, 7, 5), [1]), ((2, 8, 7, 5), [2, 3]), ((9, 6), [1])])
def test_opencv_runs_it(shape, axes, rng, opencv):
    model = changes(RULE, reduction("ReduceMin", shape, axes), rng, a=np.array(axes))
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "(float[2,3] x) => (float[2,3] y) { y = ReduceMin<noop_with_empty_axes=1>(x) }",
            "it has no axes and reduces nothing",
        ),
        ("(float[2,0] x) => (float[1,1] y) { y = ReduceMin(x) }", "the input is empty"),
        ("(double[2,3] x) => (double[1,1] y) { y = ReduceMin(x) }", "the input is DOUBLE, only FLOAT was measured"),
    ],
)
def test_declines(text, reason):
    assert declines(RULE, text) == reason
