import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

TEXT = """(float[2,7,5] x) => (float[{}] y) {{
    m = MatMul(x, w)
    r = Reshape(m, rows)
    y = BatchNormalization<epsilon=0.001>(r, gamma, bias, mean, var) }}"""


def given(rng, columns=6, rows=(-1, 6)):
    vectors = {name: rng.standard_normal(columns) for name in ("gamma", "bias", "mean")}
    arrays = {"w": rng.standard_normal((5, 6)), "var": rng.uniform(0.5, 2, columns), **vectors}
    return {"rows": np.array(rows), **{name: array.astype(np.float32) for name, array in arrays.items()}}


def test_changes(rng):
    model = changes("batch_norm_into_product", TEXT.format("14,6"), rng, **given(rng))
    assert ops(model)[-3:] == ["MatMul", "Add", "Reshape"]
    assert worst_on("4.5.5 4.6.0 4.7.0 4.8.1 4.10.0 4.14.0 5.0.0-classic 5.0.0", model, rng) < 1e-5


def test_directly_behind_the_product(rng):
    text = """(float[7,5] x) => (float[7,6] y) {
        m = MatMul(x, w)
        y = BatchNormalization(m, gamma, bias, mean, var) }"""
    constants = {name: array for name, array in given(rng).items() if name != "rows"}
    model = changes("batch_norm_into_product", text, rng, **constants)
    assert ops(model)[-3:] == ["MatMul", "Add", "Reshape"]


@pytest.mark.parametrize(
    ("text", "columns", "rows", "reason"),
    [
        (TEXT.format("28,3"), 3, (28, 3), "the product is not by a constant matrix of as many columns"),
        (TEXT.format("2,7,6"), 7, (2, 7, 6), "the input is not of two dimensions"),
        (TEXT.format("14,6").replace("=> (", "=> (float[2,7,6] m, "), 6, (-1, 6), "the product is read elsewhere"),
        ("(float[14,6] x) => (float[14,6] y) { m = Relu(x)\n y = BatchNormalization(m, gamma, bias, mean, var) }", 6, (),
         "the input is not a product"),
    ],
)  # fmt: skip
def test_declines(text, columns, rows, reason, rng):
    constants = {name: array for name, array in given(rng, columns, rows).items() if name in text.split("=> ")[1]}
    assert declines("batch_norm_into_product", text, **constants) == reason
