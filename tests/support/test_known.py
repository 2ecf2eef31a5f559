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


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("p = MatMul(x, z)\ny = Relu(p)", ["matmul_activation"]),
        ("p = MatMul(x, z)\ny = Clip(p, k)", ["matmul_activation"]),
        ("p = MatMul(x, z)\ny = Mul(p, k)", ["matmul_scalar"]),
        ("p = MatMul(x, z)\ny = Mul(k, p)", ["matmul_scalar"]),
        ("p = MatMul(x, w)\ny = Mul(p, k)", []),  # a constant operand
        ("p = MatMul(x, z)\ny = Mul(p, z)", []),
        ("p = MatMul(x, z)\ny = Softmax(p)", []),
        ("p = MatMul(x, z)\nq = Reshape(p, s)\ny = Mul(q, k)", []),  # as the barrier writes it
    ],
)
def test_what_follows_a_product(body, found):
    constants = {"k": np.float32(0.5), "w": np.ones((4, 4), np.float32), "s": np.array([2, 4, 4])}
    used = {name: array for name, array in constants.items() if f"{name})" in body or f"({name}," in body}
    assert patterns_in(nodes(f"(float[2,4,4] x, float[2,4,4] z) => (float[2,4,4] y) {{ {body} }}", **used)) == found


@pytest.mark.parametrize(
    ("activation", "found"),
    [("HardSwish", ["conv_relu_bn"]), ("Sigmoid", ["conv_relu_bn"]), ("Relu", []), ("Neg", ["conv_relu_bn"])],
)
def test_a_norm_behind_an_activation(activation, found):
    body = f"c = Conv(x, w)\nd = {activation}(c)\ny = BatchNormalization(d, s, s, s, s)"
    constants = {"w": np.ones((2, 2, 1, 1), np.float32), "s": np.ones(2, np.float32)}
    assert patterns_in(nodes(f"(float[1,2,3,3] x) => (float[1,2,3,3] y) {{ {body} }}", **constants)) == found
