import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def gather(shape, taken, axis):
    """The text of a Gather and its result's shape."""
    extents = [int(n) for n in shape.split(",")]
    place = axis % len(extents)
    result = [*extents[:place], *np.shape(taken), *extents[place + 1 :]]
    return f"(float[{shape}] x) => (float[{','.join(map(str, result))}] y) {{ y = Gather<axis={axis}>(x, i) }}"


@pytest.mark.parametrize(
    ("shape", "taken", "axis", "slices"),
    [
        ("1,4,18,6", [[*range(11)], [*range(7, 18)]], 2, 2),
        ("1,4,6,18", [[*range(0, 14, 2)], [*range(1, 15, 2)], [*range(2, 16, 2)]], -1, 3),
        ("5,3", [4, 3, 2, 1, 0], 0, 5),
        ("5,3", [0, 0, 1, 2, 0], 0, 2),
        ("9", [1, 2, 7, 8], 0, 2),
    ],
)
def test_changes(shape, taken, axis, slices, rng):
    model = changes("gather_by_concat", gather(shape, taken, axis), rng, i=np.array(taken, np.int64))
    assert ops(model)[: slices + 1] == ["Slice"] * slices + ["Concat"]
    if shape != "9":
        assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize("seed", range(20))
def test_any_indices(seed):
    rng = np.random.default_rng(seed)
    taken = rng.integers(-7, 7, rng.integers(2, 30))
    if (np.diff(taken % 7) == 1).all():
        taken[0] = taken[1]
    changes("gather_by_concat", gather("3,7,2", taken, 1), rng, i=taken)


@pytest.mark.parametrize(
    ("taken", "reason"),
    [
        ([1, 2, 3], "the indices are one run or none"),
        ([*range(129, -1, -1)], "the indices are 130 runs, more than 128"),
    ],
)
def test_declines(taken, reason):
    assert declines("gather_by_concat", gather("4,130", taken, 1), i=np.array(taken, np.int64)) == reason
