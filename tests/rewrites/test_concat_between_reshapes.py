import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

ALL = "4.5.5 4.6.0 4.8.1 4.10.0 4.14.0 5.0.0-classic 5.0.0"


@pytest.mark.parametrize(
    ("tensor", "constant", "axis"),
    [
        ("1,6,8", (1, 1, 8), 1),
        ("6,8", (1, 8), 0),
        ("2,3,4,5", (2, 3, 4, 2), -1),
        ("1,3,4,5", (1, 2, 4, 5), 1),
        ("1,1,6,8", (1, 1, 1, 8), 2),
        ("5", (2,), 0),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_changes(tensor, constant, axis, first, rng):
    array = rng.standard_normal(constant).astype(np.float32)
    result = [int(n) for n in tensor.split(",")]
    result[axis] += constant[axis]
    operands = "c, x" if first else "x, c"
    text = f"(float[{tensor}] x) => (float[{','.join(map(str, result))}] y) {{ y = Concat<axis={axis}>({operands}) }}"
    model = changes("concat_between_reshapes", text, rng, c=array)
    assert ops(model) == ["Reshape", "Concat", "Reshape"]
    if tensor != "1,1,6,8":
        assert worst_on(ALL, model, rng) == 0


def test_a_constant_of_two_concats_becomes_two(rng):
    text = """(float[1,6,8] x) => (float[1,7,8] y, float[1,7,8] z) {
        y = Concat<axis=1>(c, x)
        a = Relu(x)
        z = Concat<axis=1>(c, a) }"""
    model = changes("concat_between_reshapes", text, rng, c=np.ones((1, 1, 8), np.float32))
    assert worst_on(ALL, model, rng) == 0


def test_vectors(rng):
    text = "(float[3] x, float[4] z) => (float[7] y) { y = Concat<axis=0>(x, z) }"
    model = changes("concat_between_reshapes", text, rng)
    assert ops(model) == ["Reshape", "Reshape", "Concat", "Reshape"]
    assert worst_on(ALL, model, rng) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2,3] x) => (float[4,3] y) { y = Concat<axis=0>(x, x) }",
         "no operand is constant, and there is more than one dimension"),
        ("(float[2,3] x) => (float[2,3] y) { y = Concat<axis=0>(c, c) }", "every operand is constant"),
        ("(int64[2,3] x) => (int64[4,3] y) { y = Concat<axis=0>(x, x) }", "an operand is INT64, only FLOAT was measured"),
    ],
)  # fmt: skip
def test_declines(text, reason):
    assert declines("concat_between_reshapes", text, c=np.ones((1, 3), np.float32)) == reason
