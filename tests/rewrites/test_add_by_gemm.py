import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

TARGETS = "4.10.0 4.12.0 4.14.0 5.0.0-classic 5.0.0"


SHAPES = [(7, 5), (1, 7, 5), (2, 7, 5), (1, 3, 4, 5), (2, 3, 2, 2, 5)]
ROWS = [(6,), (1, 6), (1, 1, 6), (1,), ()]


@pytest.mark.parametrize(("shape", "row"), [(shape, row) for shape in SHAPES for row in ROWS if len(row) <= len(shape)])
@pytest.mark.parametrize("sum_", ["Add(m, b)", "Add(b, m)"])
def test_changes(shape, row, sum_, rng):
    before, after = (",".join(map(str, (*shape[:-1], columns))) for columns in (5, 6))
    text = f"(float[{before}] x) => (float[{after}] y) {{ m = MatMul(x, w)  y = {sum_} }}"
    given = {"w": rng.standard_normal((5, 6)), "b": rng.standard_normal(row)}
    model = changes("add_by_gemm", text, rng, **{name: np.asarray(array, np.float32) for name, array in given.items()})
    assert [op for op in ops(model) if op != "MatMul"] == ["Reshape", "Gemm", "Reshape"]
    assert worst_on(TARGETS, model, rng) < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2,5] x, float[5,6] v) => (float[2,6] y) { m = MatMul(x, v)  y = Add(m, b) }",
         "the product is not by a constant matrix"),
        ("(float[2,5] x) => (float[2,6] y, float[2,6] m) { m = MatMul(x, w)  y = Add(m, b) }",
         "the product is read elsewhere"),
        ("(float[2,5] x) => (float[2,6] y) { m = MatMul(x, w)  y = Add(m, full) }", "what is added is no row"),
        ("(float[2,6] x) => (float[2,6] y) { m = Relu(x)  y = Add(m, b) }", "it is no sum of a product and a constant"),
        ("(float[5] x) => (float[6] y) { m = MatMul(x, w)  y = Add(m, b) }", "the product is of a vector"),
    ],
)  # fmt: skip
def test_declines(text, reason):
    given = {"w": np.ones((5, 6)), "b": np.ones(6), "full": np.ones((2, 6))}
    used = {name: array.astype(np.float32) for name, array in given.items() if f"{name})" in text}
    assert declines("add_by_gemm", text, **used) == reason
