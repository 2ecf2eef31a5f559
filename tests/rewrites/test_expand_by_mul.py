import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(12))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    after = [int(n) for n in rng.integers(1, 6, rng.integers(2, 5))]
    before = [n if rng.random() < 0.5 else 1 for n in after][int(rng.integers(0, 2)) :]
    extents, result = (",".join(map(str, shape)) for shape in (before, after))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Expand(x, s) }}"
    model = changes("expand_by_mul", text, rng, s=np.array(after, np.int64))
    assert ops(model) == (["Mul"] if len(before) == len(after) else ["Reshape", "Mul"])
    assert opencv(model, drawn(model, rng)) == 0


def test_infinities_stay(rng):
    x = np.array([[np.inf, -np.inf, 0.0]], np.float32)
    text = "(float[1,3] x) => (float[2,3] y) { y = Expand(x, s) }"
    changes("expand_by_mul", text, rng, feeds={"x": x}, s=np.array([2, 3], np.int64))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(int64[1,3] x) => (int64[2,3] y) { y = Expand(x, s) }",
            "the input is INT64, only FLOAT was measured",
            id="int",
        ),
        pytest.param(
            "(float[1,3] x, int64[2] t) => (float[a,b] y) { y = Expand(x, t) }",
            "the shape of the output is not known ([unk__0,3]); fix the input shapes first",
            id="unknown",
        ),
    ],
)
def test_declines(text, reason):
    constants = {} if "t)" in text else {"s": np.array([2, 3], np.int64)}
    assert declines("expand_by_mul", text, **constants) == reason


def test_declines_a_huge_constant():
    text = "(float[1,1] x) => (float[9000,9000] y) { y = Expand(x, s) }"
    reason = "the ones would be 81000000 elements, more than 16777216"
    assert declines("expand_by_mul", text, s=np.array([9000, 9000], np.int64)) == reason
