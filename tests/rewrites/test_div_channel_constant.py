import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import CONSTANTS, OLD, positive, two, with_constant
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "div_channel_constant"


@pytest.mark.parametrize(("shape", "constant"), CONSTANTS)
@pytest.mark.parametrize("call", ["x, c", "c, x"])
def test_changes(shape, constant, call, rng, opencv):
    model = changes(RULE, with_constant("Div", shape, call), rng, c=positive(rng, constant))
    assert set(ops(model)) <= {"Reshape", "Div"}
    node = next(node for node in model.graph if node.op_type == "Div")
    parameter = list(next(value for value in node.inputs if value.is_initializer()).shape)
    assert len(parameter) < 3 and parameter[1:] in ([], [1])
    assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize(("shape", "constant"), CONSTANTS)
def test_older_opencvs_run_it(version, shape, constant, rng):
    model = changes(RULE, with_constant("Div", shape), rng, c=positive(rng, constant))
    assert older(version, model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize(
    ("shape", "constant", "reason"),
    [
        ((2, 3), (), "the constant is one number"),
        ((4, 5), (5,), "the constant is a channel's already"),
        ((4, 5, 6), (5, 1), "the constant is a channel's already"),
    ],
)
def test_declines(shape, constant, reason, rng):
    assert declines(RULE, with_constant("Div", shape), c=positive(rng, constant)) == reason


def test_declines_two_tensors():
    assert declines(RULE, two("Div", (2, 3), (2, 3))) == "it has no constant operand"


def test_declines_a_constant_that_expands():
    text = "(float[1,3] x) => (float[4,3] y) { y = Div(x, c) }"
    assert declines(RULE, text, c=np.ones((4, 3), np.float32)) == "the constant expands the tensor: [1, 3] to [4, 3]"
