import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, kind, positive
from tests.rewrites.judge import changes, declines
from tests.rewrites.older import older

RULE = "reciprocal_by_div"


@pytest.mark.parametrize("shape", [(4, 5), (1, 3, 7, 7), (7,)])
def test_changes(shape, rng, opencv):
    feeds = {"x": positive(rng, shape)}
    model = changes(RULE, f"({kind(shape)} x) => ({kind(shape)} y) {{ y = Reciprocal(x) }}", rng, feeds=feeds)
    assert ops(model) == ["Div"]
    assert opencv(model, feeds) < 1e-6


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    feeds = {"x": positive(rng, (1, 3, 7, 7))}
    model = changes(RULE, "(float[1,3,7,7] x) => (float[1,3,7,7] y) { y = Reciprocal(x) }", rng, feeds=feeds)
    assert older(version, model, feeds) < 1e-6


def test_declines():
    text = "(double[2] x) => (double[2] y) { y = Reciprocal(x) }"
    assert declines(RULE, text) == "the input is DOUBLE, only FLOAT was measured"
