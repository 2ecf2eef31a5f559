import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def shapes(left, right):
    a, b = ([int(n) for n in s.split(",")] for s in (left, right))
    result = [*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1]]
    return tuple(b), ",".join(map(str, result))


@pytest.mark.parametrize(("left", "right"), [("2,1,4,5", "1,3,5,6"), ("2,3,4,5", "3,5,6"), ("2,3,4,5", "2,1,5,6")])
@pytest.mark.parametrize("constant", [True, False])
def test_changes(left, right, constant, rng):
    extents, result = shapes(left, right)
    given = {"b": rng.standard_normal(extents).astype(np.float32)} if constant else {}
    declared = f"float[{left}] a" + ("" if constant else f", float[{right}] b")
    model = changes("matmul_expand_batch", f"({declared}) => (float[{result}] y) {{ y = MatMul(a, b) }}", rng, **given)
    assert ops(model).count("MatMul") == 1
    assert worst_on("4.10.0 5.0.0", model, rng) < 1e-6


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("2,4,5", "2,5,3", "the batch dimensions are the same"),
        ("2,4,5", "5,3", "one operand is a single matrix: a cheaper rule merges the other's rows"),
        ("300,1,4,500", "1,300,500,1", "an expanded operand would have 180000000 elements, more than 16777216"),
    ],
)
def test_declines(left, right, reason):
    _, result = shapes(left, right)
    text = f"(float[{left}] a, float[{right}] b) => (float[{result}] y) {{ y = MatMul(a, b) }}"
    assert declines("matmul_expand_batch", text) == reason
