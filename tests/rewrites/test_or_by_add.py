import numpy as np

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "or_by_add"
TEXT = """(float[1,3,7,7] x, float[1,3,7,7] z) => (float[1,3,7,7] y) {
    a = Greater(x, z)
    b = Greater(x, c)
    m = Or(a, b)
    y = Cast<to=1>(m) }"""
MADE = ["Greater", "Greater", "Cast", "Cast", "Add", "Greater", "Cast"]


def test_changes(rng, opencv):
    model = changes(RULE, TEXT, rng, c=np.array(0, np.float32))
    assert ops(model) == MADE
    assert opencv(model, drawn(model, rng)) == 0


def test_broadcast_masks(rng):
    feeds = {"a": rng.random((3, 1)) < 0.5, "b": rng.random(4) < 0.5}
    changes(RULE, "(bool[3,1] a, bool[4] b) => (bool[3,4] y) { y = Or(a, b) }", rng, feeds=feeds)


def test_older_opencvs_run_it(rng):
    model = changes(RULE, TEXT, rng, c=np.array(0, np.float32))
    assert older("4.10.0", model, drawn(model, rng)) == 0


def test_declines():
    model_text = "(bool[2] a, b) => (bool[2] y) { y = Or(a, b) }"
    assert declines(RULE, model_text) == "an operand is no mask"
