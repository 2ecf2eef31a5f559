import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines

MASK = np.array([[True, False, True]])


@pytest.mark.parametrize("a", [(2, 3), (3,), (), (2, 1)])
@pytest.mark.parametrize("b", [(2, 3), (1, 3), ()])
def test_constant_branches_are_folded(a, b, rng):
    arrays = [np.asarray(rng.standard_normal(shape), np.float32) for shape in (a, b)]
    shape = np.broadcast_shapes(MASK.shape, a, b)
    text = "(float[2,3] x) => (float[2,3] y) { w = Where(m, a, b)  y = Add(x, w) }"
    model = changes("fold_where", text, rng, m=MASK, a=arrays[0], b=arrays[1])
    assert ops(model) == ["Add"]
    folded = model.graph[0].inputs[1].const_value.numpy()
    assert folded.shape == shape
    np.testing.assert_array_equal(folded, np.where(MASK, *arrays))


@pytest.mark.parametrize("picks", [True, False])
def test_a_mask_of_one_value_picks_a_branch(picks, rng):
    text = "(float[2,3] x, float[2,3] z) => (float[2,3] y) { w = Where(m, x, z)  y = Neg(w) }"
    model = changes("fold_where", text, rng, m=np.full((1, 3), picks))
    assert ops(model) == ["Neg"]
    assert model.graph[0].inputs[0].name == ("x" if picks else "z")


def test_an_output_keeps_its_name(rng):
    text = "(float[2,3] x, float[2,3] z) => (float[2,3] y) { y = Where(m, x, z) }"
    assert ops(changes("fold_where", text, rng, m=np.array([True]))) == ["Identity"]


@pytest.mark.parametrize(
    ("text", "mask", "reason"),
    [
        pytest.param(
            "(float[2,3] x, float[2,3] z) => (float[2,3] y) { y = Where(m, x, z) }",
            MASK,
            "the mask picks from both branches, and they are not both constant",
            id="mixed",
        ),
        pytest.param(
            "(float[2,1] x, float[2,3] z) => (float[2,3] y) { y = Where(m, x, z) }",
            np.array([True]),
            "the branch that it picks is expanded too: [2, 1] to [2, 3]",
            id="expanded",
        ),
    ],
)
def test_declines(text, mask, reason):
    assert declines("fold_where", text, m=mask) == reason


def test_declines_a_computed_mask():
    text = "(float[2,3] x, bool[2,3] k) => (float[2,3] y) { y = Where(k, x, x) }"
    assert declines("fold_where", text) == "the mask comes from another node; only a constant was measured"
