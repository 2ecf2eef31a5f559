import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

BEYOND = "a negative step starts before the first element or ends behind the last"
FAR = (2**63 - 1, -(2**63), 2**31 - 1, 10_000)


def position(rng, extent):
    return int(rng.choice(FAR)) if rng.random() < 0.3 else int(rng.integers(-extent - 2, extent + 3))


@pytest.mark.parametrize("seed", range(60))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.integers(2, 9, rng.integers(2, 5))]
    axes = rng.permutation(len(shape))[: rng.integers(1, len(shape) + 1)]
    steps = np.where(rng.random(len(axes)) < 0.3, -1, 1) * rng.integers(1, 4, len(axes))
    starts = np.array([position(rng, shape[axis]) for axis in axes])
    ends = np.array([position(rng, shape[axis]) for axis in axes])
    extents_taken = np.array(shape)[axes]
    starts = np.where(steps < 0, np.maximum(starts, -extents_taken), starts)  # beyond the ends it declines
    ends = np.where(steps < 0, np.minimum(ends, extents_taken - 1), ends)
    taken = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        taken[axis] = slice(int(start), int(end), int(step))
    expected = np.zeros(shape)[tuple(taken)].shape
    extents, result = (",".join(map(str, s)) for s in (shape, expected))
    signs = np.where(rng.random(len(axes)) < 0.5, axes - len(shape), axes)

    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Slice(x, s, e, a, t) }}"
    model = changes("clamp_slice", text, rng, s=starts, e=ends, a=signs, t=steps)

    (node,) = model.graph
    first, last, along, by = (value.const_value.numpy() for value in node.inputs[1:])
    limits = np.array(shape)[along]
    assert all(array.dtype == np.int64 for array in (first, last, along, by))
    assert (along >= 0).all() and (first >= 0).all() and (first <= limits).all() and (last <= limits).all()
    assert ((last >= 0) | ((by < 0) & (last == -limits - 1))).all()
    if 0 not in expected and (by > 0).all():
        assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("given", ["s, e", "s, e, a", "s, e, , t"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_left_out_inputs_are_written(given, dtype, rng):
    constants = {"s": np.array([1, -2], dtype), "e": np.array([2**31 - 1, -1], dtype), "a": [0, 1], "t": [1, 1]}
    used = {name: np.array(array, dtype) for name, array in constants.items() if name in given}
    model = changes("clamp_slice", f"(float[4,5] x) => (float[3,1] y) {{ y = Slice(x, {given}) }}", rng, **used)
    assert ops(model) == ["Slice"]
    assert [value.const_value.numpy().tolist() for value in model.graph[0].inputs[1:]] == [
        [1, 3],
        [4, 4],
        [0, 1],
        [1, 1],
    ]


@pytest.mark.parametrize(
    ("start", "end", "step", "reason"),
    [
        pytest.param(1, 3, 1, "its positions are within the input already", id="plain"),
        pytest.param(-9, -20, -1, BEYOND, id="before the first"),
        pytest.param(2, 2**63 - 1, -1, BEYOND, id="behind the last"),
    ],
)
def test_declines(start, end, step, reason):
    one = {name: np.array([value], np.int64) for name, value in {"s": start, "e": end, "a": 0, "t": step}.items()}
    assert declines("clamp_slice", "(float[4] x) => (float[n] y) { y = Slice(x, s, e, a, t) }", **one) == reason


def test_declines_computed_positions():
    text = "(float[4] x, int64[1] p, int64[1] q) => (float[n] y) { y = Slice(x, p, q) }"
    assert declines("clamp_slice", text) == "a position comes from another node; only a constant was measured"
