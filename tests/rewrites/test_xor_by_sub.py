import numpy as np

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "xor_by_sub"
TEXT = """(float[1,3,7,7] x, float[1,3,7,7] z) => (float[1,3,7,7] y) {
    a = Greater(x, z)
    b = Greater(x, c)
    m = Xor(a, b)
    y = Cast<to=1>(m) }"""


def test_changes(rng):
    model = changes(RULE, TEXT, rng, c=np.array(0, np.float32))
    assert ops(model) == ["Greater", "Greater", "Cast", "Cast", "Sub", "Abs", "Greater", "Cast"]
    assert worst_on("4.5.5 4.8.1 4.10.0 4.14.0 5.0.0", model, rng) == 0


def test_broadcast_masks(rng):
    feeds = {"a": rng.random((3, 1)) < 0.5, "b": rng.random(4) < 0.5}
    changes(RULE, "(bool[3,1] a, bool[4] b) => (bool[3,4] y) { y = Xor(a, b) }", rng, feeds=feeds)


def test_declines():
    assert declines(RULE, "(bool[2] a, b) => (bool[2] y) { y = Xor(a, b) }") == "an operand is no mask"
