"""What deploy.py says: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About

BAR_CELLS = 24
BAR_SECONDS = 0.1  # between two drawings


class Bar:
    """A line on standard error that says how far a long run is. Nothing where that is no terminal."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.shown = False
        self._done = 0
        self._started = self._drawn = 0.0

    def start(self, total: int | None) -> None:
        """total: how many there will be; None, or fewer than 2, for no bar."""
        self.total = total if total is not None and total > 1 and sys.stderr.isatty() else None
        self._done = 0
        self._started = time.perf_counter()

    def advance(self) -> None:
        self._done += 1
        self.draw()

    def draw(self) -> None:
        now = time.perf_counter()
        if self.total is None or now - self._drawn < BAR_SECONDS:
            return
        done = min(self._done, self.total)
        filled = BAR_CELLS * done // self.total
        rate = self._done / max(now - self._started, 1e-9)
        text = f"[{'#' * filled}{'.' * (BAR_CELLS - filled)}] {done}/{self.total}  {rate:.1f}/s"
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
        self.shown, self._drawn = True, now

    def clear(self) -> None:
        """Take the line away, so that something else can be written there."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self.shown, self._drawn = False, 0.0


class Printer:
    """Results on standard output as they come: a line each, or the elements of one JSON list.

    compare: the task's function of two results; each result is then compared with the first, and only that is printed.
    """

    def __init__(self, as_json: bool, compare: Any = None) -> None:
        self.as_json = as_json
        self.failures = 0
        self.bar = Bar()
        self._compare = compare
        self._first: Any = None
        self._count = 0

    def result(self, about: About, source: str, result: Any, frame: int | None = None) -> None:
        title = source if frame is None else f"{source} frame {frame}"
        if self._compare is None:
            where = {"source": source} if frame is None else {"source": source, "frame": frame}
            self._put({**where, "result": result}, f"{title}: {about.describe(result)}")
        elif self._first is None:
            self._first = (title, result)
        else:
            found = self._compare(self._first[1], result)
            words = ", ".join(f"{name} {number:.4f}" for name, number in found.items())
            self._put({"sources": [self._first[0], title], "comparison": found}, f"{self._first[0]}, {title}: {words}")

    def failure(self, source: str, reason: str) -> None:
        self.failures += 1
        self.note(f"{source}: {reason}")
        self._put({"source": source, "error": reason}, None)

    def note(self, text: str) -> None:
        """A line on standard error."""
        self.bar.clear()
        print(text, file=sys.stderr, flush=True)
        self.bar.draw()

    def close(self) -> None:
        self.bar.clear()
        if self.as_json:
            print("\n]" if self._count else "[]", flush=True)

    def _put(self, element: Any, line: str | None) -> None:
        self.bar.clear()
        if self.as_json:
            text = json.dumps(element, default=described_array)
            print(",\n" if self._count else "[\n", text, sep="", end="", flush=True)
            self._count += 1
        elif line is not None:
            print(line, flush=True)
        self.bar.draw()


def described_array(array: Any) -> dict[str, Any]:
    """What JSON says of an array in a result: shape, dtype and the range of its finite numbers."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{type(array).__name__} is nothing that JSON can hold")
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "min": low, "max": high}
