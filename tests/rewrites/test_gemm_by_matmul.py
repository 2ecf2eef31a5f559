import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("right", [0, 1])
@pytest.mark.parametrize("bias", ["none", "constant", "number", "tensor"])
@pytest.mark.parametrize("scales", ["", "alpha=0.5, beta=-2.0,"])
def test_changes(left, right, bias, scales, rng):
    a, b = ("6,5" if left else "5,6"), ("4,6" if right else "6,4")
    declared = f"float[{a}] x, float[{b}] w" + (", float[5,4] c" if bias == "tensor" else "")
    given = {"constant": {"c": np.float32([1, 2, 3, 4])}, "number": {"c": np.array(1.5, np.float32)}}.get(bias, {})
    inputs = "x, w" if bias == "none" else "x, w, c"
    text = f"({declared}) => (float[5,4] y) {{ y = Gemm<{scales} transA={left}, transB={right}>({inputs}) }}"
    model = changes("gemm_by_matmul", text, rng, **given)
    assert ops(model).count("MatMul") == 1
    assert ops(model).count("Transpose") == left + right
    assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) < 1e-6


def test_a_constant_is_transposed_beforehand(rng):
    weight = rng.standard_normal((4, 6)).astype(np.float32)
    text = "(float[5,6] x) => (float[5,4] y) { y = Gemm<transB=1>(x, w) }"
    assert ops(changes("gemm_by_matmul", text, rng, w=weight)) == ["MatMul"]


def test_declines():
    text = "(double[5,6] x, double[6,4] w) => (double[5,4] y) { y = Gemm(x, w) }"
    assert declines("gemm_by_matmul", text) == "the input is DOUBLE, only FLOAT was measured"
