import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

WINDOWS = np.int64([[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]])


def grid(order, *, rows=WINDOWS, columns=WINDOWS):
    """Indices of rows x columns, their axes in the given order."""
    found = np.stack(np.broadcast_arrays(rows[:, :, None, None], columns), axis=-1)
    return found.transpose(*order, 4)


@pytest.mark.parametrize(
    ("order", "tail"),
    [((0, 1, 2, 3), ["Reshape"]), ((0, 2, 1, 3), ["Reshape", "Transpose"]), ((2, 3, 0, 1), ["Reshape", "Transpose"])],
)
@pytest.mark.parametrize("rest", ["", ",3", ",1,2"])
def test_changes(order, tail, rest, rng):
    positions = grid(order) - np.int64([8, 0])  # rows from the end
    result = ",".join(map(str, positions.shape[:-1])) + rest
    text = f"(float[8,9{rest}] x) => (float[{result}] y) {{ y = GatherND(x, i) }}"
    model = changes("gather_nd_by_axes", text, rng, i=positions)
    assert ops(model) == ["Gather", "Gather", *tail]
    if len(positions.shape) + rest.count(",") < 7:
        assert worst_on("4.7.0 4.10.0 5.0.0", model, rng) == 0


def test_columns_of_one_number(rng):
    positions = np.int64([[[2, 1]], [[0, 1]], [[3, 1]]])
    text = "(float[4,5,6] x) => (float[3,1,6] y) { y = GatherND(x, i) }"
    assert ops(changes("gather_nd_by_axes", text, rng, i=positions)) == ["Gather", "Gather"]


@pytest.mark.parametrize(
    ("positions", "batch", "reason"),
    [
        ([[0, 1], [1, 2]], 0, "two columns of the indices vary along the same axis: they are no grid"),
        ([[0], [1]], 0, "the result is empty or one axis is indexed"),
        ([[[0, 1]], [[1, 0]]], 1, "it has batch dimensions"),
    ],
)
def test_declines(positions, batch, reason):
    positions = np.array(positions, np.int64)
    result = ",".join(map(str, (*positions.shape[:-1], *(2, 3, 4)[batch + positions.shape[-1] :])))
    text = f"(float[2,3,4] x) => (float[{result}] y) {{ y = GatherND<batch_dims={batch}>(x, i) }}"
    assert declines("gather_nd_by_axes", text, i=positions) == reason
