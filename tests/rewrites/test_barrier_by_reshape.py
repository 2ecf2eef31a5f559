import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


def test_what_comes_from_other_nodes_is_fenced(rng):
    text = "(float[2,3] x, float[2,3] z) => (float[2,3] y) { a = Relu(x)  b = Neg(z)  y = Add(a, b) }"
    model = changes("barrier_by_reshape", text, rng)
    assert ops(model) == ["Relu", "Neg", "Reshape", "Reshape", "Add"]


def test_constants_are_not(rng):
    text = "(float[2,4] x) => (float[2,6] y) { a = Relu(x)  y = MatMul(a, w) }"
    assert ops(changes("barrier_by_reshape", text, rng, w=W)) == ["Relu", "Reshape", "MatMul"]


def test_attributes_and_several_outputs_stay(rng):
    text = "(float[2,6] x) => (float[2,2] p, float[2,4] q) { a = Relu(x)  p, q = Split<axis=1>(a, sizes) }"
    model = changes("barrier_by_reshape", text, rng, sizes=np.array([2, 4]))
    assert ops(model) == ["Relu", "Reshape", "Split"]


def test_what_a_reshape_makes_needs_no_other(rng):
    text = "(float[2,3] x, float[3,2] z) => (float[2,3] y) { a = Relu(x)  b = Reshape(z, s)  y = Add(a, b) }"
    assert ops(changes("barrier_by_reshape", text, rng, s=np.array([2, 3]))) == ["Relu", "Reshape", "Reshape", "Add"]


def test_a_sum_of_a_convolution_and_its_own_input(rng):
    """4.7.0 adds in place, into the convolution's input, and then refuses to run; coat_small is built of such sums."""
    text = """(float[1,4,36] x) => (float[1,4,6,6] y) {
        r = Reshape(x, s)  c = Conv<group=4, kernel_shape=[3,3], pads=[1,1,1,1]>(r, w)  y = Add(c, r) }"""
    constants = {"s": np.array([1, 4, 6, 6]), "w": rng.standard_normal((4, 1, 3, 3)).astype(np.float32)}
    model = changes("barrier_by_reshape", text, rng, **constants)
    assert ops(model) == ["Reshape", "Conv", "Reshape", "Add"]
    assert worst_on("4.5.5 4.7.0 4.10.0 5.0.0", model, rng) < 1e-5


@pytest.mark.parametrize("activation", ["Relu", "Sigmoid", "Tanh"])
def test_an_activation_behind_a_product_is_not_dropped(activation, rng):
    """Without the barrier 4.5.5 to 4.8.1 give the product itself."""
    text = f"(float[1,2,5,4] x, float[1,2,4,6] z) => (float[1,2,5,6] y) {{ a = MatMul(x, z)  y = {activation}(a) }}"
    assert worst_on("4.6.0 4.8.1 4.10.0 5.0.0", changes("barrier_by_reshape", text, rng), rng) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2,3] x) => (float[2,3] y) { y = Add(c, c) }", "all its inputs are constant"),
        (
            "(float[2,3] x) => (float[3,2] y) { a = Reshape(x, s)  y = Relu(a) }",
            "there is a Reshape before it already",
        ),
        ("(float x) => (float y) { a = Relu(x)  y = Neg(a) }", "input 0 is a scalar or empty"),
    ],
)
def test_declines(text, reason):
    known = {"s": np.array([3, 2]), "c": np.ones((2, 3), np.float32)}
    constants = {name: array for name, array in known.items() if f"{name})" in text}
    assert declines("barrier_by_reshape", text, **constants) == reason
