import numpy as np
import onnx_ir as ir
import pytest

from converter.rewrites import RULES, apply
from tests.onnx_text import ops, ort_run
from tests.rewrites.judge import changes, declines, graph

RULE = "merge_casts"
NAMES = {1: "float", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "double"}


def pair(first, inner, outer):
    """A graph of x of type `first`, cast to `inner` and then to `outer`; types by ONNX's numbers."""
    casts = f"a = Cast<to={inner}>(x)  b = Cast<to={outer}>(a)"
    return f"({NAMES[first]}[2,3] x) => ({NAMES[outer]}[2,3] y) {{ {casts}  y = Identity(b) }}"


def outer_cast(model):
    return [node for node in model.graph if node.op_type == "Cast"][-1]


@pytest.mark.parametrize(
    ("types", "left"),
    [((1, 11, 1), 0), ((6, 7, 6), 0), ((6, 7, 1), 1), ((10, 1, 11), 1), ((9, 7, 1), 1), ((2, 1, 6), 1)],
)
def test_a_pair(types, left, rng):
    model = graph(pair(*types))
    dtype = ir.DataType(types[0]).numpy()
    x = (rng.random((2, 3)) * 9).astype(dtype)
    before = ort_run(model, {"x": x})[0]
    outcome = apply(RULES[RULE], outer_cast(model))
    assert outcome.declined is None
    assert len(outcome.nodes) == left
    after = ort_run(model, {"x": x})[0]
    assert after.dtype == before.dtype
    np.testing.assert_array_equal(after, before)


def test_a_cast_to_its_own_type(rng):
    text = "(float[2,3] x) => (float[2,3] y) { n = Neg(x)  a = Cast<to=1>(n)  y = Abs(a) }"
    assert ops(changes(RULE, text, rng)) == ["Neg", "Abs"]


@pytest.mark.parametrize("types", [(1, 6, 1), (11, 1, 11), (7, 6, 7), (1, 10, 1), (7, 1, 7)])
def test_declines_a_pair_that_loses_digits(types):
    reason = apply(RULES[RULE], outer_cast(graph(pair(*types)))).declined
    assert reason == f"{ir.DataType(types[1])} does not hold every {ir.DataType(types[0])}"


def test_declines():
    text = "(float[2,3] x) => (double[2,3] y) { y = Cast<to=11>(x) }"
    assert declines(RULE, text) == "its input is no Cast, and of another type"
