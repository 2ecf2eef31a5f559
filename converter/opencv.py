"""Runs models in cv2.dnn, in a child process of the target's own interpreter. A crash or a hang there is a result here."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import numpy as np

from converter.errors import TargetError
from converter.targets import Target, python_for

Status = Literal["ran", "fails at load", "fails at run", "crashes", "timeout"]
Arrays = Mapping[str, np.ndarray]

MEMORY = 8 << 30
"""What a model may take, in bytes. Networks take some hundred million; this ends a runaway before the machine suffers."""


@dataclass(frozen=True)
class OpenCVRun:
    """What came of running one model on one target. `outputs` holds one mapping per sample when status is "ran"."""

    status: Status
    outputs: tuple[dict[str, np.ndarray], ...] = ()
    error: str = ""

    def __str__(self) -> str:
        return self.status if not self.error else f"{self.status}: {self.error}"


@dataclass(frozen=True)
class IslandFiles:
    """The folder in which islands.py lies with all that it needs, and which of its plans is meant."""

    folder: Path
    plan: str


class OpenCVWorker:
    """A child process with cv2, started when first needed and again after a crash. Use it as a context manager.

    One job at a time. `timeout` (seconds) bounds each job; `memory` (bytes) what the child may take beside what cv2 itself
    needs, where the system has such limits; None for no limit.

    Raises TargetError when a job is asked for and the target's interpreter has no cv2 any more, or another version than it had
    when it was registered.
    """

    def __init__(self, target: Target, *, timeout: float = 120.0, memory: int | None = MEMORY) -> None:
        self.target = target
        self.timeout = timeout
        self.memory = memory
        self._python = python_for(target)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._greeted = False
        self._folder = tempfile.TemporaryDirectory(prefix="torch2cv-")

    def __enter__(self) -> OpenCVWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._folder.cleanup()

    def run(
        self,
        model: bytes | Path | Iterable[bytes],
        samples: Sequence[Arrays],
        outputs: Sequence[str],
        *,
        islands: IslandFiles | None = None,
    ) -> OpenCVRun:
        """Load the model once and run every sample; inputs by name, outputs by name. `islands`: nodes that run in NumPy.

        model: a file, or its bytes, in one piece or in several.
        """
        folder = Path(self._folder.name)
        path = model if isinstance(model, Path) else folder / "model.onnx"
        if not isinstance(model, Path):
            with path.open("wb") as written:
                written.writelines([model] if isinstance(model, bytes) else model)
        inputs = [folder / f"input{i}.npz" for i in range(len(samples))]
        results = [folder / f"result{i}.npz" for i in range(len(samples))]
        for file, sample in zip(inputs, samples, strict=True):
            np.savez(file, **dict(sample))  # type: ignore[arg-type]
        job: dict[str, Any] = {
            "model": str(path),
            "engine": self.target.engine,
            "inputs": [str(file) for file in inputs],
            "outputs": list(outputs),
            "results": [str(file) for file in results],
        }
        if islands is not None:
            job["islands"] = {"source": str((islands.folder / "islands.py").resolve()), "plan": islands.plan}
        answer = self._ask(job)
        if answer.status != "ran":
            return answer
        return OpenCVRun("ran", tuple(self._read(file, outputs) for file in results))

    @staticmethod
    def _read(file: Path, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[f"o{i}"] for i, name in enumerate(outputs)}

    def _ask(self, job: dict[str, Any]) -> OpenCVRun:
        process = self._started()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a child that is gone shows as the end of its answers
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
        step = "load"
        while True:
            try:
                line = self._lines.get(timeout=self.timeout)
            except queue.Empty:
                self._stop()
                return OpenCVRun("timeout", error=f"no answer in {self.timeout:.0f} s (step: {step})")
            if line is None:
                code = process.wait()
                self._stop()
                if not self._greeted:
                    raise self._unusable(f"importing cv2 there ended with {_death(code)}")
                return OpenCVRun("crashes", error=f"the process died of {_death(code)} (step: {step})")
            message = json.loads(line)
            if "opencv" in message:
                self._greet(message["opencv"])
            elif "status" in message:
                text = message["error"].replace(job["model"], "model.onnx")  # a temporary name would change every time
                return OpenCVRun(message["status"], error=shorten(text))
            step = message.get("step", step)

    def _greet(self, version: str) -> None:
        """The child has cv2 now. A registered interpreter may have got another since."""
        if self.target.custom is not None and not version.startswith(self.target.version):
            self._stop()
            raise self._unusable(f"it has OpenCV {version} now")
        self._greeted = True

    def _unusable(self, problem: str) -> TargetError:
        steps = [f"see what it says: {self._python} -c 'import cv2; print(cv2.__version__)'"]
        if self.target.custom is not None:
            steps.append(f"then register it again: convert targets add {self.target.custom} --python {self._python}")
        return TargetError(
            f"{self.target} cannot be measured any more",
            measured=f"{self._python} had OpenCV {self.target.version}; {problem}",
            do=tuple(steps),
        )

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            environment = {k: v for k, v in os.environ.items() if k != "OPENCV_FORCE_DNN_ENGINE"}
            environment.setdefault("OPENCV_LOG_LEVEL", "SILENT")
            self._lines = queue.Queue()
            self._greeted = False
            limit = [] if self.memory is None else [str(self.memory)]
            self._process = subprocess.Popen(
                [str(self._python), str(Path(__file__).with_name("opencv_worker.py")), *limit],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            assert self._process.stdout is not None
            reader = threading.Thread(target=_drain, args=(self._process.stdout, self._lines), daemon=True)
            reader.start()
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def _drain(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            if line.startswith("{"):  # cv2 itself may print to standard output
                lines.put(line)
    lines.put(None)


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_THROWN = re.compile(
    r"OpenCV\([^)]*\) (?P<file>[^\n]*?):(?P<line>-?\d+): error: \(-?\d+:(?P<kind>[^)]*)\) ?"
    r"(?P<before>.*?) ?in function '(?P<function>.*?)'(?=\s|$)(?P<after>.*)",
    re.DOTALL,
)
_NODE = re.compile(r"Node \[(?P<op>[^\]@]*)(?:@[^\]]*)?\]:\((?P<name>.*?)\) parse error: ", re.DOTALL)
_SAYS_NOTHING = ("Unspecified error", "Backtrace")


def shorten(text: str, width: int = 300) -> str:
    """OpenCV's error on one line: the node, the reason, and where in its sources; what is too long loses its end.

    OpenCV wraps one error in another, each with its version, file, code and function: the innermost has the reason. What
    changes from run to run (addresses, amounts of memory, temporary names) is "#", so that the same error is the same text.
    """
    text = re.sub(
        r"\n[> ]*", " ", text.replace("onnx_node!", "")
    )  # OpenCV's own marks: of quotations, and before names
    text = _steady(re.sub(r"onnx_node_output_\d+!", "", text))
    node = _NODE.search(text)
    thrown = None
    while (inner := _THROWN.search(text, 0 if thrown is None else thrown.start("after"))) is not None:
        thrown = inner
    if thrown is None:
        return _cut(text, width)
    said = " ".join(f"{thrown['before']} {thrown['after']}".split())
    if thrown["kind"] not in _SAYS_NOTHING or not said:
        said = f"{thrown['kind']}: {said}" if said else thrown["kind"]
    if node is not None:
        name = "" if node["name"] == node["op"] else f" {_cut(node['name'], width // 4)!r}"
        said = f"{node['op']}{name}: " + said.replace(f' "{node["name"]}"', "")  # it need not be named twice
    function = re.sub(r"^.*?([~\w]+)\(.*$", r"\1", thrown["function"])
    place = f"{Path(thrown['file']).name}:{thrown['line']} {function}" if thrown["file"].strip() else function
    return f"{_cut(said, width - len(place) - 3)} ({place})"


def _steady(text: str) -> str:
    text = re.sub(r"\b0x[0-9a-fA-F]+", "#", text)
    text = re.sub(r"\b\d[\d.]* ?(bytes|[KMGTPE]i?B)\b", r"# \1", text)
    text = re.sub(r"(?<![\w.])-?\d{10,}(?![\w.])", "#", text)  # no size of ours is that large: memory nobody wrote
    return re.sub(r"[^\s'\"]*/torch2cv-\w+/", "", text)


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
