import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize(
    ("left", "right", "after"),
    [("4,5", "5", "4"), ("2,4,5", "5", "2,4"), ("2,3,4,5", "5", "2,3,4"), ("4", "4,5", "5"), ("4", "2,4,5", "2,5")],
)
@pytest.mark.parametrize("constant", ["", "x", "z"])
def test_changes(left, right, after, constant, rng, opencv):
    shapes = {"x": left, "z": right}
    arrays = {n: rng.standard_normal([int(e) for e in s.split(",")]).astype(np.float32) for n, s in shapes.items()}
    inputs = ", ".join(f"float[{shape}] {name}" for name, shape in shapes.items() if name != constant)
    constants = {constant: arrays[constant]} if constant else {}
    text = f"({inputs}) => (float[{after}] y) {{ y = MatMul(x, z) }}"
    model = changes("matmul_of_vector", text, rng, **constants)
    vector = "x" if "," not in left else "z"
    assert ops(model) == ([] if constant == vector else ["Reshape"]) + ["MatMul", "Reshape"]
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_two_vectors(rng):
    text = "(float[4] x, float[4] z) => (float y) { y = MatMul(x, z) }"
    assert ops(changes("matmul_of_vector", text, rng)) == ["Reshape", "Reshape", "MatMul", "Reshape"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,4] x, float[4,2] z) => (float[2,2] y) { y = MatMul(x, z) }",
            "no operand is a vector",
            id="matrices",
        ),
        pytest.param(
            "(int64[2,4] x, int64[4] z) => (int64[2] y) { y = MatMul(x, z) }",
            "an operand is INT64, only FLOAT was measured",
            id="int",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("matmul_of_vector", text) == reason
