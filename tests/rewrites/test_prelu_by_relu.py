import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "prelu_by_relu"


@pytest.mark.parametrize("slope", ["3,1,1", "1", "7,7", "1,3,7,7", "7"])
def test_changes_a_computed_slope(slope, rng):
    text = f"(float[1,3,7,7] x, float[{slope}] s) => (float[1,3,7,7] y) {{ y = PRelu(x, s) }}"
    model = changes(RULE, text, rng)
    assert ops(model) == ["Neg", "Relu", "Mul", "Relu", "Sub"]


def test_opencv_runs_a_computed_slope(rng, opencv):
    text = "(float[1,3,7,7] x, float[1,3,1,1] s) => (float[1,3,7,7] y) { y = PRelu(x, s) }"
    model = changes(RULE, text, rng)
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    text = "(float[1,3,7,7] x) => (float[1,3,7,7] y) { y = PRelu(x, s) }"
    model = changes(RULE, text, rng, s=rng.standard_normal((1, 3, 7, 7)).astype(np.float32))
    assert older(version, model, drawn(model, rng)) == 0


def test_declines():
    text = "(double[3] x, double[3] s) => (double[3] y) { y = PRelu(x, s) }"
    assert declines(RULE, text) == "an operand is DOUBLE, only FLOAT was measured"
