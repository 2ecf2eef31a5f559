import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "sign_by_clip"
TEXT = "(float[1,3,7,7] x) => (float[1,3,7,7] y) { y = Sign(x) }"


@pytest.mark.parametrize("scale", [1e-30, 1, 1e30])
def test_changes(scale, rng, opencv):
    model = changes(RULE, TEXT, rng, scale=scale)
    assert ops(model) == ["Mul", "Clip", "Mul", "Clip"]
    assert opencv(model, drawn(model, rng, scale)) == 0


def test_zeros_infinities_and_the_smallest_numbers(rng):
    x = np.array([0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, 1e-38, 3.4e38], np.float32)
    changes(RULE, "(float[8] x) => (float[8] y) { y = Sign(x) }", rng, feeds={"x": x})


@pytest.mark.parametrize("version", ["4.7.0", "4.10.0"])
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, TEXT, rng)
    assert older(version, model, drawn(model, rng)) == 0


def test_declines():
    text = "(int64[3] x) => (int64[3] y) { y = Sign(x) }"
    assert declines(RULE, text) == "the input is INT64, only FLOAT was measured"
