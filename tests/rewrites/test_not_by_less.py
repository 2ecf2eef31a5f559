import numpy as np

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "not_by_less"
TEXT = """(float[1,3,7,7] x) => (float[1,3,7,7] y) {
    a = Greater(x, c)
    m = Not(a)
    y = Cast<to=1>(m) }"""


def test_changes(rng):
    model = changes(RULE, TEXT, rng, c=np.array(0, np.float32))
    assert ops(model) == ["Greater", "Cast", "Less", "Cast"]
    assert worst_on("4.5.5 4.8.1 4.10.0 4.14.0 5.0.0", model, rng) == 0


def test_masks_from_outside(rng):
    changes(RULE, "(bool[2,3] m) => (bool[2,3] y) { y = Not(m) }", rng, feeds={"m": rng.random((2, 3)) < 0.5})


def test_declines():
    assert declines(RULE, "(m) => (bool[3] y) { y = Not(m) }") == "the input is no mask"
