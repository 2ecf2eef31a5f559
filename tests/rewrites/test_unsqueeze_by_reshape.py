import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize(
    ("before", "axes", "after"),
    [("2,3", [0], "1,2,3"), ("2,3", [-1], "2,3,1"), ("2,3", [1, 3], "2,1,3,1"), ("7", [0, 1, 3], "1,1,7,1")],
)
def test_changes(before, axes, after, rng, opencv):
    text = f"(float[{before}] x) => (float[{after}] y) {{ y = Unsqueeze(x, a) }}"
    model = changes("unsqueeze_by_reshape", text, rng, a=np.array(axes, np.int64))
    assert ops(model) == ["Reshape"]
    assert opencv(model, drawn(model, rng)) == 0


def test_declines():
    text = "(float[n,3] x) => (float[n,3,1] y) { y = Unsqueeze(x, a) }"
    reason = "the shape of the output is not known ([n,3,1]); fix the input shapes first"
    assert declines("unsqueeze_by_reshape", text, a=np.array([2], np.int64)) == reason
