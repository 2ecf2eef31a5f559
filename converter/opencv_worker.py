"""The child process in which cv2.dnn runs a model. Run by path, by any interpreter that has cv2 and numpy (Python 3.8+).

Its argument, if any, is the memory in bytes that models may take beside what the interpreter and cv2 need: a model that asks
for more is an answer, not the machine's death.

It reads one JSON job a line from standard input and answers with JSON lines on standard output. Before each step that may
take the process down it says which step it is, so that whoever waits knows what a crash was. A job:

    {"model": path, "engine": "classic" | "new", "inputs": [npz, ...], "outputs": [name, ...], "results": [npz, ...],
     "islands": {"source": path of islands.py, "plan": text}, where some nodes run in NumPy}

Answers: once {"opencv": version, "numpy": version}; for a job {"step": "load"}, {"step": "run", "sample": i}, and last
{"status": "ran" | "fails at load" | "fails at run" | "crashes", "error": text}.

On Linux each job runs in a fork of this process. A model can write beyond its memory without dying of it, as
CumSum does in 4.6; in one process all later answers would be worth nothing.
"""

from __future__ import annotations

import ctypes
import importlib.util
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

# run by path, our own folder comes first on sys.path: its modules must not shadow others'
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import cv2  # noqa: E402
import numpy as np  # noqa: E402


def say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def limit_memory(limit: int) -> None:
    """Let this process take `limit` bytes of address space more than it has. Where the system knows no such limit, nothing."""
    try:
        import resource  # Unix only

        pages = int(Path("/proc/self/statm").read_text().split()[0])  # Linux only
    except (ImportError, OSError):
        return
    # each thread reserves address space for its stack and heap, and there is one a core
    taken = pages * resource.getpagesize() + (os.cpu_count() or 1) * (80 << 20)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or taken + limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (taken + limit, hard))


def read_net(path: Any, engine: str) -> Any:
    """The net of a file, or of its bytes, in the engine asked for. 5.x names its engines; names changed, so ask by name."""
    if int(cv2.__version__.split(".")[0]) < 5:
        return cv2.dnn.readNetFromONNX(path)
    names = ["ENGINE_NEW", "ENGINE_OPENCV"] if engine == "new" else ["ENGINE_CLASSIC"]
    for name in names:
        if hasattr(cv2.dnn, name):
            return cv2.dnn.readNetFromONNX(path, engine=getattr(cv2.dnn, name))
    raise RuntimeError("OpenCV %s has no %s engine" % (cv2.__version__, engine))


class Blob(np.ndarray):
    """An array whose last axis is not channels, for builds of cv2 that lack their Python half, and so cv2.Mat (Debian's)."""

    wrap_channels = False


if not hasattr(cv2, "Mat") and hasattr(cv2, "_registerMatType"):
    cv2._registerMatType(Blob)


def as_blob(array: np.ndarray) -> Any:
    """The array as cv2 must be given it: of three axes, it takes the last for channels unless told otherwise."""
    if array.ndim != 3:
        return array
    return cv2.Mat(array, wrap_channels=False) if hasattr(cv2, "Mat") else array.view(Blob)


class Whole:
    """A net without islands. Like those of islands.py it gives arrays for outputs by name, None where cv2 gives none."""

    def __init__(self, net: Any) -> None:
        self.net = net

    def run(self, feeds: Any, names: Any) -> list[Any]:
        for name, array in feeds.items():
            self.net.setInput(as_blob(array), name)
        return list(self.net.forward(names))


def open_net(job: dict[str, Any]) -> Any:
    if "islands" not in job:
        return Whole(read_net(job["model"], job["engine"]))
    spec: Any = importlib.util.spec_from_file_location("islands", job["islands"]["source"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.open_net(
        Path(job["model"]), job["islands"]["plan"], lambda data: read_net(data, job["engine"]), as_blob
    )


def run(job: dict[str, Any]) -> dict[str, str]:
    step = "load"
    try:
        say(step="load")
        net = open_net(job)
        step = "run"
        for sample, (inputs, results) in enumerate(zip(job["inputs"], job["results"])):
            say(step="run", sample=sample)
            with np.load(inputs) as arrays:
                outputs = net.run({name: arrays[name] for name in arrays.files}, job["outputs"])
            empty = [name for name, output in zip(job["outputs"], outputs) if output is None]
            if empty:
                raise RuntimeError("no array for the outputs %s" % empty)
            answer: Any = {"o%d" % i: np.array(output) for i, output in enumerate(outputs)}
            np.savez(results, **answer)
    except Exception as error:  # whatever cv2 raises is the measurement
        return {"status": "fails at " + step, "error": "%s: %s" % (type(error).__name__, error)}
    return {"status": "ran", "error": ""}


def isolated(job: dict[str, Any]) -> None:
    """Run the job in a copy of this process and pass its answers on; a death is one of them."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(send, 1)
            prepare_child()
            say(**run(job))
        finally:  # whatever comes, the child must not go on as its parent
            os._exit(0)
    os.close(send)
    step, answered = "load", False
    with os.fdopen(receive, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("{"):  # cv2 itself may print
                message = json.loads(line)
                step, answered = message.get("step", step), "status" in message
                print(line, end="", flush=True)
    _, status = os.waitpid(child, 0)
    if not answered:
        death = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an unknown cause"
        say(status="crashes", error="the process died of %s (step: %s)" % (death, step))


def prepare_child() -> None:
    """Let the child end with its parent, and find memory that is not zero, as in a process that has worked for a while.

    What reads memory that nobody wrote is right by luck in a fresh process: it must not be taken for right.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if hasattr(libc, "mallopt"):
        libc.mallopt(-6, 165)  # M_PERTURB: fill what malloc gives


def warm_up() -> None:
    """Load once what every fork would load for itself."""
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(1))
    buffer.seek(0)
    with np.load(buffer) as arrays:
        arrays["a"]


if __name__ == "__main__":
    forks = sys.platform == "linux"
    if len(sys.argv) > 1:
        limit_memory(int(sys.argv[1]))
    if forks:
        warm_up()
    say(opencv=cv2.__version__, numpy=np.__version__)
    for line in sys.stdin:
        if forks:
            isolated(json.loads(line))
        else:
            say(**run(json.loads(line)))
