"""What runs a generated numpy_model.py: threads, memory and a profile. Pasted there: numpy and the standard library only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.numpy_runtime.deployed import check_inputs
from converter.numpy_runtime.fast.workspace import Workspace
from converter.numpy_runtime.team import MOST, LostError, Team, can_team


class Blas:
    """How many threads NumPy's matrix products use, where its BLAS is an OpenBLAS, which can be told."""

    def __init__(self) -> None:
        import ctypes

        self._get: Any = None
        self._set: Any = None
        self._lock = threading.Lock()
        self._inside, self._before = 0, 1
        self.kernels = ""
        home = Path(np.__file__).resolve().parent
        found = [
            *home.parent.glob("numpy.libs/*openblas*"),
            *home.glob(".dylibs/*openblas*"),
            *home.glob(".libs/*openblas*"),
        ]
        if not found and sys.platform.startswith("linux"):
            maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
            found = [Path(path) for path in sorted({line.split()[-1] for line in maps.splitlines() if "blas" in line})]
        for path in found:
            try:
                library = ctypes.CDLL(str(path))
            except OSError:  # a library that was replaced since, say: products then keep their own threads
                continue
            for name in ("scipy_openblas_%s64_", "openblas_%s64_", "openblas_%s"):
                if self._set is None and hasattr(library, name % "set_num_threads"):
                    self._get = getattr(library, name % "get_num_threads")
                    self._set = getattr(library, name % "set_num_threads")
                    self.kernels = _text(library, name % "get_corename")

    @property
    def can_be_told(self) -> bool:
        return self._set is not None

    @contextlib.contextmanager
    def using(self, threads: int) -> Iterator[None]:
        """So many threads a product, as long as any network runs: the first one's number."""
        with self._lock:
            self._inside += 1
            if self._inside == 1 and self._set is not None:
                self._before = self._get()
                self._set(threads)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0 and self._set is not None:
                    self._set(self._before)


def _text(library: Any, name: str) -> str:
    """What a function of a C library says."""
    import ctypes

    if not hasattr(library, name):
        return ""
    function = getattr(library, name)
    function.restype = ctypes.c_char_p
    return str((function() or b"").decode())


def _advice(kernels: str) -> str:
    """OpenBLAS uses the kernels that the environment names, and takes processors that are newer than itself for old ones."""
    cpu = Path("/proc/cpuinfo")
    if kernels not in ("Haswell", "Zen") or not cpu.is_file() or "avx512vl" not in cpu.read_text(encoding="utf-8"):
        return ""
    if "OPENBLAS_CORETYPE" in os.environ:
        return "; this processor has AVX-512, which OpenBLAS would use if OPENBLAS_CORETYPE were not set"
    return "; this processor has AVX-512: with OPENBLAS_CORETYPE=SkylakeX set before Python starts, it may be faster"


def processors() -> int:
    """The processors that this process may use, or as many as the environment says that BLAS should."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return max(int(os.environ[name]), 1)
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # a container may be given less time than it sees processors
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        count = min(count, max(int(quota) // int(period), 1))
    except (OSError, ValueError):  # no such file, or "max"
        pass
    return count


_TEAM = 8  # processes, unless more are asked for: each takes some 30 MB, and the layers' shares become small
_LOST = 3  # teams that may be lost before there is no other
_TRIALS = 3  # runs each way before the faster one is kept to
_KNOWN = 100  # shapes of inputs for which it is remembered
_TOGETHER, _ALONE = 0, 1


class Trial:
    """Whether a network runs faster together or alone: of a small one, processes wait for each other longer than they work."""

    def __init__(self) -> None:
        self._counts, self._best = [0, 0], [float("inf"), float("inf")]

    def way(self) -> int:
        """How to run next."""
        if min(self._counts) < _TRIALS:
            return _TOGETHER if self._counts[_TOGETHER] <= self._counts[_ALONE] else _ALONE
        return _TOGETHER if self._best[_TOGETHER] <= self._best[_ALONE] else _ALONE

    def took(self, way: int, seconds: float) -> None:
        self._counts[way] += 1
        self._best[way] = min(self._best[way], seconds)


class Runner:
    """A network with its weights. It may be used by several threads at a time: each run has memory of its own."""

    def __init__(
        self,
        forward: Callable[..., dict[str, np.ndarray]],
        inputs: Mapping[str, tuple[str, Any]],
        weights: dict[str, np.ndarray],
        made: Sequence[tuple[Callable[[np.ndarray], np.ndarray], Sequence[str]]] = (),
        threads: int | None = None,
        files: Sequence[str] | None = None,
    ) -> None:
        """made: functions that make weights what they are used as, and the names of these. They are put into `weights`.

        files: numpy_model.py and weights.npz, where there are any: from them helpers are started, see `Team`.
        Raises ValueError for a number of threads where NumPy's BLAS is not an OpenBLAS, which can be told.
        """
        self._forward, self._inputs, self._weights = forward, inputs, weights
        for function, names in made:
            weights.update((name, function(weights[name])) for name in names)
        self._made = list(dict.fromkeys(name for _, names in made for name in names))
        self._blas = Blas()
        if threads is not None and not self._blas.can_be_told:
            raise ValueError(
                "this NumPy's BLAS cannot be told; set OMP_NUM_THREADS before Python starts and leave threads=None"
            )
        count = processors() if threads is None else max(int(threads), 1)
        self.threads = count if self._blas.can_be_told else 1  # else BLAS itself uses as many as it likes
        self._spare: list[Workspace] = []
        self._files, self._lost = files, 0
        self._team: Team | None = None
        self._starting = threading.Lock()
        self._trials: dict[Any, Trial] = {}
        self.ways = 1
        """Processes that compute together, or will once they are ready. They are started by the second run, or by `ready`."""
        self._ran = False
        if self.threads > 1 and files is not None and can_team(inputs):
            self.ways = min(self.threads, MOST if threads is not None else _TEAM)

    def _start(self) -> None:
        """Have a team; where there is none to be had, BLAS uses threads."""
        if self.ways == 1 or (self._team is not None and self._team.mine):
            return
        with self._starting:
            if (self._team is None or not self._team.mine) and self.ways > 1:
                assert self._files is not None
                try:
                    self._team = Team(self.ways, self._weights, self._made, self._files)
                except OSError:  # too little memory to share, or no process allowed
                    self._give_up()

    def _give_up(self) -> None:
        self.ways = 1
        self._spare.clear()

    def _drop(self, team: Team, lost: bool = True) -> None:
        """Be without the team; the next run starts another, if not too many were lost."""
        team.close()
        with self._starting:
            if self._team is team:
                self._team, self._lost = None, self._lost + lost
                if self._lost >= _LOST:
                    self._give_up()

    def ready(self) -> bool:
        """Whether the next run can have all processes; starts those that are missing. Until then, runs take longer."""
        self._start()
        team = self._team
        try:
            return team is None or team.ready()
        except LostError:
            assert team is not None
            self._drop(team)
            return False

    def run(self, feeds: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Outputs by name. Raises ValueError for inputs that do not fit INPUTS."""
        checked = check_inputs(feeds, self._inputs)
        if self._ran:  # who runs it only once has no use for helpers
            self._start()
        self._ran = True
        if self._team is None:
            return self._run_alone(checked)
        trial = self._trial(checked)
        start, way = time.perf_counter(), trial.way()
        outputs = self._run_together(checked) if way == _TOGETHER else self._run_alone(checked)
        if outputs is None:  # no team for now: that says nothing of its speed
            return self._run_alone(checked)
        trial.took(way, time.perf_counter() - start)
        return outputs

    def _trial(self, feeds: Mapping[str, np.ndarray]) -> Trial:
        """What is known of inputs of these shapes."""
        if len(self._trials) > _KNOWN:
            self._trials.clear()
        return self._trials.setdefault(tuple(array.shape for array in feeds.values()), Trial())

    def _run_together(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
        """None: the team is busy, not ready yet or lost."""
        team = self._team
        if team is None:
            return None
        try:
            if not team.enter():
                return None
        except LostError:
            self._drop(team)
            return None
        try:
            with self._blas.using(1), np.errstate(all="ignore"):
                return team.run(self._forward, self._inputs, self._weights, feeds)
        except (LostError, OSError):  # or there is no more memory to share
            self._drop(team)
            return None
        except BaseException:  # the helpers wait for what this process will not do
            self._drop(team, lost=False)
            raise
        finally:
            team.leave()

    def _run_alone(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        ways = self.ways
        try:
            work = self._spare.pop()
        except IndexError:
            work = Workspace(ways, self.threads if ways == 1 else 1)
        told = self._blas.using(work.threads)
        with told, np.errstate(all="ignore"):  # infinities and NaN are values here, as in every other runtime
            outputs = self._forward(self._weights, feeds, work)
        copies = {name: np.array(array, order="C") for name, array in outputs.items()}
        if work.ways == self.ways:
            self._spare.append(work)
        return copies

    def profile(self, feeds: Mapping[str, Any], rounds: int = 5) -> str:
        """A table of where the time goes, by function: the best of `rounds` runs for each line, once it is known how to run."""
        end = time.perf_counter() + 10
        while not self.ready() and time.perf_counter() < end:
            time.sleep(0.01)
        for _ in range(2 * _TRIALS + 1):
            self.run(feeds)
        code = self._forward.__code__  # type: ignore[attr-defined]
        lines = Path(code.co_filename).read_text(encoding="utf-8").splitlines()
        runs: list[dict[int, float]] = []
        state: dict[str, Any] = {}

        def step(frame: Any, event: str, _: Any) -> Any:
            now = time.perf_counter()
            if "line" in state:
                spent = state["spent"]
                spent[state["line"]] = spent.get(state["line"], 0.0) + now - state["now"]
            if event == "return":
                state.pop("line", None)
                return None
            state["line"], state["now"] = frame.f_lineno, time.perf_counter()
            return step

        def start(frame: Any, event: str, _: Any) -> Any:
            return step if frame.f_code is code else None

        before = sys.gettrace()
        for _ in range(rounds):
            state["spent"] = {}
            sys.settrace(start)
            try:
                self.run(feeds)
            finally:
                sys.settrace(before)
            runs.append(state["spent"])
        by_function: dict[str, list[float]] = {}
        for number in sorted({number for spent in runs for number in spent}):
            text = lines[number - 1].strip()
            name = text.split(" = ", 1)[-1].split("(", 1)[0].rsplit(".", 1)[-1] if "(" in text else "(other)"
            best = min(spent.get(number, 0.0) for spent in runs)
            count, seconds = by_function.get(name, [0, 0.0])
            by_function[name] = [count + 1, seconds + best]
        total = sum(seconds for _, seconds in by_function.values())
        table = [f"{'function':<24}{'calls':>6}{'ms':>10}{'share':>8}"]
        for name, (count, seconds) in sorted(by_function.items(), key=lambda item: -item[1][1]):
            table.append(f"{name:<24}{int(count):>6}{1000 * seconds:>10.3f}{seconds / max(total, 1e-9):>8.1%}")
        table.append(f"{'all':<30}{1000 * total:>10.3f}")
        if self.ways > 1:
            together = self._trial(check_inputs(feeds, self._inputs)).way() == _TOGETHER
            table.append(f"processes: {self.ways}" if together else f"process: 1, faster here than {self.ways}")
        else:
            table.append(f"threads: {self.threads}")
        if self._blas.kernels:
            table.append(f"OpenBLAS's kernels: {self._blas.kernels}{_advice(self._blas.kernels)}")
        return "\n".join(table)
