import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines

RULE = "drop_dropout"


@pytest.mark.parametrize("call", ["x", "x, r", "x, r, t"])
def test_changes(call, rng):
    constants = {"r": np.array(0.5, np.float32), "t": np.array(False)}
    used = {name: value for name, value in constants.items() if name in call}
    text = f"(float[2,3] x) => (float[2,3] y) {{ d = Dropout({call})  y = Neg(d) }}"
    assert ops(changes(RULE, text, rng, **used)) == ["Neg"]


def test_an_output_keeps_its_name(rng):
    assert ops(changes(RULE, "(float[2,3] x) => (float[2,3] y) { y = Dropout(x) }", rng)) == ["Identity"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2] x) => (float[2] y) { y = Dropout(x, r, t) }", "it is in training mode"),
        ("(float[2] x) => (float[2] y, bool[2] m) { y, m = Dropout(x, r, t) }", "its mask is used"),
    ],
)
def test_declines(text, reason):
    assert declines(RULE, text, r=np.array(0.5, np.float32), t=np.array(True)) == reason
