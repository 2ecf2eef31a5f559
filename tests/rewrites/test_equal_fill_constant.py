import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "equal_fill_constant"
OP = "Equal"


@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 1), (3, 1, 1)])
def test_changes(shape, rng):
    text = f"(float[3,4,5] x) => (bool[3,4,5] y) {{ y = {OP}(x, c) }}"
    feeds = {"x": rng.integers(-1, 2, (3, 4, 5)).astype(np.float32)}
    model = changes(RULE, text, rng, feeds=feeds, c=rng.integers(-1, 2, shape).astype(np.float32))
    assert ops(model) == [OP]
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng, feeds) == 0


def test_declines():
    reason = "the constant has the tensor's shape already, or a larger one"
    for shape in ((3, 4), (2, 3, 4)):
        text = f"(float[3,4] x) => (bool[{','.join(map(str, shape))}] y) {{ y = {OP}(x, c) }}"
        assert declines(RULE, text, c=np.zeros(shape, np.float32)) == reason
    text = f"(float[3] x, float z) => (bool[3] y) {{ y = {OP}(x, z) }}"
    assert declines(RULE, text) == "the right operand is not the only constant one"
