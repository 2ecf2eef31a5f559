"""The two backends: OpenCV's cv2.dnn on model.onnx, and NumPy on numpy_model.py. Arrays by name in and out."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError


def opencv_version() -> str:
    """The version of the OpenCV that is there. Raises CannotRunError when it cannot be imported."""
    try:
        import cv2
    except ImportError as error:  # absent, or a system library that it needs is
        raise CannotRunError(f"cv2 cannot be imported: {error}") from error
    return str(cv2.__version__)


def require_cv2(purpose: str) -> None:
    """Raises CannotRunError, naming what it is for, where cv2 cannot be imported."""
    try:
        opencv_version()
    except CannotRunError as error:
        raise CannotRunError(f"{purpose} needs OpenCV's Python package; {error}") from error


def verified_target(about: About, version: str) -> Any:
    """What was measured for this OpenCV version: a dict, or None. An engine that runs the network goes first."""
    same = [target for target in about.opencv if target["version"] == version]
    return next((target for target in same if target["backend"] == "opencv"), same[0] if same else None)


def read_net(path: Path, engine: str) -> Any:
    """cv2.dnn's net. 5.x has two engines; what they are called changes, so they are asked for by name."""
    import cv2

    # OpenCV opens other names than ASCII on some systems only
    model = str(path) if str(path).isascii() else np.fromfile(str(path), np.uint8)
    if int(cv2.__version__.split(".")[0]) >= 5:
        for name in ("ENGINE_CLASSIC",) if engine == "classic" else ("ENGINE_NEW", "ENGINE_OPENCV"):
            if hasattr(cv2.dnn, name):
                return cv2.dnn.readNetFromONNX(model, engine=getattr(cv2.dnn, name))
    return cv2.dnn.readNetFromONNX(model)


def choose_own_kernels(net: Any) -> None:
    """OpenCV's own CPU kernels: what was verified. Some builds of 4.x prefer another library when nobody says."""
    import cv2

    if int(cv2.__version__.split(".")[0]) < 5:
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)


class Blob(np.ndarray):
    """An array whose last axis is not channels, for builds of cv2 that lack their Python half, and so cv2.Mat (Debian's)."""

    wrap_channels = False


def as_blob(array: np.ndarray) -> Any:
    """The array as cv2 must be given it: of three axes, it takes the last for channels unless told otherwise."""
    import cv2

    if array.ndim != 3:
        return array
    if hasattr(cv2, "Mat"):
        return cv2.Mat(array, wrap_channels=False)
    if hasattr(cv2, "_registerMatType"):
        cv2._registerMatType(Blob)
        return array.view(Blob)
    return array


class OpenCVBackend:
    """model.onnx in cv2.dnn. Raises CannotRunError when it cannot be loaded or run."""

    name = "opencv"

    def __init__(self, about: About, folder: Path) -> None:
        self.about = about
        self.version = opencv_version()
        self.title = f"OpenCV {self.version}"
        target = verified_target(about, self.version)
        path = folder / "model.onnx"
        if not path.is_file():
            raise CannotRunError(f"{path} is missing")
        try:
            self.net = read_net(path, target["engine"] if target is not None else "new")
            choose_own_kernels(self.net)
        except Exception as error:  # whatever cv2 raises means the same: it does not read this network
            raise CannotRunError(f"it cannot read model.onnx ({brief(error)})") from error

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Inputs and outputs by name: their order changed between versions."""
        try:
            for name, array in feeds.items():
                self.net.setInput(as_blob(array), name)
            found = self.net.forward(self.about.output_names)
        except Exception as error:
            raise CannotRunError(f"it cannot run the network ({brief(error)})") from error
        return {tensor[0]: as_recorded(found[i], *tensor) for i, tensor in enumerate(self.about.outputs)}


def as_recorded(array: Any, name: str, shape: Any, dtype: str) -> np.ndarray:
    """A copy (a net reuses its memory) in the recorded shape and type: 4.x lacks ranks below 2, gives float32 only."""
    array = np.array(array)
    if shape is not None and None not in shape and array.shape != tuple(shape):
        if array.size != math.prod(shape):
            raise CannotRunError(f"its output {name!r} has shape {list(array.shape)}, expected {list(shape)}")
        array = array.reshape(shape)
    if array.dtype != np.dtype(dtype):
        array = (np.rint(array) if np.dtype(dtype).kind in "iu" else array).astype(dtype)
    return np.asarray(array)


class NumPyBackend:
    """numpy_model.py and weights.npz. Raises CannotRunError when they cannot be loaded or run."""

    name = "numpy"

    def __init__(self, about: About, folder: Path) -> None:
        self.about = about
        self.title = f"NumPy {np.__version__}"
        path = folder / "numpy_model.py"
        if not path.is_file():
            raise CannotRunError(f"{path} is missing")
        spec = importlib.util.spec_from_file_location("numpy_model", str(path))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["numpy_model"] = module  # dataclasses look their module up there
        try:
            spec.loader.exec_module(module)
            self.net = module.load(folder)
        except Exception as error:
            raise CannotRunError(f"numpy_model.py cannot be loaded ({brief(error)})") from error

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            found = self.net.run(dict(feeds))
        except Exception as error:
            raise CannotRunError(f"numpy_model.py cannot run the network ({brief(error)})") from error
        return {name: found[name] for name in self.about.output_names}


def brief(error: BaseException) -> str:
    """The error on one line, shortened."""
    text = " ".join(str(error).split()) or "no text"
    return f"{type(error).__name__}: {text if len(text) <= 300 else text[:299] + '…'}"
