import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, graph


@pytest.mark.parametrize(
    ("before", "shape", "after"),
    [((1, 3, 1), (2, 3, 4), "2,3,4"), ((3,), (2, 3), "2,3"), ((2, 3), (1, 1), "2,3"), ((), (2, 3), "2,3")],
)
def test_changes(before, shape, after, rng):
    array = rng.standard_normal(before).astype(np.float32)
    text = f"(float[{after}] x) => (float[{after}] y) {{ e = Expand(c, s)  y = Add(x, e) }}"
    model = changes("fold_expand", text, rng, c=array, s=np.array(shape, np.int64))
    assert ops(model) == ["Add"]
    folded = model.graph[0].inputs[1].const_value.numpy()
    np.testing.assert_array_equal(folded, np.broadcast_to(array, [int(n) for n in after.split(",")]))


def test_an_output_keeps_its_name(rng):
    text = "(float[2] x) => (float[2] z, float[2,3] y) { z = Relu(x)  y = Expand(c, s) }"
    model = changes("fold_expand", text, rng, c=np.ones(3, np.float32), s=np.array([2, 3], np.int64))
    assert ops(model) == ["Relu", "Identity"]


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.float64])
def test_every_type_is_folded(dtype):
    from converter.rewrites import RULES, apply

    model = graph(
        "(float[2] x) => (float[2] y, double[2,3] z) { y = Relu(x)  e = Expand(c, s)  z = Cast<to=11>(e) }",
        c=np.ones((1, 3), dtype),
        s=np.array([2, 3], np.int64),
    )
    assert apply(RULES["fold_expand"], model.graph[1]).declined is None
    assert model.graph[1].inputs[0].const_value.numpy().dtype == dtype


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[1,3] x) => (float[2,3] y) { y = Expand(x, s) }",
            "the input comes from another node; only a constant was measured",
            id="input",
        ),
        pytest.param(
            "(int64[2] t) => (float[a,b] y) { y = Expand(c, t) }",
            "the shape comes from another node; only a constant was measured",
            id="shape",
        ),
        pytest.param(
            "(float[1] x) => (float[9000,9000] y) { e = Expand(c, big)  y = Add(e, x) }",
            "the constant would have 81000000 elements, more than 16777216",
            id="size",
        ),
    ],
)
def test_declines(text, reason):
    constants = {"s": [2, 3], "big": [9000, 9000]}
    used = {name: np.array(value, np.int64) for name, value in constants.items() if f", {name})" in text}
    if "(c," in text:
        used["c"] = np.ones((1, 1), np.float32)
    assert declines("fold_expand", text, **used) == reason
