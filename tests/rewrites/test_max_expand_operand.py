import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import kind, two
from tests.rewrites.judge import changes, declines, drawn

RULE = "max_expand_operand"


@pytest.mark.parametrize(
    ("left", "right", "grown"),
    [
        ((4, 17, 9), (4, 1, 9), ["Expand", "Max"]),
        ((4, 1, 9), (4, 17, 9), ["Expand", "Max"]),
        ((1, 6, 7, 9), (7, 1), ["Reshape", "Expand", "Max"]),
        ((17, 1), (1, 9), ["Expand", "Max"]),
        ((3, 4), (1, 1), ["Expand", "Max"]),
    ],
)
def test_changes(left, right, grown, rng, opencv):
    model = changes(RULE, two("Max", left, right), rng)
    assert ops(model) == grown
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_the_larger_operand_is_expanded_where_both_are(rng):
    model = changes(RULE, two("Max", (17, 1), (1, 9)), rng)
    assert list(model.graph[-1].inputs[0].shape) == [17, 9]
    assert list(model.graph[-1].inputs[1].shape) == [1, 9]


@pytest.mark.parametrize("call", ["x, c", "c, x"])
def test_a_constant_is_repeated_in_the_file(call, rng, opencv):
    text = f"({kind((4, 5, 9))} x) => ({kind((4, 5, 9))} y) {{ y = Max({call}) }}"
    model = changes(RULE, text, rng, c=rng.random((5, 1)).astype(np.float32))
    assert ops(model) == ["Max"]
    assert [list(value.shape) for value in model.graph[0].inputs] == [[4, 5, 9]] * 2
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_declines():
    assert declines(RULE, two("Max", (4, 5), (4, 5))) == "no operand is expanded"


def test_declines_a_huge_constant():
    text = "(float[4097,4097] x) => (float[4097,4097] y) { y = Max(x, c) }"
    reason = "the constant would have 16785409 elements, more than 16777216"
    assert declines(RULE, text, c=np.full(4097, 2, np.float32)) == reason
