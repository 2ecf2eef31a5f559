import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import two
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "min_of_pairs"
THREE = "(float[2,5] a, float[1,5] b, float[2,5] c) => (float[2,5] y) { y = Min(a, b, c) }"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (THREE, ["Min", "Min"]),
        ("(float[2,5] a) => (float[2,5] y) { y = Min(a) }", ["Identity"]),
        ("(float[2,5] a) => (float[2,5] y) { b = Min(a)  y = Neg(b) }", ["Neg"]),
    ],
)
def test_changes(text, made, rng, opencv):
    model = changes(RULE, text, rng)
    assert ops(model) == made
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("version", ["4.8.1", "4.10.0"])
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, THREE, rng)
    assert older(version, model, drawn(model, rng)) == 0


def test_declines():
    assert declines(RULE, two("Min", (4, 5), (4, 5))) == "it has two operands"
