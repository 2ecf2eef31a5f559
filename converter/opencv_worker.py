"""The child process in which cv2.dnn runs a model. Run by path, by any interpreter that has cv2 and numpy (Python 3.8+).

It reads one JSON job a line from standard input and answers with JSON lines on standard output. Before each step that may
take the process down it says which step it is, so that whoever waits knows what a crash was. A job:

    {"model": path, "engine": "classic" | "new", "inputs": [npz, ...], "outputs": [name, ...], "results": [npz, ...]}

Answers: {"step": "load"}, {"step": "run", "sample": i}, and last {"status": "ran" | "fails at load" | "fails at run",
"error": text}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# run by path, our own folder comes first on sys.path: its modules must not shadow others'
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import cv2  # noqa: E402
import numpy as np  # noqa: E402


def say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def read_net(path: str, engine: str) -> Any:
    """The net in the engine asked for. 5.x names its engines; what they are called changed, so ask by name."""
    if int(cv2.__version__.split(".")[0]) < 5:
        return cv2.dnn.readNetFromONNX(path)
    names = ["ENGINE_NEW", "ENGINE_OPENCV"] if engine == "new" else ["ENGINE_CLASSIC"]
    for name in names:
        if hasattr(cv2.dnn, name):
            return cv2.dnn.readNetFromONNX(path, engine=getattr(cv2.dnn, name))
    raise RuntimeError("OpenCV %s has no %s engine" % (cv2.__version__, engine))


def as_blob(array: np.ndarray) -> Any:
    """The array as cv2 must be given it: of three axes, it takes the last for channels unless told otherwise."""
    if array.ndim == 3 and hasattr(cv2, "Mat"):
        return cv2.Mat(array, wrap_channels=False)
    return array


def run(job: dict[str, Any]) -> dict[str, str]:
    step = "load"
    try:
        say(step="load")
        net = read_net(job["model"], job["engine"])
        step = "run"
        for sample, (inputs, results) in enumerate(zip(job["inputs"], job["results"])):
            say(step="run", sample=sample)
            with np.load(inputs) as arrays:
                for name in arrays.files:
                    net.setInput(as_blob(arrays[name]), name)
            outputs = net.forward(job["outputs"])
            empty = [name for name, output in zip(job["outputs"], outputs) if output is None]
            if empty:
                raise RuntimeError("no array for the outputs %s" % empty)
            answer: Any = {"o%d" % i: np.array(output) for i, output in enumerate(outputs)}
            np.savez(results, **answer)
    except Exception as error:  # whatever cv2 raises is the measurement
        return {"status": "fails at " + step, "error": "%s: %s" % (type(error).__name__, error)}
    return {"status": "ran", "error": ""}


if __name__ == "__main__":
    say(opencv=cv2.__version__, numpy=np.__version__)
    for line in sys.stdin:
        say(**run(json.loads(line)))
