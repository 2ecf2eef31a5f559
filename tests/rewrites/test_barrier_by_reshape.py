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
            "there is a Reshape between the two already",
        ),
        ("(float x) => (float y) { a = Relu(x)  y = Neg(a) }", "input 0 is a scalar or empty"),
    ],
)
def test_declines(text, reason):
    known = {"s": np.array([3, 2]), "c": np.ones((2, 3), np.float32)}
    constants = {name: array for name, array in known.items() if f"{name})" in text}
    assert declines("barrier_by_reshape", text, **constants) == reason
