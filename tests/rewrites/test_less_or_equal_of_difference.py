import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.comparisons import EDGES, TEXT, feeds_for, one_of_each
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.real import worst_on

RULE = "less_or_equal_of_difference"
OP = "LessOrEqual"


@pytest.mark.parametrize("scale", [1e-44, 1, 1e38])
def test_changes(scale, rng):
    model = changes(RULE, TEXT.replace("OP", OP), rng, feeds=feeds_for(rng, scale))
    assert ops(model) == ["Sub", OP, "Cast"]


def test_edges(rng):
    x, z = one_of_each(EDGES if OP in ("Greater", "Less") else EDGES[np.isfinite(EDGES)])
    text = f"(float[{x.size}] x, float[{x.size}] z) => (bool[{x.size}] y) {{ y = {OP}(x, z) }}"
    changes(RULE, text, rng, feeds={"x": x, "z": z})


def test_whole_numbers(rng):
    text = f"(int64[3,1] x, int64[3,4] z) => (bool[3,4] y) {{ y = {OP}(x, z) }}"
    feeds = {"x": rng.integers(-3, 3, (3, 1)), "z": rng.integers(-3, 3, (3, 4))}
    model = changes(RULE, text, rng, feeds=feeds)
    assert ops(model) == ["Cast", "Cast", OP]


def test_it_runs_on_opencv(rng):
    text = f"(float[1,3,4,5] x, float[1,3,1,1] z) => (float[1,3,4,5] y) {{ m = {OP}(z, x)  y = Cast<to=1>(m) }}"
    model = changes(RULE, text, rng)
    assert worst_on("4.10.0 5.0.0", model, rng, drawn(model, rng)) == 0


def test_declines():
    text = f"(float[3] x) => (bool[3] y) {{ y = {OP}(x, c) }}"
    assert declines(RULE, text, c=np.array(0, np.float32)) == "it is compared with zero already"


def test_declines_other_numbers():
    text = f"(double[3] x, double[3] z) => (bool[3] y) {{ y = {OP}(x, z) }}"
    assert declines(RULE, text) == "the operands are neither FLOAT nor whole numbers"
    text = f"(int64[3] x) => (bool[3] y) {{ y = {OP}(x, c) }}"
    reason = "a constant is beyond 16777216, where float32 leaves out whole numbers"
    assert declines(RULE, text, c=np.array(1 << 25)) == reason
