import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.comparisons import EDGES
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "is_nan_by_equal"


@pytest.mark.parametrize("values", [EDGES, [np.nan, 0.0, np.inf]])
def test_changes(values, rng):
    x = np.array(values, np.float32)
    model = changes(RULE, f"(float[{x.size}] x) => (bool[{x.size}] y) {{ y = IsNaN(x) }}", rng, feeds={"x": x})
    assert ops(model) == ["Equal", "Not"]


def test_it_runs_on_opencv(rng):
    model = changes(RULE, "(float[1,3,4,5] x) => (float[1,3,4,5] y) { m = IsNaN(x)\n y = Cast<to=1>(m) }", rng)
    assert worst_on("5.0.0", model, rng) == 0


def test_declines():
    assert declines(RULE, "(double[3] x) => (bool[3] y) { y = IsNaN(x) }") == (
        "the input is DOUBLE, only FLOAT was measured"
    )
