import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "clip_by_min_max"


def text_of(call):
    return f"(float[1,3,7,7] x) => (float[1,3,7,7] y) {{ y = Clip({call}) }}"


def limits(**values):
    return {name: np.array(value, np.float32) for name, value in values.items()}


@pytest.mark.parametrize(
    ("call", "values", "made"),
    [
        ("x, l, h", {"l": -1, "h": 2}, ["Max", "Min"]),
        ("x, l, h", {"l": [-1], "h": [2]}, ["Max", "Min"]),
        ("x, l", {"l": 0.5}, ["Max"]),
        ("x, , h", {"h": 0.5}, ["Min"]),
        ("x, l, h", {"l": 1, "h": -1}, ["Max", "Min"]),
        ("x", {}, ["Identity"]),
    ],
)
def test_changes(call, values, made, rng, opencv):
    model = changes(RULE, text_of(call), rng, **limits(**values))
    assert ops(model) == made
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("version", ["4.7.0", "4.8.1", "4.10.0"])
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, text_of("x, l, h"), rng, **limits(l=-1, h=2))
    assert older(version, model, drawn(model, rng)) == 0


def test_computed_limits(rng):
    text = "(float[3,4] x, float l, float h) => (float[3,4] y) { y = Clip(x, l, h) }"
    assert ops(changes(RULE, text, rng)) == ["Max", "Min"]


def test_declines():
    text = "(int64[3] x) => (int64[3] y) { y = Clip(x) }"
    assert declines(RULE, text) == "the input is INT64, only FLOAT was measured"
