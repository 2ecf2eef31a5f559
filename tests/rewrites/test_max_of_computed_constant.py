import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, two, with_constant
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "max_of_computed_constant"


@pytest.mark.parametrize("call", ["x, c", "c, x"])
@pytest.mark.parametrize("constant", [(), (9,), (7, 1), (1, 3, 7, 9)])
@pytest.mark.parametrize("value", [0.0, 0.7, np.inf, -np.inf])
def test_changes(call, constant, value, rng):
    model = changes(RULE, with_constant("Max", (1, 3, 7, 9), call), rng, c=np.full(constant, value, np.float32))
    assert ops(model) == ["HardSigmoid", "Mul", "Add", "Max"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, 1e-42])
def test_infinite_inputs(value, rng):
    feeds = {"x": np.array([[value, -value, 0]], np.float32)}
    changes(RULE, with_constant("Max", (1, 3)), rng, feeds=feeds, c=rng.standard_normal(3).astype(np.float32))


@pytest.mark.parametrize("constant", [(), (1, 3, 7, 9)])
def test_opencv_runs_it(constant, rng, opencv):
    model = changes(RULE, with_constant("Max", (1, 3, 7, 9)), rng, c=rng.random(constant).astype(np.float32))
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("constant", [(), (9,), (1, 3, 7, 9)])
def test_older_opencvs_run_it(version, constant, rng):
    c = np.asarray(rng.random(constant), np.float32)
    model = changes(RULE, with_constant("Max", (1, 3, 7, 9)), rng, c=c)
    assert older(version, model, drawn(model, rng)) == 0


def test_declines():
    assert declines(RULE, two("Max", (4, 5), (4, 5))) == "not one of the operands is constant, but both or none"


def test_declines_a_constant_that_expands():
    text = "(float[1,3] x) => (float[4,3] y) { y = Max(x, c) }"
    assert declines(RULE, text, c=np.ones((4, 3), np.float32)) == "the constant expands the tensor: [1, 3] to [4, 3]"
