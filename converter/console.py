"""The conversion's progress on a terminal: standard error, one line a step, with its result and its time."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from converter.progress import STEPS, Progress


class ConsoleProgress(Progress):
    """Prints "[3/8] simplify  49 nodes -> 49  0.4 s"; a moving bar below while a step runs, on a terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._step = ""
        self._began = 0.0
        self._bar: Bar | None = None

    def start(self, step: str) -> None:
        self._step, self._began = step, time.perf_counter()
        if self.console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Bar(*columns, console=self.console, transient=True)
            self._bar.add_task(step, total=None)
            self._bar.start()

    def advance(self, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def finish(self, text: str) -> None:
        self.stop()
        number = f"[{STEPS.index(self._step) + 1}/{len(STEPS)}]" if self._step in STEPS else ""
        first, *rest = text.splitlines() or [""]
        took = time.perf_counter() - self._began
        self.console.print(f"{number} {self._step:<9} {first}  ({took:.1f} s)", markup=False)
        for line in rest:
            self.console.print(f"{'':<15}{line}", markup=False)

    def note(self, text: str) -> None:
        self.stop()
        self.console.print(f"{'':<15}{text}", markup=False)

    def stop(self) -> None:
        """Take the moving bar away; it must not stand in front of an error."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
