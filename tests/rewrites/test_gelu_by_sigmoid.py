import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("shape", ["7", "2,3", "2,3,5", "2,3,5,7", "1,2,3,5,7"])
@pytest.mark.parametrize("scale", [0.01, 2, 100])
def test_changes(shape, scale, rng):
    text = f'(float[{shape}] x) => (float[{shape}] y) {{ y = Gelu<approximate="tanh">(x) }}'
    model = changes("gelu_by_sigmoid", text, rng, scale=scale)
    assert ops(model) == ["Mul", "Mul", "Add", "Mul", "Sigmoid", "Mul"]


@pytest.mark.parametrize("scale", [1, 30])
def test_opencv_runs_it_between_convolutions(scale, rng, opencv):
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 3, 3), (5, 8, 1, 1)))
    text = """(float[1,3,8,8] x) => (float[1,5,6,6] y) {
        a = Conv<kernel_shape=[3,3]>(x, w0)
        m = Gelu<approximate="tanh">(a)
        y = Conv<kernel_shape=[1,1]>(m, w1) }"""
    model = changes("gelu_by_sigmoid", text, rng, w0=w0, w1=w1)
    assert opencv(model, drawn(model, rng, scale)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[4] x) => (float[4] y) { y = Gelu(x) }",
            "this Gelu is exact; the tanh approximation would differ by 2e-4",
            id="exact",
        ),
        pytest.param(
            '(double[4] x) => (double[4] y) { y = Gelu<approximate="tanh">(x) }',
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("gelu_by_sigmoid", text) == reason
