import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

BUILT = ["Reshape", "Transpose", "Conv", "Transpose", "Reshape"]


@pytest.mark.parametrize("shape", [(130, 5), (1, 128, 5), (3, 50, 5), (1, 12, 12, 5)])
@pytest.mark.parametrize("row", [(6,), (1, 6), (1,), ()])
@pytest.mark.parametrize("sum_", ["Add(m, b)", "Add(b, m)"])
def test_changes(shape, row, sum_, rng):
    before, after = (",".join(map(str, (*shape[:-1], columns))) for columns in (5, 6))
    text = f"(float[{before}] x) => (float[{after}] y) {{ m = MatMul(x, w)  y = {sum_} }}"
    given = {"w": rng.standard_normal((5, 6)), "b": rng.standard_normal(row)}
    model = changes("add_by_conv", text, rng, **{name: np.asarray(array, np.float32) for name, array in given.items()})
    assert [op for op in ops(model) if op != "MatMul"] == BUILT
    assert worst_on("4.5.5 4.6.0 4.7.0 4.8.1", model, rng) < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[127,5] x) => (float[127,6] y) { m = MatMul(x, w)  y = Add(m, b) }",
         "127 rows are too few for a convolution to be faster"),
        ("(float[200,5] x, float[5,6] v) => (float[200,6] y) { m = MatMul(x, v)  y = Add(m, b) }",
         "the product is not by a constant matrix"),
        ("(float[200,6] x) => (float[200,6] y) { m = Relu(x)  y = Add(m, b) }",
         "it is no sum of a product and a constant"),
    ],
)  # fmt: skip
def test_declines(text, reason):
    given = {"w": np.ones((5, 6), np.float32), "b": np.ones(6, np.float32)}
    assert declines("add_by_conv", text, **{name: given[name] for name in given if f"{name})" in text}) == reason
