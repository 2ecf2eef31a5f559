import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def box(shape, ranges):
    """The indices of a box in a tensor of that shape, as an exported index assignment has them."""
    return np.stack(np.meshgrid(*(np.arange(*r) for r in ranges), indexing="ij"), axis=-1).astype(np.int64)


@pytest.mark.parametrize(
    ("shape", "ranges", "expected"),
    [
        ((2, 5, 5), ((0, 2), (1, 5), (1, 5)), ["Slice", "Concat", "Slice", "Concat"]),
        ((2, 5, 5), ((0, 2), (1, 4), (0, 5)), ["Slice", "Slice", "Concat"]),
        ((4, 6), ((1, 3), (2, 5)), ["Slice", "Slice", "Concat", "Slice", "Slice", "Concat"]),
        ((3, 4), ((0, 3), (0, 4)), ["Identity"]),
        ((4, 3, 2), ((1, 3),), ["Slice", "Slice", "Concat"]),
    ],
)
def test_changes(shape, ranges, expected, rng):
    positions = box(shape, ranges)
    written = (*positions.shape[:-1], *shape[len(ranges) :])
    x, v = (",".join(map(str, s)) for s in (shape, written))
    text = f"(float[{x}] x, float[{v}] v) => (float[{x}] y) {{ y = ScatterND(x, i, v) }}"
    model = changes("scatter_nd_by_concat", text, rng, i=positions)
    assert ops(model) == expected
    if expected != ["Identity"]:
        assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize(
    ("indices", "attributes", "reason"),
    [
        ([[0], [2]], "", "the positions written are not those of one box"),
        ([[1], [0]], "", "the positions written are not those of one box"),
        ([[0], [1]], '<reduction="add">', "it adds to what is there, or multiplies it"),
    ],
)
def test_declines(indices, attributes, reason):
    text = f"(float[4,3] x, float[2,3] v) => (float[4,3] y) {{ y = ScatterND{attributes}(x, i, v) }}"
    assert declines("scatter_nd_by_concat", text, i=np.array(indices, np.int64)) == reason
