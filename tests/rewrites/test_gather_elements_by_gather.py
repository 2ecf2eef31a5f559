import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    ("shape", "taken", "axis"), [("4,5", (4, 3), 1), ("4,5", (2, 5), 0), ("2,3,4", (2, 3, 7), -1), ("6", (3,), 0)]
)
def test_changes(shape, taken, axis, rng):
    extent = int(shape.split(",")[axis])
    positions = rng.integers(-extent, extent, taken)
    result = ",".join(map(str, taken))
    text = f"(float[{shape}] x) => (float[{result}] y) {{ y = GatherElements<axis={axis}>(x, i) }}"
    model = changes("gather_elements_by_gather", text, rng, i=positions)
    assert ops(model).count("Gather") == 1
    if shape != "6":
        assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_equal_rows_are_one_gather(rng):
    text = "(float[4,5] x) => (float[3,5] y) { y = GatherElements<axis=0>(x, i) }"
    model = changes("gather_elements_by_gather", text, rng, i=np.repeat(np.int64([[2], [0], [3]]), 5, axis=1))
    assert ops(model) == ["Gather"]


def test_declines():
    text = "(float[4,5] x, int64[4,2] i) => (float[4,2] y) { y = GatherElements<axis=1>(x, i) }"
    reason = "the indices comes from another node; only a constant was measured"
    assert declines("gather_elements_by_gather", text) == reason
