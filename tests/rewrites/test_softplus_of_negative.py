import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines


@pytest.mark.parametrize("shape", ["7", "2,3", "2,3,5", "2,3,5,7", "1,2,3,5,7"])
@pytest.mark.parametrize("scale", [0.1, 5, 1000])
def test_changes(shape, scale, rng):
    text = f"(float[{shape}] x) => (float[{shape}] y) {{ y = Softplus(x) }}"
    assert ops(changes("softplus_of_negative", text, rng, scale=scale)) == ["Abs", "Neg", "Relu", "Softplus", "Add"]


def test_opencv_has_no_overflow(rng, opencv):
    model = changes("softplus_of_negative", "(float[1,2,4,10] x) => (float[1,2,4,10] y) { y = Softplus(x) }", rng)
    x = np.linspace(-1000, 1000, 80, dtype=np.float32).reshape(1, 2, 4, 10)
    assert opencv(model, {"x": x}) < 1e-6
    assert opencv(model, {"x": x / 100}) < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[4] x) => (float[4] y) { c = Neg(x)  y = Softplus(c) }",
            "the input is a Neg, so the rule was used on it already",
            id="again",
        ),
        pytest.param(
            "(double[4] x) => (double[4] y) { y = Softplus(x) }",
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("softplus_of_negative", text) == reason
