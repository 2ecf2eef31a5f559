import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "lp_norm_by_reduce"


def text_of(axis, p):
    return f"(float[1,3,7,9] x) => (float[1,3,7,9] y) {{ y = LpNormalization<axis={axis}, p={p}>(x) }}"


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize(("p", "op"), [(1, "ReduceL1"), (2, "ReduceL2")])
def test_changes(axis, p, op, rng, opencv):
    model = changes(RULE, text_of(axis, p), rng)
    assert ops(model) == [op, "Div"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("version", ["4.9.0", "4.10.0"])
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, text_of(1, 2), rng)
    assert older(version, model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(double[2,3] x) => (double[2,3] y) { y = LpNormalization(x) }"
    assert declines(RULE, text) == "the input is DOUBLE, only FLOAT was measured"
