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
    ("shape", "taken", "axis", "expected"),
    [
        ("12", np.arange(12).reshape(1, 12, 1, 1), 0, ["Reshape"]),
        ("4,12", np.arange(12), 1, ["Identity"]),
        ("4,12", np.arange(12).reshape(3, 4), -1, ["Reshape"]),
        ("2,9,5", np.arange(1, 9, 3), 1, ["Slice"]),
        ("2,9,5", np.arange(-4, 0), 1, ["Slice"]),
        ("2,9,5", np.int64([[0, 2], [4, 6]]), 1, ["Slice", "Reshape"]),
        ("2,9,5", np.int64(3), 1, ["Slice", "Reshape"]),
        ("2,9,5", np.int64([3]), 1, ["Slice"]),
    ],
)
def test_changes(shape, taken, axis, expected, rng):
    model = changes("gather_by_slice", gather(shape, taken, axis), rng, i=np.array(taken, np.int64))
    assert ops(model) == expected
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize("taken", [[1, 0], [0, 1, 3], [2, 2]])
def test_declines(taken):
    reason = declines("gather_by_slice", gather("4,5", taken, 1), i=np.array(taken, np.int64))
    assert reason == "the indices are not evenly spaced upwards"
