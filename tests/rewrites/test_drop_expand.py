import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines


@pytest.mark.parametrize(
    ("extents", "shape"), [("2,3", (2, 3)), ("2,3", (1, 1)), ("2,3", (3,)), ("1,4,1,5", (4, 1, 1))]
)
def test_changes(extents, shape, rng):
    text = f"(float[{extents}] x) => (float[{extents}] y) {{ a = Relu(x)  b = Expand(a, s)  y = Neg(b) }}"
    assert ops(changes("drop_expand", text, rng, s=np.array(shape, np.int64))) == ["Relu", "Neg"]


def test_an_output_keeps_its_name(rng):
    text = "(float[2,3] x) => (float[2,3] y) { y = Expand(x, s) }"
    assert ops(changes("drop_expand", text, rng, s=np.array([2, 3], np.int64))) == ["Identity"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[1,3] x) => (float[2,3] y) { y = Expand(x, s) }", "it does expand: [1, 3] to [2, 3]", id="expands"
        ),
        pytest.param(
            "(float[n,3] x) => (float[m,3] y) { y = Expand(x, s) }",
            "the shape of the input is not known ([n,3]); fix the input shapes first",
            id="unknown",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("drop_expand", text, s=np.array([2, 3], np.int64)) == reason
