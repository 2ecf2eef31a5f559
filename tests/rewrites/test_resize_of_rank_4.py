import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(("before", "after"), [((2, 3, 8), (2, 3, 5)), ((5, 7), (10, 14)), ((2, 3, 8), (2, 6, 16))])
@pytest.mark.parametrize("by", ["sizes", "scales"])
def test_changes(before, after, by, rng):
    scales = np.float32(after) / np.float32(before)
    x, y = (",".join(map(str, shape)) for shape in (before, after))
    inputs = "x, , , s" if by == "sizes" else "x, , s"
    text = f'(float[{x}] x) => (float[{y}] y) {{ y = Resize<mode="nearest">({inputs}) }}'
    model = changes("resize_of_rank_4", text, rng, s=np.int64(after) if by == "sizes" else scales)
    assert ops(model) == ["Reshape", "Resize", "Reshape"]
    assert model.graph[1].inputs[0].shape[0] == 1
    if after == (10, 14):
        assert worst_on("4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[1,1,1,5] x) => (float[1,1,1,10] y) { y = Resize(x, , s) }"
    reason = "the input has 4 dimensions, not 2 or 3"
    assert declines("resize_of_rank_4", text, s=np.float32([1, 1, 1, 2])) == reason
