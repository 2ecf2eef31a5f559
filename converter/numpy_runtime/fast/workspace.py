"""Memory and threads that the fast forms share: buffers that are used again, and a few threads for what BLAS cannot spread."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

import functools
import itertools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

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


_TRIALS = 6  # runs in which each call is tried both ways, in turn
_COLD = 2  # the first of them find memory and caches as they will not be again


class Helper:
    """A thread that takes tasks as they come. One that it has not begun when the caller needs it done can be taken back."""

    def __init__(self) -> None:
        self._tasks: Any = queue.SimpleQueue()
        self._ends: Any = queue.SimpleQueue()
        threading.Thread(target=_serve, args=(self._tasks, self._ends), daemon=True).start()

    def begin(self, task: Callable[[], None]) -> list[Callable[[], None]]:
        """The task in a box: who takes it out does it."""
        box = [task]
        self._tasks.put(box)
        return box

    def finish(self, box: list[Callable[[], None]]) -> None:
        """Return when the task is done, or will not be begun. Raises what it raised."""
        try:
            box.pop()  # the thread was still asleep: waking up takes longer than many a layer
        except IndexError:
            ended, error = self._ends.get()
            while ended is not box:  # an interrupt came while an earlier one was waited for
                ended, error = self._ends.get()
            if error is not None:
                raise error from None

    def __del__(self) -> None:
        self._tasks.put(None)


def _serve(tasks: Any, ends: Any) -> None:
    """The thread's work: it knows the queues only, so that it ends with its Helper."""
    with np.errstate(all="ignore"):  # errstate belongs to the thread
        while True:
            box = tasks.get()
            if box is None:
                return
            try:
                task = box.pop()
            except IndexError:
                continue
            try:
                task()
            except BaseException as error:  # whatever it is belongs to the caller
                ends.put((box, error))
            else:
                ends.put((box, None))
            del task, box


class Workspace:
    """What one run of the network computes with. Results live in numbered slots, which later results use again."""

    def __init__(self, threads: int = 1, tell: Callable[[int], Any] | None = None) -> None:
        """tell(n): BLAS is to use n threads a product. A run begins and ends with `threads`."""
        self.threads = threads
        self._tell = tell
        self.shared = Scratch()
        """What all threads read: valid until the next layer."""
        self._scratches = [Scratch() for _ in range(threads)]
        self._slots: dict[int, np.ndarray] = {}
        self._helpers = [Helper() for _ in range(threads - 1)]
        self._trials: dict[tuple[int, int], list[float]] = {}
        self._runs = self._turn = 0

    def begin(self) -> None:
        """A run of the network begins."""
        self._runs, self._turn = self._runs + 1, 0

    def slot(self, number: int | None, *shape: int) -> np.ndarray:
        """An uninitialised float32 array in the slot: whatever was there is gone. None: an array of its own."""
        if number is None:
            return np.empty(shape, np.float32)
        size = int(np.prod(shape))
        if number not in self._slots or self._slots[number].size < size:
            self._slots[number] = np.empty(size, np.float32)
        return self._slots[number][:size].reshape(shape)

    def each(self, job: Callable[[int, Scratch], None], count: int) -> None:
        """job(0, scratch) ... job(count - 1, scratch), one after the other: for products, which BLAS spreads over its threads.

        Those are awake as long as one product follows the other; one of Python has to be woken and to wait for its lock.
        """
        for number in range(count):
            job(number, self._scratches[0])

    def spread(self, job: Callable[[int, Scratch], None], count: int) -> None:
        """The same on all threads: each takes the next number when it is free. For work that BLAS cannot spread.

        Waking a thread costs more than many a small layer gains. The first runs try each call of a run both ways, the later
        ones keep to the faster way. The numbers are the same: so are the pieces, and products use one thread either way.
        """
        if not self._helpers:
            self.each(job, count)
            return
        if self._tell is not None:
            self._tell(1)
        try:
            self._spread(job, count)
        finally:
            if self._tell is not None:
                self._tell(self.threads)

    def _spread(self, job: Callable[[int, Scratch], None], count: int) -> None:
        if count < 2:
            self.each(job, count)
            return
        self._turn += 1
        tried = self._trials.setdefault((self._turn, count), [0.0, float("inf"), float("inf")])
        settled = tried[0] >= _TRIALS
        way = int(tried[2] < tried[1]) if settled else tried[0] < _COLD or (self._runs + self._turn) % 2
        start = 0.0 if settled else time.perf_counter()
        if way:
            self._together(job, count)
        else:
            self.each(job, count)
        if not settled:
            tried[0] += 1
            if tried[0] > _COLD:
                tried[1 + int(way)] = min(tried[1 + int(way)], time.perf_counter() - start)

    def _together(self, job: Callable[[int, Scratch], None], count: int) -> None:
        numbers = iter(range(count))  # next() of it is atomic

        def work(scratch: Scratch) -> None:
            for number in numbers:
                job(number, scratch)

        helpers = self._helpers[: count - 1]
        boxes = [
            helper.begin(functools.partial(work, scratch)) for helper, scratch in zip(helpers, self._scratches[1:])
        ]
        try:
            work(self._scratches[0])
        finally:
            for helper, box in zip(helpers, boxes):
                helper.finish(box)


def parts(total: int, most: int, threads: int = 1) -> list[tuple[int, int]]:
    """0 ... total in even pieces: none longer than `most`, as many for each thread as for the others."""
    count = max(-(-total // max(most, 1)), 1)
    if threads > 1 and total >= threads:
        count = -(-count // threads) * threads
    count = min(count, max(total, 1))
    return [(total * number // count, total * (number + 1) // count) for number in range(count)]
