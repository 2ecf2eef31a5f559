import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import two, with_constant
from tests.rewrites.judge import changes, declines, drawn

RULE = "max_swap_operands"


def test_changes_a_constant(rng, opencv):
    model = changes(RULE, with_constant("Max", (4, 5), "c, x"), rng, c=rng.random(5).astype(np.float32))
    assert ops(model) == ["Max"]
    assert model.graph[0].inputs[0].name == "x"
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_changes_a_smaller_tensor(rng, opencv):
    model = changes(RULE, two("Max", (1, 17, 1), (1, 17, 9)), rng)
    assert [value.name for value in model.graph[0].inputs] == ["b", "a"]
    assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("shapes", [((4, 5), (4, 5)), ((4, 5), (1, 5))])
def test_declines(shapes):
    assert declines(RULE, two("Max", *shapes)) == "the left operand is the tensor, and no smaller"


def test_declines_a_constant_on_the_right():
    reason = "the left operand is the tensor, and no smaller"
    assert declines(RULE, with_constant("Max", (4, 5)), c=np.ones(5, np.float32)) == reason
