import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, kind
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "cum_sum_by_matmul"


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 5), 1), ((2, 5), 0), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), -2), ((7,), 0)]
)
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_changes(shape, axis, exclusive, reverse, rng, opencv):
    node = f"CumSum<exclusive={exclusive}, reverse={reverse}>(x, a)"
    model = changes(RULE, f"({kind(shape)} x) => ({kind(shape)} y) {{ y = {node} }}", rng, a=np.array(axis))
    last = axis % len(shape) == len(shape) - 1
    assert ops(model) == ["Reshape", "MatMul" if last else "Conv", "Reshape"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_older_opencvs_run_it(version, axis, rng):
    model = changes(RULE, "(float[4,5,6] x) => (float[4,5,6] y) { y = CumSum(x, a) }", rng, a=np.array(axis))
    assert older(version, model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(float[2,3] x, int64 k) => (float[2,3] y) { y = CumSum(x, k) }"
    assert declines(RULE, text) == "the axis comes from another node; only a constant was measured"


def test_declines_a_huge_triangle():
    text = "(float[4097] x) => (float[4097] y) { y = CumSum(x, a) }"
    assert declines(RULE, text, a=np.array(0)) == "the triangle would be 16785409 elements, more than 16777216"
