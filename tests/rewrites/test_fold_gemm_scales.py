import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("scales", ["alpha=0.5", "beta=2.0", "alpha=-1.7, beta=0.3"])
@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("bias", [(4,), (3, 4), (1, 1), None])
def test_changes(scales, turned, bias, rng, opencv):
    weight = rng.standard_normal((4, 5) if turned else (5, 4)).astype(np.float32)
    constants = {"c": weight}
    if bias is not None:
        constants["b"] = rng.standard_normal(bias).astype(np.float32)
    call = "x, c" if bias is None else "x, c, b"
    text = f"(float[3,5] x) => (float[3,4] y) {{ y = Gemm<{scales}, transB={turned}>({call}) }}"
    model = changes("fold_gemm_scales", text, rng, **constants)
    assert ops(model) == ["Gemm"]
    assert set(model.graph[0].attributes) <= {"transA", "transB"}
    if bias in (None, (4,)):
        assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[3,5] x) => (float[3,4] y) { y = Gemm(x, c, b) }", "alpha and beta are 1 already", id="ones"
        ),
        pytest.param(
            "(float[3,5] x, float[5,4] w) => (float[3,4] y) { y = Gemm<alpha=0.5>(x, w, b) }",
            "the weight comes from another node; only a constant was measured",
            id="weight",
        ),
        pytest.param(
            "(float[3,5] x, float[4] v) => (float[3,4] y) { y = Gemm<beta=0.5>(x, c, v) }",
            "the bias comes from another node; only a constant was measured",
            id="bias",
        ),
    ],
)
def test_declines(text, reason):
    constants = {"c": np.ones((5, 4), np.float32), "b": np.ones(4, np.float32)}
    used = {name: array for name, array in constants.items() if f" {name}," in text or f" {name})" in text}
    assert declines("fold_gemm_scales", text, **used) == reason
