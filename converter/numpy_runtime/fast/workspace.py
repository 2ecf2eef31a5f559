"""Memory and threads that the fast forms share: buffers that are used again, and a few threads for what BLAS cannot spread."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class Scratch:
    """Memory for intermediate results of one thread: valid until the next call of `arrays`."""

    def __init__(self) -> None:
        self._flat = np.empty(0, np.float32)

    def arrays(self, *shapes: Sequence[int]) -> list[np.ndarray]:
        """Uninitialised float32 arrays of these shapes, none of which overlap."""
        sizes = [int(np.prod(shape)) for shape in shapes]
        starts = [0, *itertools.accumulate(-(-size // 16) * 16 for size in sizes)]  # each begins a cache line
        if self._flat.size < starts[-1]:
            self._flat = np.empty(starts[-1], np.float32)
        found = []
        for shape, size, start in zip(shapes, sizes, starts):
            found.append(self._flat[start : start + size].reshape(shape))
        return found


class Workspace:
    """What one run of the network computes with. Results live in numbered slots, which later results use again."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.shared = Scratch()
        """What all threads read: valid until the next layer."""
        self._scratches = [Scratch() for _ in range(threads)]
        self._slots: dict[int, np.ndarray] = {}
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def slot(self, number: int | None, *shape: int) -> np.ndarray:
        """An uninitialised float32 array in the slot: whatever was there is gone. None: an array of its own."""
        if number is None:
            return np.empty(shape, np.float32)
        size = int(np.prod(shape))
        if number not in self._slots or self._slots[number].size < size:
            self._slots[number] = np.empty(size, np.float32)
        return self._slots[number][:size].reshape(shape)

    def spread(self, job: Callable[[int, Scratch], None], count: int) -> None:
        """job(0, scratch) ... job(count - 1, scratch), on all threads: each takes the next number when it is free."""
        if self._pool is None or count < 2:
            for number in range(count):
                job(number, self._scratches[0])
            return
        numbers = iter(range(count))  # next() of it is atomic

        def work(scratch: Scratch) -> None:
            with np.errstate(all="ignore"):  # errstate belongs to the thread
                for number in numbers:
                    job(number, scratch)

        others = [self._pool.submit(work, scratch) for scratch in self._scratches[1:count]]
        try:
            work(self._scratches[0])
        finally:
            for other in others:
                other.result()


def parts(total: int, most: int, threads: int) -> list[tuple[int, int]]:
    """0 ... total in even pieces: none longer than `most`, as many for each thread as for the others."""
    count = max(-(-total // max(most, 1)), 1)
    if threads > 1 and total >= threads:
        count = -(-count // threads) * threads
    count = min(count, max(total, 1))
    return [(total * number // count, total * (number + 1) // count) for number in range(count)]
