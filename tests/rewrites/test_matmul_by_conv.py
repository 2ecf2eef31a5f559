import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("shape", [(130, 5), (1, 128, 5), (3, 50, 5)])
@pytest.mark.parametrize("behind", ["Relu(m)", "Sigmoid(m)", "Softmax<axis=-1>(m)"])
def test_changes(shape, behind, rng):
    before, after = (",".join(map(str, (*shape[:-1], columns))) for columns in (5, 6))
    text = f"(float[{before}] x) => (float[{after}] y) {{ m = MatMul(x, w)  y = {behind} }}"
    model = changes("matmul_by_conv", text, rng, w=rng.standard_normal((5, 6)).astype(np.float32))
    assert ops(model)[:5] == ["Reshape", "Transpose", "Conv", "Transpose", "Reshape"]
    assert worst_on("4.5.5 4.6.0 4.7.0 4.8.1", model, rng) < 1e-6


def test_declines():
    text = "(float[200,5] x, float[5,6] v) => (float[200,6] y) { y = MatMul(x, v) }"
    assert declines("matmul_by_conv", text) == "the product is not by a constant matrix"
