"""The estimate by which alternatives are chosen: what matters is which of two is called cheaper."""

import numpy as np
import pytest

from converter.costs import cost
from tests.onnx_text import graph

W = np.zeros((64, 64), np.float32)
LARGE = "(float[1,196,64] x) => (float[1,196,64] y) "


def price(text, **constants):
    return cost(graph(text, **constants).graph)


@pytest.mark.parametrize(
    ("cheaper", "dearer"),
    [
        ("{ y = Reshape(x, shape) }", "{ y = Relu(x) }"),
        ("{ y = Relu(x) }", "{ y = MatMul(x, w) }"),
        ("{ y = Relu(x) }", "{ a = Relu(x)\n y = Relu(a) }"),
        ("{ y = Relu(x) }", "{ y = Erf(x) }"),
        ("{ y = MatMul(x, w) }", "{ a = MatMul(x, w)\n y = MatMul(a, w) }"),
    ],
)
def test_the_cheaper_of_two(cheaper, dearer):
    constants = {"w": W, "shape": np.array([1, 196, 64])}

    def used(text):
        return {name: array for name, array in constants.items() if f", {name})" in text}

    assert price(LARGE + cheaper, **used(cheaper)) < price(LARGE + dearer, **used(dearer))
