"""Processes that run the same network together: each does its share of every layer, in memory that all of them see.

Threads of one Python hand its lock over at every call of NumPy. Where a sleeping thread takes long to wake, as on virtual
machines, two of them gain nothing; two processes have a lock each, wait for each other without sleeping, and halve the time.
Pasted into numpy_model.py: numpy and the standard library only.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.workspace import Workspace

_LINE = 8  # numbers of 64 bits in a cache line: each counter has one for itself
_HEADER = 4 * mmap.ALLOCATIONGRANULARITY  # bytes: counters, then the shapes of the inputs
_SHAPES = _HEADER // 16  # where the shapes begin, in numbers
MOST = 32  # processes: their counters fit in front of the shapes
_SPINS = 2000  # looks at a counter before giving the processor away: some 50 microseconds
_YIELDS = 500  # looks before asking whether the other process is still there
_AWAKE = 0.005  # seconds that a helper looks for the next run before it sleeps
_STARTING, _RUNNING, _ASLEEP = 0, 1, 2

_HELPER = """
import json, sys
job = json.loads(sys.stdin.readline())
sys.path[:] = job["path"]
import importlib.util
spec = importlib.util.spec_from_file_location("numpy_model", job["program"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.serve(job, module.forward, module.INPUTS, module.read_weights)
"""


class LostError(Exception):
    """A process of the team is gone."""


class Crew:
    """What each process of a team has of it: counters, and memory that all of them see."""

    def __init__(self, file: int, rank: int, ways: int, look: Callable[[], None]) -> None:
        """file: a descriptor of the memory. look(): raises when another process is gone."""
        self.rank, self.ways = rank, ways
        self._file, self._look = file, look
        self._words = memoryview(mmap.mmap(file, _HEADER)).cast("B").cast("q")
        self._end = self._base = _HEADER
        self._meetings = 0
        self._shapes: list[int] = []
        self._feeds: dict[str, np.ndarray] = {}
        self._order = threading.Lock()
        self._order.acquire()

    def room(self, size: int) -> np.ndarray:
        """So many float32 numbers, uninitialised. All processes ask for the same, in the same order."""
        length = max(-(-4 * size // mmap.ALLOCATIONGRANULARITY), 1) * mmap.ALLOCATIONGRANULARITY
        os.posix_fallocate(self._file, self._end, length)  # never cuts off what another process has added
        memory = mmap.mmap(self._file, length, offset=self._end)
        self._end += length
        return np.frombuffer(memory, np.float32)[:size]

    def keep(self) -> None:
        """What has been given out so far stays when the inputs get other shapes."""
        self._base = self._end

    def meet(self) -> None:
        """Return when every process has come here; what each wrote before, all see afterwards."""
        self._meetings += 1
        self.fence()
        self._words[_LINE * (1 + self.rank)] = self._meetings
        for rank in range(self.ways):
            if rank != self.rank:
                self._wait(_LINE * (1 + rank), self._meetings)
        self.fence()

    def fence(self) -> None:
        """Processors keep the order of what they write and read across a lock's release and acquisition."""
        self._order.release()
        self._order.acquire()

    def _wait(self, at: int, value: int) -> None:
        words = self._words
        for _ in range(_SPINS):
            if words[at] >= value:
                return
        while words[at] < value:
            for _ in range(_YIELDS):
                os.sched_yield()
                if words[at] >= value:
                    return
            self._look()

    def announce(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Write down the shapes of the inputs. Raises LostError where there is no room for them."""
        shapes = [number for array in feeds.values() for number in (array.ndim, *array.shape)]
        if _SHAPES + len(shapes) > len(self._words):
            raise LostError(f"{len(feeds)} inputs have too many dimensions")
        for at, number in enumerate(shapes, _SHAPES):
            self._words[at] = number

    def feeds(self, inputs: Mapping[str, tuple[str, Any]], work: Workspace) -> dict[str, np.ndarray]:
        """The inputs' memory, in the shapes that were announced."""
        found, at = [], _SHAPES
        for _ in inputs:
            found += [list(self._words[at + 1 : at + 1 + self._words[at]])]
            at += 1 + self._words[at]
        shapes = list(self._words[_SHAPES:at])
        if shapes != self._shapes:
            work.forget()
            self._feeds.clear()
            self._shapes, self._end = shapes, self._base
            for (name, (dtype, _)), shape in zip(inputs.items(), found):  # noqa: B905 - Python 3.8 knows no `strict`
                length = int(np.prod(shape)) * np.dtype(dtype).itemsize
                memory = self.room(-(-length // 4)).view(np.uint8)[:length]
                self._feeds[name] = memory.view(dtype).reshape(shape)
        return self._feeds

    def state(self, rank: int) -> int:
        """What a helper is doing."""
        return self._words[_LINE * (1 + self.ways + rank)]

    def tell(self, state: int) -> None:
        """Let the others know what this process is doing."""
        self._words[_LINE * (1 + self.ways + self.rank)] = state
        self.fence()

    def call(self, run: int) -> None:
        """Let the helpers begin a run."""
        self.fence()
        self._words[0] = run
        self.fence()

    def called(self, run: int, parent: int) -> bool:
        """Return when a run is to begin: True; False when the process that calls is gone."""
        until = time.perf_counter() + _AWAKE
        while self._words[0] < run:
            if time.perf_counter() < until:
                os.sched_yield()
                continue
            self.tell(_ASLEEP)
            while self._words[0] < run:
                if select.select([0], [], [], 2.0)[0] and not os.read(0, 64):
                    return False
                if os.getppid() != parent:
                    return False
            self.tell(_RUNNING)
        self.fence()
        return True


class Team:
    """The helpers of one model, started beside this process: they are ready some tenths of a second later.

    They sleep between runs, and end with this process, however it ends.
    """

    def __init__(self, ways: int, weights: dict[str, np.ndarray], made: Sequence[str], files: Sequence[str]) -> None:
        """made: weights that are not in the file as they are used; all processes read the same copy of them from now on.

        files: numpy_model.py and weights.npz. Raises OSError when there is no memory to share, or no process to be had.
        """
        self._helpers: list[subprocess.Popen[bytes]] = []
        self.close = weakref.finalize(self, _dismiss, self._helpers, os.getpid())
        self._lock = threading.Lock()
        self._process, self._run = os.getpid(), 0
        file = os.memfd_create("numpy_model")
        try:
            os.posix_fallocate(file, 0, _HEADER)
            self._crew = Crew(file, 0, ways, functools.partial(_look, self._helpers))
        except OSError:
            os.close(file)
            raise
        # not with `close`: a run that is under way may still ask for memory, and its number be another file's by then
        weakref.finalize(self._crew, os.close, file).atexit = False
        self._work = Workspace(ways, 1, self._crew)
        places = []
        for name in made:
            memory = self._crew.room(weights[name].size).reshape(weights[name].shape)
            memory[...] = weights[name]
            weights[name] = memory
            places.append([name, list(memory.shape)])
        self._crew.keep()
        job = {
            "file": file, "ways": ways, "parent": os.getpid(), "made": places, "program": files[0], "weights": files[1],
            "stamps": stamps(files), "path": [place for place in sys.path if isinstance(place, str)],
        }  # fmt: skip
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        for rank in range(1, ways):
            helper = subprocess.Popen(
                [sys.executable, "-I", "-c", _HELPER],
                stdin=subprocess.PIPE,
                bufsize=0,  # nothing is left to be written when it has ended
                stdout=subprocess.DEVNULL,
                env={**os.environ, **alone},
                pass_fds=[file],
                start_new_session=True,  # what a terminal interrupts is this process
            )
            self._helpers.append(helper)
            assert helper.stdin is not None
            helper.stdin.write(json.dumps({**job, "rank": rank}).encode() + b"\n")

    @property
    def mine(self) -> bool:
        """Is it this process's? A fork of that one starts its own."""
        return os.getpid() == self._process

    def ready(self) -> bool:
        """Have all helpers started? Raises LostError for one that has ended."""
        if all(self._crew.state(rank) != _STARTING for rank in range(1, self._crew.ways)):
            return True
        _look(self._helpers)
        return False

    def enter(self) -> bool:
        """Is the team there for one run? If so, `leave` has to follow. Raises LostError for a helper that has ended."""
        if not self.mine or not self._lock.acquire(blocking=False):
            return False
        ready = False
        try:
            ready = self.close.alive and self.ready()
        finally:
            if not ready:
                self._lock.release()
        return ready

    def leave(self) -> None:
        self._lock.release()

    def run(
        self,
        forward: Callable[..., dict[str, np.ndarray]],
        inputs: Mapping[str, tuple[str, Any]],
        weights: Mapping[str, np.ndarray],
        feeds: Mapping[str, np.ndarray],
    ) -> dict[str, np.ndarray]:
        """One run. Raises LostError when a helper ends meanwhile; after any error the team is to be closed."""
        self._crew.announce(feeds)
        memory = self._crew.feeds(inputs, self._work)
        for name, array in feeds.items():
            memory[name][...] = array
        self._run += 1
        self._crew.call(self._run)
        for rank, helper in enumerate(self._helpers, 1):
            if self._crew.state(rank) == _ASLEEP and helper.stdin is not None:
                try:
                    helper.stdin.write(b".")
                except (OSError, ValueError) as error:  # it has ended, or another caller has dropped the team
                    raise LostError(str(error)) from error
        outputs = forward(weights, memory, self._work)
        copies = {name: np.array(array, order="C") for name, array in outputs.items()}
        self._crew.meet()
        return copies


def _look(helpers: list[subprocess.Popen[bytes]]) -> None:
    for helper in helpers:
        if helper.poll() is not None:
            raise LostError(f"a helper ended with exit code {helper.returncode}")


def _dismiss(helpers: list[subprocess.Popen[bytes]], process: int) -> None:
    """End the helpers: there is nothing that they could lose."""
    mine = os.getpid() == process  # else a fork of the process that they belong to
    for helper in helpers:
        if mine:
            helper.kill()
        else:
            helper.returncode = 0
    for helper in helpers:
        helper.wait()
        if helper.stdin is not None:
            helper.stdin.close()


def stamps(files: Sequence[str]) -> list[list[int]]:
    """What changes when a file does."""
    found = [Path(file).stat() for file in files]
    return [[status.st_size, status.st_mtime_ns] for status in found]


def can_team(inputs: Mapping[str, tuple[str, Any]]) -> bool:
    """Is this a system, and a Python, that teams are known to work on?"""
    known = sys.platform.startswith("linux") and hasattr(os, "memfd_create") and sys.maxsize > 1 << 32
    python = Path(sys.executable or "").name.startswith("python")  # else another program that contains one
    if not known or not python or any(np.dtype(dtype).kind not in "biufc" for dtype, _ in inputs.values()):
        return False
    try:
        os.close(os.memfd_create("numpy_model"))
    except OSError:  # a sandbox
        return False
    return True


def serve(
    job: Mapping[str, Any],
    forward: Callable[..., dict[str, np.ndarray]],
    inputs: Mapping[str, tuple[str, Any]],
    read: Callable[[Path], dict[str, np.ndarray]],
) -> None:
    """A helper's life: its share of every run, until the process that started it ends or a run fails there, too."""

    def look() -> None:
        if os.getppid() != job["parent"]:
            raise LostError("the process that started this one is gone")

    weights = read(Path(job["weights"]))
    crew = Crew(job["file"], job["rank"], job["ways"], look)
    work = Workspace(job["ways"], 1, crew)
    for name, shape in job["made"]:
        weights[name] = crew.room(int(np.prod(shape))).reshape(shape)
    crew.keep()
    if stamps([job["program"], job["weights"]]) != job["stamps"]:
        sys.exit("numpy_model.py or weights.npz was replaced")
    crew.tell(_RUNNING)
    run = 1
    with np.errstate(all="ignore"):
        while crew.called(run, job["parent"]):
            try:
                forward(weights, crew.feeds(inputs, work), work)
                crew.meet()
            except Exception:  # the other process does it again alone, and raises what there is to raise
                sys.exit(1)
            run += 1
