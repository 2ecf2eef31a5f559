import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

BEYOND = "a negative step starts before the first element or ends behind the last"


@pytest.mark.parametrize("seed", range(30))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.integers(3, 9, rng.integers(2, 5))]
    axes = rng.permutation(len(shape))[: rng.integers(1, len(shape) + 1)]
    steps = np.where(rng.random(len(axes)) < 0.5, -1, 1) * rng.integers(1, 3, len(axes))
    steps[0] = -abs(steps[0])
    starts = np.where(steps < 0, -1, rng.integers(0, 2, len(axes)))
    ends = np.where(steps < 0, -(2**63), 2**63 - 1)
    taken = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        taken[axis] = slice(int(start), int(end), int(step))
    expected = np.zeros(shape)[tuple(taken)].shape
    extents, result = (",".join(map(str, s)) for s in (shape, expected))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Slice(x, s, e, a, t) }}"
    model = changes("slice_by_gather", text, rng, s=starts, e=ends, a=axes, t=steps)
    assert set(ops(model)) == {"Gather"}
    assert opencv(model, drawn(model, rng)) == 0


def test_axes_that_are_taken_whole_need_no_gather(rng):
    vectors = {
        name: np.array(v, np.int64) for name, v in {"s": [0, -1], "e": [9, -100], "a": [0, 1], "t": [1, -1]}.items()
    }
    model = changes("slice_by_gather", "(float[4,5] x) => (float[4,5] y) { y = Slice(x, s, e, a, t) }", rng, **vectors)
    assert ops(model) == ["Gather"]
    assert model.graph[0].attributes.get_int("axis") == 1


@pytest.mark.parametrize(
    ("start", "end", "step", "reason"),
    [
        pytest.param(1, 3, 1, "no step is negative", id="forwards"),
        pytest.param(1, 3, -1, "the result is empty", id="empty"),
        pytest.param(-9, -20, -1, BEYOND, id="before the first"),
        pytest.param(2, 2**63 - 1, -1, BEYOND, id="behind the last"),
    ],
)
def test_declines(start, end, step, reason):
    one = {name: np.array([value], np.int64) for name, value in {"s": start, "e": end, "a": 0, "t": step}.items()}
    assert declines("slice_by_gather", "(float[4] x) => (float[n] y) { y = Slice(x, s, e, a, t) }", **one) == reason


def test_declines_without_steps():
    one = {"s": np.array([1], np.int64), "e": np.array([3], np.int64)}
    assert (
        declines("slice_by_gather", "(float[4] x) => (float[2] y) { y = Slice(x, s, e) }", **one)
        == "no step is negative"
    )
