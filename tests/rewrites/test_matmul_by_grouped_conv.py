import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("batch", ["3", "2,3", "1,4"])
def test_changes(batch, rng):
    extents = [int(n) for n in batch.split(",")]
    weights = rng.standard_normal((*extents, 5, 6)).astype(np.float32)
    text = f"(float[{batch},4,5] a) => (float[{batch},4,6] y) {{ y = MatMul(a, b) }}"
    model = changes("matmul_by_grouped_conv", text, rng, b=weights)
    assert ops(model).count("Conv") == 1
    assert worst_on("4.5.5 4.6.0 4.8.1 4.10.0 5.0.0-classic 5.0.0", model, rng) < 1e-6


@pytest.mark.parametrize(("left", "shape"), [("4,5", (5, 6)), ("1,4,5", (3, 5, 6)), ("4,5", (3, 5, 6))])
def test_declines(left, shape):
    text = f"(float[{left}] a) => (float[{'3,' if len(shape) > 2 else ''}4,6] y) {{ y = MatMul(a, b) }}"
    reason = declines("matmul_by_grouped_conv", text, b=np.ones(shape, np.float32))
    assert reason == "the operands are not two stacks of the same height"
