import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, positive, two, with_constant
from tests.rewrites.judge import changes, declines
from tests.rewrites.older import older

RULE = "div_by_mul"


@pytest.mark.parametrize("constant", [(), (5,), (4, 1), (3, 4, 5)])
@pytest.mark.parametrize(("call", "made"), [("x, c", ["Mul"]), ("c, x", ["Div", "Mul"])])
def test_changes(constant, call, made, rng, opencv):
    feeds = {"x": positive(rng, (3, 4, 5))}
    model = changes(RULE, with_constant("Div", (3, 4, 5), call), rng, feeds=feeds, c=positive(rng, constant))
    assert ops(model) == made
    assert opencv(model, feeds) < 1e-6


def test_changes_a_smaller_tensor(rng, opencv):
    feeds = {"a": positive(rng, (1, 17, 1)), "b": positive(rng, (1, 17, 9))}
    model = changes(RULE, two("Div", (1, 17, 1), (1, 17, 9)), rng, feeds=feeds)
    assert ops(model) == ["Div", "Mul"]
    assert opencv(model, feeds) < 1e-6


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    feeds = {"x": positive(rng, (1, 4, 5, 6))}
    model = changes(RULE, with_constant("Div", (1, 4, 5, 6), "c, x"), rng, feeds=feeds, c=positive(rng, (4, 1, 1)))
    assert older(version, model, feeds) < 1e-6


@pytest.mark.parametrize("value", [0, np.inf, np.nan, 1e-42, 1e38])
def test_declines_constants_without_an_inverse(value):
    text = with_constant("Div", (2, 3))
    assert declines(RULE, text, c=np.full(3, value, np.float32)) == "1 / the constant is not a normal number everywhere"


def test_declines_what_it_makes(rng):
    text = with_constant("Div", (2, 3), "c, x")
    assert declines(RULE, text, c=np.ones((), np.float32)) == "it is 1 / x already"


def test_declines():
    assert declines(RULE, two("Div", (4, 5), (4, 1))) == "the left operand is the tensor, and no smaller"
