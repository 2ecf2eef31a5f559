import itertools

import numpy as np
import pytest

from converter.rewrites.transpose_of_rank_4 import steps, together
from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

ONE, TWO = ["Reshape", "Transpose", "Reshape"], ["Reshape", "Transpose", "Reshape", "Transpose", "Reshape"]


@pytest.mark.parametrize(
    ("shape", "perm", "built"),
    [
        ((5, 7), (1, 0), ONE),
        ((1, 6, 5), (0, 2, 1), ONE),
        ((3, 4, 5), (2, 0, 1), ONE),
        ((3, 4, 5), (2, 1, 0), ONE),
        ((1, 4, 3, 5, 3, 6), (0, 1, 3, 2, 4, 5), ONE),  # windows
        ((2, 3, 4, 3, 5), (0, 1, 3, 2, 4), ONE),
        ((4, 7, 3, 2, 5), (2, 0, 3, 1, 4), TWO),  # queries, keys and values of windows
        ((1, 7, 3, 2, 5), (2, 0, 3, 1, 4), ONE),  # of one picture
        ((2, 3, 2, 3, 2), (4, 3, 2, 1, 0), TWO),
        ((2, 3, 2, 3, 2, 2), (5, 4, 3, 2, 1, 0), TWO),
    ],
)
def test_changes(shape, perm, built, rng):
    sizes, after = (",".join(map(str, numbers)) for numbers in (shape, [shape[axis] for axis in perm]))
    text = f"(float[{sizes}] x) => (float[{after}] y) {{ y = Transpose<perm={list(perm)}>(x) }}"
    model = changes("transpose_of_rank_4", text, rng)
    assert ops(model) == built
    assert all(len(node.outputs[0].shape) == 4 for node in model.graph if node.op_type == "Transpose")
    assert worst_on("4.5.5 4.6.0 4.7.0 4.8.1 4.10.0 4.14.0 5.0.0-classic 5.0.0", model, rng) == 0


def test_without_perm_the_axes_are_reversed(rng):
    model = changes("transpose_of_rank_4", "(float[3,4,5] x) => (float[5,4,3] y) { y = Transpose(x) }", rng)
    assert ops(model) == ONE


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_every_order_is_reached(count):
    """NumPy judges: what the moves do to an array is what the permutation does."""
    sizes = tuple(range(2, 2 + count))
    array = np.arange(np.prod(sizes)).reshape(sizes)
    for perm in itertools.permutations(range(count)):
        extents, order = together(sizes, perm)
        found = array
        for blocks, moved in steps(len(extents), order) if len(order) > 1 else []:
            view = found.reshape([int(np.prod([extents[axis] for axis in block])) for block in blocks])
            found = view.transpose(moved)
            assert 2 <= len(blocks) <= 4
        np.testing.assert_array_equal(found.ravel(), array.transpose(perm).ravel(), err_msg=str(perm))


@pytest.mark.parametrize(
    ("shape", "perm", "sizes", "order"),
    [
        ((1, 8, 7, 8, 7, 96), (0, 1, 3, 2, 4, 5), [8, 7, 8, 672], [0, 2, 1, 3]),
        ((64, 49, 3, 3, 32), (2, 0, 3, 1, 4), [64, 49, 3, 3, 32], [2, 0, 3, 1, 4]),
        ((2, 1, 3), (1, 0, 2), [6], [0]),
        ((1, 5, 1), (2, 1, 0), [5], [0]),
        ((1, 1), (1, 0), [], []),
    ],
)
def test_neighbours_that_stay_neighbours_are_one_axis(shape, perm, sizes, order):
    assert together(shape, perm) == (sizes, order)


@pytest.mark.parametrize(
    ("shape", "perm", "reason"),
    [
        ((2, 3, 4, 5), (0, 2, 1, 3), "the input has four axes"),
        ((1, 5, 1), (2, 1, 0), "no axis moves"),
        ((2,) * 8, (7, 6, 5, 4, 3, 2, 1, 0), "8 axes move, at most 7 are looked at"),
    ],
)
def test_declines(shape, perm, reason):
    sizes, after = (",".join(map(str, numbers)) for numbers in (shape, [shape[axis] for axis in perm]))
    text = f"(float[{sizes}] x) => (float[{after}] y) {{ y = Transpose<perm={list(perm)}>(x) }}"
    assert declines("transpose_of_rank_4", text) == reason
