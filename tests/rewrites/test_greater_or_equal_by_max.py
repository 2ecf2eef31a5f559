import pytest

from tests.onnx_text import ops
from tests.rewrites.comparisons import EDGES, TEXT, feeds_for, one_of_each
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "greater_or_equal_by_max"
OP = "GreaterOrEqual"


@pytest.mark.parametrize("scale", [1e-44, 1, 1e38])
def test_changes(scale, rng):
    model = changes(RULE, TEXT.replace("OP", OP), rng, feeds=feeds_for(rng, scale))
    assert ops(model) == ["Max", "Equal", "Cast"]


def test_edges(rng):
    x, z = one_of_each(EDGES)
    text = f"(float[{x.size}] x, float[{x.size}] z) => (bool[{x.size}] y) {{ y = {OP}(x, z) }}"
    changes(RULE, text, rng, feeds={"x": x, "z": z})


@pytest.mark.parametrize("shapes", [("3,1", "1,4"), ("2,3,4", ""), ("", "2,3"), ("4", "2,3,4")])
def test_broadcasting(shapes, rng):
    x, z = (f"float[{shape}]" if shape else "float" for shape in shapes)
    changes(RULE, f"({x} x, {z} z) => (bool[?,?] y) {{ y = {OP}(x, z) }}".replace("bool[?,?]", "bool[N]"), rng)


def test_it_runs_on_opencv(rng):
    model = changes(RULE, TEXT.replace("OP", OP), rng)
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng, feeds_for(rng)) == 0


def test_declines():
    text = f"(int64[3] x, int64[3] z) => (bool[3] y) {{ y = {OP}(x, z) }}"
    assert declines(RULE, text) == "an operand is INT64, only FLOAT was measured"
