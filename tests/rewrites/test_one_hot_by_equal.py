import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines

RULE = "one_hot_by_equal"
VALUES = np.array([0, 1], np.float32)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(("kind", "to"), [("int64", "int64"), ("int64", "float"), ("float", "int64")])
def test_changes(axis, kind, to, rng):
    after = [2, 3]
    after.insert(axis % 3, 5)
    node = f"OneHot<axis={axis}>(i, depth, values)"
    text = f"({kind}[2,3] i) => ({to}[{','.join(map(str, after))}] y) {{ y = {node} }}"
    feeds = {"i": rng.integers(0, 7, (2, 3)).astype("float32" if kind == "float" else kind)}
    values = VALUES.astype("int64" if to == "int64" else "float32")
    model = changes(RULE, text, rng, feeds=feeds, depth=np.array(5), values=values)
    assert ops(model) == ["Unsqueeze", "Equal", "Cast"]


def test_declines():
    text = "(int64[3] i) => (float[3,4] y) { y = OneHot(i, depth, values) }"
    reason = "the values are [0.0, 2.0], not 0 and 1"
    assert declines(RULE, text, depth=np.array(4), values=np.array([0, 2], np.float32)) == reason
