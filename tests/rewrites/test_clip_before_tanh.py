import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines


@pytest.mark.parametrize("shape", ["7", "2,3", "2,3,5", "2,3,5,7", "1,2,3,5,7"])
@pytest.mark.parametrize("scale", [0.1, 5, 1000])
def test_changes(shape, scale, rng):
    text = f"(float[{shape}] x) => (float[{shape}] y) {{ y = Tanh(x) }}"
    assert ops(changes("clip_before_tanh", text, rng, scale=scale)) == ["Clip", "Tanh"]


def test_opencv_has_no_overflow(rng, opencv):
    model = changes("clip_before_tanh", "(float[1,2,4,10] x) => (float[1,2,4,10] y) { y = Tanh(x) }", rng)
    x = np.linspace(-1000, 1000, 80, dtype=np.float32).reshape(1, 2, 4, 10)
    assert opencv(model, {"x": x}) < 1e-6
    assert opencv(model, {"x": x / 50}) < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[4] x) => (float[4] y) { c = Clip(x)  y = Tanh(c) }", "the input is clipped already", id="clipped"
        ),
        pytest.param(
            "(double[4] x) => (double[4] y) { y = Tanh(x) }",
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("clip_before_tanh", text) == reason
