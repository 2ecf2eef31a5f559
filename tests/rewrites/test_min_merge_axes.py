import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import TENSORS, two
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "min_merge_axes"


@pytest.mark.parametrize(("large", "small", "merged"), TENSORS)
@pytest.mark.parametrize("flip", [False, True])
def test_changes(large, small, merged, flip, rng, opencv):
    operands = (small, large) if flip else (large, small)
    model = changes(RULE, two("Min", *operands), rng)
    assert set(ops(model)) == {"Reshape", "Min"}
    node = next(node for node in model.graph if node.op_type == "Min")
    assert tuple(node.outputs[0].shape) == merged
    assert len({len(value.shape) for value in node.inputs}) == 1
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_both_operands_are_broadcast(rng, opencv):
    model = changes(RULE, two("Min", (1, 5, 6, 1, 1), (1, 1, 1, 4, 7)), rng)
    assert [list(value.shape) for value in next(n for n in model.graph if n.op_type == "Min").inputs] == [
        [30, 1],
        [1, 28],
    ]
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_a_tensor_of_one_element(rng):
    model = changes(RULE, two("Min", (2, 3), (1, 1)), rng)
    assert [list(value.shape) for value in next(n for n in model.graph if n.op_type == "Min").inputs] == [
        [1, 1, 6],
        [1, 1, 1],
    ]


@pytest.mark.parametrize("version", ["4.8.1", "4.10.0"])
@pytest.mark.parametrize(("large", "small", "merged"), TENSORS)
def test_older_opencvs_run_it(version, large, small, merged, rng):
    model = changes(RULE, two("Min", large, small), rng)
    assert older(version, model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (two("Min", (1, 17, 9), (1, 17, 1)), "its axes are merged already"),
        ("(int64[3] a, int64[3] b) => (int64[3] y) { y = Min(a, b) }", "an operand is INT64, only FLOAT was measured"),
        ("(float[2,0] a, float[2,0] b) => (float[2,0] y) { y = Min(a, b) }", "the result is empty"),
    ],
)
def test_declines(text, reason):
    assert declines(RULE, text) == reason


def test_declines_a_number():
    text = "(float[2,3] x) => (float[2,3] y) { y = Min(x, c) }"
    assert declines(RULE, text, c=np.ones((), np.float32)) == "one operand is a constant number"
