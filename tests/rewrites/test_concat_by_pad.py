import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(("shape", "axis"), [("1,6,8", 1), ("4,3", 0), ("2,3,4,5", -1)])
@pytest.mark.parametrize("order", ["c, x", "x, c", "c, x, c"])
def test_changes(shape, axis, order, rng):
    extents = [int(n) for n in shape.split(",")]
    constant = [*extents]
    constant[axis] = 2
    result = [*extents]
    result[axis] += 2 * order.count("c")
    text = f"(float[{shape}] x) => (float[{','.join(map(str, result))}] y) {{ y = Concat<axis={axis}>({order}) }}"
    model = changes("concat_by_pad", text, rng, c=rng.standard_normal(constant).astype(np.float32))
    assert ops(model) == ["Pad", "Add"]
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_infinities_stay(rng):
    text = "(float[2,3] x) => (float[3,3] y) { y = Concat<axis=0>(c, x) }"
    feeds = {"x": np.array([[np.inf, 1, -np.inf], [0, np.nan, 2]], np.float32)}
    changes("concat_by_pad", text, rng, feeds=feeds, c=np.array([[np.inf, 3, 4]], np.float32))


@pytest.mark.parametrize("operands", ["x, x", "c, c", "x"])
def test_declines(operands):
    text = f"(float[1,3] x) => (float[n,3] y) {{ y = Concat<axis=0>({operands}) }}"
    reason = declines("concat_by_pad", text, c=np.ones((1, 3), np.float32))
    assert reason == "it does not join one tensor with constants"
