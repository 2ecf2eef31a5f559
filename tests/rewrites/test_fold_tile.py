import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines


@pytest.mark.parametrize(
    ("before", "repeats"), [((1, 3, 1), (2, 1, 4)), ((3,), (5,)), ((2, 3), (2, 2)), ((2, 3), (1, 1))]
)
def test_changes(before, repeats, rng):
    array = rng.standard_normal(before).astype(np.float32)
    after = ",".join(str(n * r) for n, r in zip(before, repeats, strict=True))
    text = f"(float[{after}] x) => (float[{after}] y) {{ t = Tile(c, r)  y = Add(x, t) }}"
    model = changes("fold_tile", text, rng, c=array, r=np.array(repeats, np.int64))
    assert ops(model) == ["Add"]
    np.testing.assert_array_equal(model.graph[0].inputs[1].const_value.numpy(), np.tile(array, repeats))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[1,3] x) => (float[2,6] y) { y = Tile(x, r) }",
            "the input comes from another node; only a constant was measured",
            id="input",
        ),
        pytest.param(
            "(float[1] x) => (float[6000,18000] y) { t = Tile(c, big)  y = Add(t, x) }",
            "the constant would have 108000000 elements, more than 16777216",
            id="size",
        ),
    ],
)
def test_declines(text, reason):
    constants = {"r": np.array([2, 2], np.int64)}
    if "big" in text:
        constants = {"c": np.ones((1, 3), np.float32), "big": np.array([6000, 6000], np.int64)}
    assert declines("fold_tile", text, **constants) == reason
