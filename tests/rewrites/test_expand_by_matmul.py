import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    ("before", "after"), [("1,8,12,1", (1, 8, 12, 700)), ("3,1", (3, 4)), ("2,1,1", (2, 3, 4)), ("3,1", (2, 3, 4))]
)
def test_changes(before, after, rng):
    text = f"(float[{before}] x) => (float[{','.join(map(str, after))}] y) {{ y = Expand(x, s) }}"
    model = changes("expand_by_matmul", text, rng, s=np.array(after, np.int64))
    more = after[:-1] != tuple(int(n) for n in before.split(","))[:-1]
    assert ops(model) == ["MatMul", "Expand"] if more else ["MatMul"]
    if not more:
        assert worst_on("4.5.5 4.6.0 4.8.1 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize(("before", "after"), [("1,3", (2, 3)), ("1", (4,))])
def test_declines(before, after):
    text = f"(float[{before}] x) => (float[{','.join(map(str, after))}] y) {{ y = Expand(x, s) }}"
    reason = "the last of two or more dimensions does not grow from 1"
    assert declines("expand_by_matmul", text, s=np.array(after, np.int64)) == reason
