import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "conv_by_patches"


def text(x, w, attributes="", bias=False):
    kinds = [f"float[{','.join(map(str, shape))}]" for shape in (x, w)]
    more = (f", float[{w[0]}] b", ", b") if bias else ("", "")
    after = ",".join("ABCDE"[: len(x)])
    return f"({kinds[0]} x, {kinds[1]} w{more[0]}) => (float[{after}] y) {{ y = Conv{attributes}(x, w{more[1]}) }}"


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 3, 8, 9), (4, 3, 3, 3), "<pads=[1,1,1,1]>"),
        ((1, 3, 8, 9), (4, 3, 3, 3), "<strides=[2,2]>"),
        ((2, 3, 8, 9), (4, 3, 3, 2), "<pads=[2,1,0,1], dilations=[2,1]>"),
        ((1, 6, 8, 9), (4, 3, 3, 3), "<group=2, pads=[1,1,1,1]>"),
        ((2, 6, 8, 9), (9, 2, 3, 3), "<group=3>"),
        ((1, 5, 8, 9), (5, 1, 3, 3), "<group=5, pads=[1,1,1,1]>"),
        ((2, 6, 8, 9), (3, 2, 3, 3), "<group=3>"),
        ((1, 3, 8, 9), (4, 3, 1, 1), ""),
        ((1, 3, 8, 9), (4, 3, 1, 1), "<strides=[2,2]>"),
        ((1, 3, 8, 9), (4, 3, 1, 1), "<pads=[1,1,1,1]>"),
        ((1, 3, 8, 9), (4, 3, 8, 9), ""),
        ((2, 3, 9), (4, 3, 3), "<pads=[1,1]>"),
        ((1, 3, 8, 8), (4, 3, 3, 3), '<auto_pad="SAME_UPPER", strides=[2,2]>'),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_changes(x, w, attributes, bias, rng):
    model = changes(RULE, text(x, w, attributes, bias), rng)
    assert ops(model).count("Conv") <= 1


@pytest.mark.parametrize(("w", "attributes"), [((4, 3, 3, 3), "<pads=[1,1,1,1]>"), ((3, 1, 3, 3), "<group=3>")])
def test_it_runs_on_opencv(w, attributes, rng):
    model = changes(RULE, text((1, 3, 8, 9), w, attributes), rng)
    assert worst_on("4.10.0 4.14.0 5.0.0", model, rng) < 1e-5


def test_declines():
    constant = "(float[1,3,8,8] x) => (float[1,2,6,6] y) { y = Conv(x, w) }"
    assert declines(RULE, constant, w=np.ones((2, 3, 3, 3), np.float32)) == "the weight is constant"


def test_declines_large_patches():
    reason = "the patches would have 29491200 numbers, more than 16777216"
    assert declines(RULE, text((1, 128, 162, 162), (4, 128, 3, 3))) == reason
