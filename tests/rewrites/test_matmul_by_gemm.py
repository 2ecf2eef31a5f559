import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("shape", [(7, 5), (1, 7, 5), (2, 7, 5), (1, 3, 4, 5)])
@pytest.mark.parametrize("behind", ["Relu(m)", "Sigmoid(m)", "Mul(m, c)"])
def test_changes(shape, behind, rng):
    before, after = (",".join(map(str, (*shape[:-1], columns))) for columns in (5, 6))
    text = f"(float[{before}] x) => (float[{after}] y) {{ m = MatMul(x, w)  y = {behind} }}"
    given = {"w": rng.standard_normal((5, 6)).astype(np.float32)}
    if "c" in behind:
        given["c"] = np.array(0.125, np.float32)
    model = changes("matmul_by_gemm", text, rng, **given)
    assert ops(model)[:3] == ["Reshape", "Gemm", "Reshape"]
    assert worst_on("4.10.0 4.12.0 4.14.0 5.0.0-classic 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[2,5] x, float[5,6] v) => (float[2,6] y) { y = MatMul(x, v) }"
    assert declines("matmul_by_gemm", text) == "the product is not by a constant matrix"
    text = "(float[2,3,5] x) => (float[2,3,6] y) { y = MatMul(x, w) }"
    assert (
        declines("matmul_by_gemm", text, w=np.ones((2, 5, 6), np.float32)) == "the product is not by a constant matrix"
    )
