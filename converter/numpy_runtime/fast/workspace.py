"""Memory that the fast forms use again, and the shares of their work that several processes do at a time."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Scratch:
    """Memory for intermediate results: valid until the next call of `arrays`."""

    def __init__(self) -> None:
        self._flat = np.empty(0, np.float32)

    def arrays(self, *shapes: Sequence[int]) -> list[np.ndarray]:
        """Uninitialised float32 arrays of these shapes, none of which overlap."""
        sizes = [math.prod(shape) for shape in shapes]
        starts = [0, *itertools.accumulate(-(-size // 16) * 16 for size in sizes)]  # each begins a cache line
        if self._flat.size < starts[-1]:
            self._flat = np.empty(starts[-1], np.float32)
        found = []
        for shape, size, start in zip(shapes, sizes, starts):
            found.append(self._flat[start : start + size].reshape(shape))
        return found


class Workspace:
    """What one run of the network computes with. Results live in numbered slots, which later results use again.

    All processes of a crew run the same program on the same numbers, and each does its share of every layer's pieces. The
    pieces do not depend on who does them: neither do the numbers.
    """

    def __init__(self, ways: int = 1, threads: int = 1, crew: Any = None) -> None:
        """ways: how many shares each layer has. threads: how many BLAS uses for one product.

        crew: who does the shares, each its own: `rank` of `ways`, `room(size)` for memory that all see, `meet()`. None: all
        are done here.
        """
        self.ways, self.threads, self.crew = ways, threads, crew
        self.shared = Scratch()
        """What all pieces of a layer read: valid until the next layer."""
        self._scratch = Scratch()
        self._slots: dict[int, np.ndarray] = {}

    def slot(self, number: int | None, *shape: int) -> np.ndarray:
        """An uninitialised float32 array in the slot: whatever was there is gone. None: an array of its own."""
        if number is None:
            return np.empty(shape, np.float32)
        size = math.prod(shape)
        if number not in self._slots or self._slots[number].size < size:
            self._slots[number] = np.empty(size, np.float32) if self.crew is None else self.crew.room(size)
        return self._slots[number][:size].reshape(shape)

    def forget(self) -> None:
        """Give the memory of all slots back."""
        self._slots.clear()

    def each(self, slot: int | None, job: Callable[[int, Scratch], None], count: int) -> None:
        """job(0, scratch) ... job(count - 1, scratch), which fill what slot(slot, ...) gave."""
        if self.crew is None or slot is None:  # memory of its own: nobody else can fill it
            for number in range(count):
                job(number, self._scratch)
            return
        self.crew.meet()  # nobody reads any longer what was in the slot
        for number in range(*share(count, self.crew.rank, self.ways)):
            job(number, self._scratch)
        self.crew.meet()


def share(total: int, rank: int, ways: int) -> tuple[int, int]:
    """The stretch of 0 ... total that is this rank's."""
    return total * rank // ways, total * (rank + 1) // ways


def parts(total: int, most: int, ways: int = 1) -> list[tuple[int, int]]:
    """0 ... total in even pieces: none longer than `most`, as many for each way as for the others."""
    count = max(-(-total // max(most, 1)), 1)
    if ways > 1 and total >= ways:
        count = -(-count // ways) * ways
    count = min(count, max(total, 1))
    return [(total * number // count, total * (number + 1) // count) for number in range(count)]


_FEW_FILTERS = 16  # in a share


def tiles(
    rows: int, filters: int, most: int, ways: int = 1, *, pixels: int = 1, block: int | None = 1
) -> list[tuple[int, int, int, int]]:
    """A result (rows, pixels, filters) in pieces (row, end, filter, end) of `most` rows or fewer, even for all ways.

    Where a product has more filters than rows, each way gets some of the filters, in whole blocks, because laying out
    the weights for BLAS takes longer than laying out the rows. block=None: always all of them.
    """
    if block and 1 < ways <= filters // max(block, _FEW_FILTERS) and rows * pixels < filters:
        few = [share(filters // block, way, ways) for way in range(ways)]
        return [(*some, block * first, block * last) for first, last in few for some in parts(rows, most)]
    return [(*some, 0, filters) for some in parts(rows, most, ways)]
