import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, two
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "mean_by_add"
THREE = "(float[2,5] a, float[2,5] b, float[2,5] c) => (float[2,5] y) { y = Mean(a, b, c) }"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (THREE, ["Add", "Add", "Mul"]),
        (two("Mean", (2, 3, 4), (3, 1)), ["Add", "Mul"]),
        ("(float[2,5] a) => (float[2,5] y) { y = Mean(a) }", ["Identity"]),
    ],
)
def test_changes(text, made, rng, opencv):
    model = changes(RULE, text, rng)
    assert ops(model) == made
    if made != ["Add", "Mul"]:  # operands of two ranks are for other rules
        assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, THREE, rng)
    assert older(version, model, drawn(model, rng)) < 1e-6


def test_declines():
    text = "(double[2] a, double[2] b) => (double[2] y) { y = Mean(a, b) }"
    assert declines(RULE, text) == "an operand is DOUBLE, only FLOAT was measured"
