import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(("before", "after"), [("1,8,12,1", (1, 8, 12, 1024)), ("2,1,3", (2, 600, 3)), ("3", (750, 3))])
def test_changes(before, after, rng):
    text = f"(float[{before}] x) => (float[{','.join(map(str, after))}] y) {{ y = Expand(x, s) }}"
    model = changes("expand_in_two_steps", text, rng, s=np.array(after, np.int64))
    assert ops(model) == ["Reshape", "Expand", "Expand", "Reshape"]
    if after[-1] == 3:
        assert worst_on("4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("1,3", (64, 3), "it does not grow one dimension to more than 512"),
        ("1,1", (1024, 3), "it does not grow one dimension to more than 512"),
        ("1,3", (521, 3), "521 copies have no two factors"),
    ],
)
def test_declines(before, after, reason):
    text = f"(float[{before}] x) => (float[{','.join(map(str, after))}] y) {{ y = Expand(x, s) }}"
    assert declines("expand_in_two_steps", text, s=np.array(after, np.int64)) == reason
