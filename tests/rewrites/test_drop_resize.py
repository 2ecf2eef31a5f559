import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def test_changes(rng):
    text = '(float[1,2,5,7] x) => (float[1,2,5,7] y) { a = Resize<mode="cubic">(x, , , s)  y = Relu(a) }'
    assert ops(changes("drop_resize", text, rng, s=np.int64([1, 2, 5, 7]))) == ["Relu"]
    text = '(float[1,2,5,7] x) => (float[1,2,5,7] y) { y = Resize<mode="linear">(x, , s) }'
    model = changes("drop_resize", text, rng, s=np.ones(4, np.float32))
    assert ops(model) == ["Identity"]
    assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize(
    ("scale", "size", "reason"),
    [(2.0, 10, "it does resize: [1, 1, 1, 5] to [1, 1, 1, 10]"), (1.1, 5, "a scale is not 1, though the size stays")],
)
def test_declines(scale, size, reason):
    text = f"(float[1,1,1,5] x) => (float[1,1,1,{size}] y) {{ y = Resize(x, , s) }}"
    assert declines("drop_resize", text, s=np.float32([1, 1, 1, scale])) == reason
