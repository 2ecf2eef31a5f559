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
    ("shape", "taken", "axis"),
    [
        ("4,7", [3, 1, 1, 0], 1),
        ("4,7", [3, 1, 1, 0], 0),
        ("2,4,7", [[3, 1], [6, -1]], -1),
        ("2,4,7", [[3, 1], [2, -1]], 1),
        ("1,2,4,7,3", [3, 1, 0], 2),
        ("9", [[8, 1], [4, 4]], 0),
    ],
)
def test_changes(shape, taken, axis, rng):
    model = changes("gather_by_matmul", gather(shape, taken, axis), rng, i=np.array(taken, np.int64))
    assert ops(model).count("MatMul") == 1
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    taken = np.zeros(1000, np.int64)
    reason = declines("gather_by_matmul", gather("1000,1000", taken, 1), i=taken)
    assert reason == "the product would take 1000000000 multiplications, more than 268435456"
    reason = declines("gather_by_matmul", gather("2,20000", taken, 1), i=taken)
    assert reason == "the matrix would have 20000000 elements, more than 16777216"
