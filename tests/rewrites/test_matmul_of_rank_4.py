import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("batch", ["", "3,"])
@pytest.mark.parametrize("behind", ["Relu(m)", "Sigmoid(m)", "Neg(m)", "Mul(m, c)", "Add(m, c)"])
def test_changes(batch, behind, rng):
    text = f"""(float[{batch}4,5] a, float[{batch}5,6] b) => (float[{batch}4,6] y) {{
        m = MatMul(a, b)
        y = {behind} }}"""
    model = changes("matmul_of_rank_4", text, rng, c=np.array(0.125, np.float32))
    assert ops(model)[:-1] == ["Reshape", "Reshape", "MatMul", "Reshape"]
    assert worst_on("4.5.5 4.6.0 4.7.0 4.8.1 4.10.0 5.0.0-classic 5.0.0", model, rng) < 1e-6


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("2,3,4,5", "2,3,5,6", None),
        ("3,4,5", "5,6", None),
        ("4,5", "constant", "an operand is constant"),
    ],
)
def test_declines(left, right, reason):
    reason = reason or "the operands are not two matrices, or two stacks of three dimensions and of the same height"
    given = {"b": np.ones((5, 6), np.float32)} if right == "constant" else {}
    declared = f"float[{left}] a" + ("" if given else f", float[{right}] b")
    text = f"({declared}) => (float[{left[:-2]},6] y) {{ y = MatMul(a, b) }}"
    assert declines("matmul_of_rank_4", text, **given) == reason
