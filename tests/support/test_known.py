"""How the patterns that some OpenCV gets wrong are recognised in a graph."""

import numpy as np
import pytest

from converter.support.known import patterns_in
from tests.onnx_text import graph


def nodes(text, **constants):
    return list(graph(text, **constants).graph)


@pytest.mark.parametrize(
    ("mode", "before", "found"),
    [
        ("linear", (1, 1), ["resize_of_one_row"]),
        ("linear", (1, 4), ["resize_of_one_row"]),
        ("linear", (4, 1), ["resize_of_one_row"]),
        ("linear", (2, 2), []),
        ("nearest", (1, 1), []),
    ],
)
def test_linear_resize_of_one_row(mode, before, found):
    text = f"(float[1,2,{before[0]},{before[1]}] x) => (float[1,2,8,8] y)"
    assert patterns_in(nodes(f'{text} {{ y = Resize<mode="{mode}">(x, , , s) }}', s=np.array([1, 2, 8, 8]))) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("s = HardSigmoid<alpha=0.16666667, beta=0.5>(g)\ny = Mul(x, s)", ["hard_swish_gate"]),
        ("s = HardSigmoid<alpha=0.16666667, beta=0.5>(g)\ny = Mul(s, x)", ["hard_swish_gate"]),
        ("s = HardSigmoid<alpha=0.16666667>(g)\ny = Mul(x, s)", []),  # as the rule writes it
        ("s = HardSigmoid<alpha=0.2, beta=0.5>(g)\ny = Mul(x, s)", []),
        ("s = HardSigmoid<alpha=0.16666667, beta=0.5>(x)\ny = Mul(x, s)", []),  # this is a hard-swish
        ("s = Sigmoid(g)\ny = Mul(x, s)", []),
    ],
)
def test_hard_swish_gate(body, found):
    assert patterns_in(nodes(f"(float[1,2,3,3] x, float[1,2,1,1] g) => (float[1,2,3,3] y) {{ {body} }}")) == found


def test_a_node_alone_is_no_pattern():
    text = "(float[1,2,3,3] x, float[1,2,1,1] g) => (float[1,2,3,3] y)"
    found = nodes(f"{text} {{ s = HardSigmoid<alpha=0.16666667, beta=0.5>(g)\ny = Mul(x, s) }}")
    assert patterns_in(found[-1:]) == []
