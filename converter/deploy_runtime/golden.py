"""golden.npz: inputs and PyTorch's outputs, and how a backend is held against them."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError, UsageError
from converter.deploy_runtime.backends import brief

PROBE_SECONDS = 600  # a hang counts as a failure; the slowest network in our sweeps needs a small part of it


class Golden:
    """The samples of golden.npz, read one at a time. Raises UsageError when the file is missing or damaged."""

    def __init__(self, about: About, folder: Path) -> None:
        self.path = folder / "golden.npz"
        if not self.path.is_file():
            raise UsageError(f"{self.path} is missing: nothing here proves that the numbers are PyTorch's")
        self.about = about
        with self._open() as arrays:
            self.numbers = sorted({int(key.split(":")[1]) for key in arrays.files})

    def sample(self, number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(inputs, PyTorch's outputs) of one sample, by name."""
        try:
            with self._open() as arrays:
                feeds = {name: arrays[f"input:{number}:{name}"] for name, _, _ in self.about.inputs}
                wanted = {name: arrays[f"output:{number}:{name}"] for name in self.about.output_names}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.path} is damaged ({brief(error)})") from error
        return feeds, wanted

    def _open(self) -> Any:
        try:
            return np.load(str(self.path), allow_pickle=False)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.path} is damaged ({brief(error)})") from error


def relative_error(got: np.ndarray, reference: np.ndarray) -> float:
    """max |got - reference| over max |reference| (over 1 when that is 0, over 2**-80 when it is smaller).

    Infinity when the shapes differ, or when NaN or infinities stand where the reference has none.
    """
    if got.shape != reference.shape:
        return float("inf")
    a, b = np.asarray(got, np.float64), np.asarray(reference, np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return float("inf")
    a, b = a[finite], b[finite]
    if b.size == 0:
        return 0.0
    scale = float(np.abs(b).max())
    return float(np.abs(a - b).max()) / (max(scale, 2.0**-80) if scale else 1.0)


def measure(backend: Any, golden: Golden, numbers: Iterable[int]) -> dict[str, float]:
    """The worst relative error of each output over these samples."""
    worst: dict[str, float] = {}
    for number in numbers:
        feeds, wanted = golden.sample(number)
        found = backend.run(feeds)
        for name, reference in wanted.items():
            worst[name] = max(worst.get(name, 0.0), relative_error(found[name], reference))
    return worst


def require_match(errors: Mapping[str, float], tolerance: float) -> None:
    """Raise CannotRunError when an output is off by more than the tolerance."""
    for name, error in errors.items():
        if not error <= tolerance:
            raise CannotRunError(
                f"it gives other numbers than PyTorch ({name}: off by {error:.2g}, allowed {tolerance:g})"
            )


def probe_in_child(script: Path, folder: Path, samples: str) -> dict[str, float]:
    """What `measure` gives for cv2.dnn, in a child process: a network can take the whole process down.

    samples: "first" or "all". Raises CannotRunError when the child finds that the network does not run, dies or hangs.
    """
    import os
    import subprocess

    if not sys.executable or not script.is_file():
        raise CannotRunError(
            "this version was not verified, and there is no Python program to try it in a child process"
        )
    command = [sys.executable, "-B", str(script), "--probe", samples, "--folder", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # the child shall find the same cv2
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRunError(f"it gives no answer in {PROBE_SECONDS} s") from error
    except OSError as error:
        raise CannotRunError(f"no child process can be started to try it ({brief(error)})") from error
    for line in child.stdout.decode("utf-8", "replace").splitlines()[::-1]:
        if line.startswith('{"probe"'):  # cv2 itself may print to standard output
            answer = json.loads(line)
            if answer["problem"] is not None:
                raise CannotRunError(answer["problem"])
            return {name: float(error) for name, error in answer["probe"].items()}
    raise CannotRunError(f"it crashes on this network (exit code {child.returncode})")
