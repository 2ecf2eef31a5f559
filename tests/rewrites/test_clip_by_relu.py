import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "clip_by_relu"


def text_of(call):
    return f"(float[1,3,7,7] x) => (float[1,3,7,7] y) {{ y = Clip({call}) }}"


def limits(**values):
    return {name: np.array(value, np.float32) for name, value in values.items()}


@pytest.mark.parametrize("zero", [0, [0]])
def test_changes(zero, rng, opencv):
    model = changes(RULE, text_of("x, l"), rng, **limits(l=zero))
    assert ops(model) == ["Relu"]
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, text_of("x, l"), rng, **limits(l=0))
    assert older(version, model, drawn(model, rng)) == 0


@pytest.mark.parametrize(
    ("call", "values", "reason"),
    [
        ("x, l", {"l": 1}, "the lower limit is 1"),
        ("x, l, h", {"l": 0, "h": 6}, "it has an upper limit"),
        ("x, , h", {"h": 6}, "the lower limit is absent"),
        ("x", {}, "the lower limit is absent"),
    ],
)
def test_declines(call, values, reason):
    assert declines(RULE, text_of(call), **limits(**values)) == reason
