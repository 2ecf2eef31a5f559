import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "where_by_cast"
TEXT = """(float[1,3,7,7] x, float[1,3,7,7] z) => (float[1,3,7,7] y) {
    m = Greater(x, z)
    y = Where(m, x, z) }"""
MADE = ["Greater", "Cast", "Sub", "Mul", "Mul", "Add"]


def test_changes(rng, opencv):
    model = changes(RULE, TEXT, rng)
    assert sorted(ops(model)) == sorted(MADE)
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("fill", [0, -1e30, 1e-40])
@pytest.mark.parametrize("call", ["m, x, c", "m, c, x"])
def test_a_constant_branch(fill, call, rng):
    text = f"(float[3,4] x, bool[4] m) => (float[3,4] y) {{ y = Where({call}) }}"
    feeds = {"x": rng.standard_normal((3, 4)).astype(np.float32), "m": rng.random(4) < 0.5}
    changes(RULE, text, rng, feeds=feeds, c=np.array(fill, np.float32))


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, TEXT, rng)
    assert older(version, model, drawn(model, rng)) == 0


def test_declines():
    text = "(float[3] x) => (float[3] y) { y = Where(m, x, x) }"
    assert declines(RULE, text, m=np.array([True, False, True])) == "the mask is constant"


def test_declines_an_infinite_fill():
    text = "(float[3] x, bool[3] m) => (float[3] y) { y = Where(m, x, c) }"
    reason = "a branch is constant and not finite; 0 * inf is NaN"
    assert declines(RULE, text, c=np.array(-np.inf, np.float32)) == reason
