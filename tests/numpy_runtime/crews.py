"""Crews of threads: what the processes of a team do, in one process, so that every form can be tried so quickly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from converter.numpy_runtime import Program
from converter.numpy_runtime.fast.workspace import Workspace


class Memory:
    """What all members of a crew see."""

    def __init__(self, ways: int) -> None:
        self.given: list[np.ndarray] = []
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(ways, timeout=60)


class Member:
    """One of a crew."""

    def __init__(self, memory: Memory, rank: int) -> None:
        self.rank, self._memory, self._asked = rank, memory, 0

    def room(self, size: int) -> np.ndarray:
        with self._memory.lock:
            if self._asked == len(self._memory.given):
                self._memory.given.append(np.full(size, np.nan, np.float32))
        self._asked += 1
        found = self._memory.given[self._asked - 1]
        assert found.size == size, "two members ask for other memory"
        return found

    def meet(self) -> None:
        self._memory.barrier.wait()


def run_together(
    program: Program, feeds: dict[str, np.ndarray], ways: int, rounds: int = 2
) -> list[dict[str, np.ndarray]]:
    """What each of `ways` members gives in the last of several runs of the program in the same memory."""
    namespace: dict[str, Any] = {"__name__": "numpy_model", "__file__": "numpy_model.py"}
    exec(compile(program.source, "numpy_model.py", "exec"), namespace)
    weights = namespace["Model"](dict(program.weights), 1)._weights
    forward: Callable[..., dict[str, np.ndarray]] = namespace["forward"]
    memory = Memory(ways)
    found: dict[int, dict[str, np.ndarray]] = {}
    errors: list[BaseException] = []

    def work(rank: int) -> None:
        space = Workspace(ways, 1, Member(memory, rank))
        try:
            with np.errstate(all="ignore"):
                for _ in range(rounds):
                    outputs = forward(weights, feeds, space)
                    found[rank] = {name: np.array(array) for name, array in outputs.items()}
                    memory.barrier.wait()
        except BaseException as error:
            errors.append(error)
            memory.barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(ways)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [found[rank] for rank in range(ways)]
