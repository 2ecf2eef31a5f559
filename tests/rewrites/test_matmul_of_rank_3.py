import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("batch", ["2,3", "1,4", "2,3,2"])
@pytest.mark.parametrize("constant", [True, False])
def test_changes(batch, constant, rng):
    extents = [int(n) for n in batch.split(",")]
    given = {"b": rng.standard_normal((*extents, 5, 6)).astype(np.float32)} if constant else {}
    declared = f"float[{batch},4,5] a" + ("" if constant else f", float[{batch},5,6] b")
    model = changes("matmul_of_rank_3", f"({declared}) => (float[{batch},4,6] y) {{ y = MatMul(a, b) }}", rng, **given)
    assert ops(model) == ["Reshape"] * (1 if constant else 2) + ["MatMul", "Reshape"]
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    reason = "the operands are not two stacks of the same height with two or more batch dimensions"
    for batch in ("2,", ""):
        text = f"(float[{batch}4,5] a, float[{batch}5,6] b) => (float[{batch}4,6] y) {{ y = MatMul(a, b) }}"
        assert declines("matmul_of_rank_3", text) == reason
