"""What the fast forms share: pieces of work, and memory."""

from __future__ import annotations

import numpy as np
import pytest

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts, share, tiles


@pytest.mark.parametrize(
    ("total", "most", "ways"), [(1, 5, 2), (7, 3, 1), (7, 3, 2), (100, 1000, 2), (5, 1, 4), (0, 3, 2)]
)
def test_parts(total: int, most: int, ways: int) -> None:
    found = parts(total, most, ways)
    assert [n for start, stop in found for n in range(start, stop)] == list(range(total))
    assert max(stop - start for start, stop in found) <= max(most, 1)


@pytest.mark.parametrize("ways", [1, 2, 3])
@pytest.mark.parametrize(
    ("rows", "filters", "most", "pixels", "block"),
    [
        (10, 300, 4, 1, 1),
        (10, 300, 4, 1, 64),
        (10, 300, 4, 1, None),
        (1000, 300, 400, 1, 1),
        (7, 512, 9, 7, 1),
        (3, 16, 9, 1, 1),
    ],
)
def test_tiles_cover_the_result_once(
    rows: int, filters: int, most: int, pixels: int, block: int | None, ways: int
) -> None:
    seen = np.zeros((rows, filters), int)
    found = tiles(rows, filters // (block or 1) * (block or 1), most, ways, pixels=pixels, block=block)
    for start, stop, first, last in found:
        assert 0 < stop - start <= most
        assert not block or first % block == 0
        seen[start:stop, first:last] += 1
    assert (seen[:, : filters // (block or 1) * (block or 1)] == 1).all()
    assert len(found) % ways == 0 or rows < ways


def test_few_rows_divide_the_filters_and_many_the_rows() -> None:
    assert tiles(49, 512, 100, 2) == [(0, 49, 0, 256), (0, 49, 256, 512)]
    assert tiles(980, 512, 1000, 2) == [(0, 490, 0, 512), (490, 980, 0, 512)]


def test_every_piece_is_somebodys() -> None:
    for total in range(20):
        for ways in range(1, 6):
            assert [n for rank in range(ways) for n in range(*share(total, rank, ways))] == list(range(total))


def test_a_slot_keeps_its_memory_and_grows() -> None:
    work = Workspace()
    first = work.slot(0, 3, 4)
    assert np.shares_memory(first, work.slot(0, 2, 5))
    assert not np.shares_memory(first, work.slot(0, 5, 5))
    assert not np.shares_memory(work.slot(None, 3), work.slot(None, 3))
    work.forget()
    assert not np.shares_memory(first, work.slot(0, 3, 4))


def test_scratch_arrays_do_not_overlap() -> None:
    a, b = Scratch().arrays((3, 5), (7,))
    assert (a.shape, b.shape) == ((3, 5), (7,))
    assert not np.shares_memory(a, b)
