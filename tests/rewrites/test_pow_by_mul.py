import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, positive, with_constant
from tests.rewrites.judge import changes, declines
from tests.rewrites.older import older

RULE = "pow_by_mul"


@pytest.mark.parametrize(
    ("power", "made"),
    [
        (2, ["Mul"]),
        (3, ["Mul", "Mul"]),
        (4, ["Mul", "Mul"]),
        (0.5, ["Sqrt"]),
        (-0.5, ["Sqrt", "Div"]),
        (1, ["Identity"]),
        (-1, ["Div"]),
    ],
)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 5)])
def test_changes(power, made, shape, rng, opencv):
    feeds = {"x": positive(rng, (3, 4, 5))}
    model = changes(RULE, with_constant("Pow", (3, 4, 5)), rng, feeds=feeds, c=np.full(shape, power, np.float32))
    assert ops(model) == made
    assert opencv(model, feeds) < 1e-6


def test_a_negative_base(rng):
    changes(RULE, with_constant("Pow", (3, 4)), rng, c=np.full(4, 3, np.float32))


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    feeds = {"x": positive(rng, (1, 3, 4, 5))}
    model = changes(RULE, with_constant("Pow", (1, 3, 4, 5)), rng, feeds=feeds, c=np.full((4, 5), 3, np.float32))
    assert older(version, model, feeds) < 1e-6


@pytest.mark.parametrize("exponents", [[2, 3], [1.7, 1.7]])
def test_declines(exponents):
    reason = "the exponent is not 2, 3, 4, 1/2, -1/2, 1 or -1 everywhere"
    assert declines(RULE, with_constant("Pow", (3, 2)), c=np.array(exponents, np.float32)) == reason


def test_declines_an_exponent_that_expands():
    text = "(float[1,3] x) => (float[4,3] y) { y = Pow(x, c) }"
    assert declines(RULE, text, c=np.full((4, 3), 2, np.float32)) == "the exponent expands the input: [1, 3] to [4, 3]"
