import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "clip_by_hard_sigmoid"


def text_of(call):
    return f"(float[1,3,7,7] x) => (float[1,3,7,7] y) {{ y = Clip({call}) }}"


def limits(**values):
    return {name: np.array(value, np.float32) for name, value in values.items()}


@pytest.mark.parametrize("high", [6, [6], 1, 0.3, 255])
@pytest.mark.parametrize("scale", [1e-3, 1, 10])
def test_changes(high, scale, rng, opencv):
    model = changes(RULE, text_of("x, l, h"), rng, scale=scale, **limits(l=0, h=high))
    assert ops(model) == ["HardSigmoid", "Mul"]
    assert opencv(model, drawn(model, rng, scale)) < 1e-6


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, text_of("x, l, h"), rng, **limits(l=0, h=6))
    assert older(version, model, drawn(model, rng, 6)) < 1e-6


@pytest.mark.parametrize(
    ("call", "values", "reason"),
    [
        ("x, l, h", {"l": -1, "h": 1}, "the limits are -1 and 1, not 0 and a number between 0.001 and 1000"),
        ("x, l, h", {"l": 0, "h": 1e9}, "the limits are 0 and 1e+09, not 0 and a number between 0.001 and 1000"),
        ("x, l", {"l": 0}, "the upper limit is absent"),
    ],
)
def test_declines(call, values, reason):
    assert declines(RULE, text_of(call), **limits(**values)) == reason
