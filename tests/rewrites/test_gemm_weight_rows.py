import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("bias", [True, False])
def test_changes(bias, rng):
    weights = {"w": rng.standard_normal((6, 4)).astype(np.float32), "c": rng.standard_normal(4).astype(np.float32)}
    given = ("w", "c") if bias else ("w",)
    text = f"(float[5,6] x) => (float[5,4] y) {{ y = Gemm(x, {', '.join(given)}) }}"
    model = changes("gemm_weight_rows", text, rng, **{name: weights[name] for name in given})
    assert ops(model) == ["Gemm"]
    assert model.graph[0].attributes.get_int("transB") == 1
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines(rng):
    weight = rng.standard_normal((4, 6)).astype(np.float32)
    text = "(float[5,6] x) => (float[5,4] y) { y = Gemm<transB=1>(x, w) }"
    assert declines("gemm_weight_rows", text, w=weight) == "transB is 1 already"
    text = "(float[5,6] x, float[6,4] w) => (float[5,4] y) { y = Gemm(x, w) }"
    assert declines("gemm_weight_rows", text) == "the weight comes from another node; only a constant was measured"
