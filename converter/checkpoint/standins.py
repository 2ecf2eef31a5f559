"""Stand-ins for harmless things that training scripts leave in checkpoints: NumPy numbers, argparse results, paths.

torch's reader for tensors refuses a whole file because of one `best_accuracy = numpy.float64(...)`. It may be told what
to use for a name instead: here, for each such name, an object of ours that only keeps bytes. Nothing of NumPy's own
unpickling runs (its dtype believes flags from the file, which is not safe with a file from anywhere).
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np


class Dtype:
    """For numpy.dtype: numbers only; any other dtype keeps `numpy` None, and what is made of it is dropped."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code if isinstance(code, str) and re.fullmatch(r"[biufc][1-9]\d?|\?", code) else None
        self.numpy = None if self.code is None else np.dtype(self.code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1] if len(state) > 1 else "|"
        if self.code is not None and order in ("<", ">"):
            self.numpy = np.dtype(order + self.code)


class Array:
    """For numpy.ndarray: `array` is there once its state was read and is plain numbers, else None."""

    def __init__(self, *_: object) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.array = _numbers(dtype, data, shape, "F" if fortran else "C")


class Inert:
    """For data holders that no weight needs. Takes everything and keeps nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def reconstruct(*_: object) -> Array:
    """For numpy's _reconstruct(type, shape, typecode): an array whose state follows."""
    return Array()


def scalar(dtype: Dtype, data: bytes = b"") -> Any:
    """For numpy's scalar(dtype, data): the number, or None."""
    array = _numbers(dtype, data, (1,), "C")
    return None if array is None else array[0]


def _numbers(dtype: object, data: object, shape: object, order: str) -> np.ndarray | None:
    """The array that `data` spells, None for dtypes that are not numbers. Raises UnpicklingError for a broken one."""
    if not isinstance(dtype, Dtype) or dtype.numpy is None:
        return None
    if not isinstance(data, bytes) or not isinstance(shape, tuple):
        raise pickle.UnpicklingError(f"a NumPy array of {type(data).__name__} and shape {shape!r}")
    try:
        return np.frombuffer(data, dtype.numpy).reshape(shape, order=order).copy()  # type: ignore[call-overload,no-any-return]
    except ValueError as error:
        raise pickle.UnpicklingError(f"a NumPy array that is damaged: {error}") from error


STANDINS: dict[str, Callable[..., Any]] = {
    **{f"numpy.{core}.multiarray._reconstruct": reconstruct for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": scalar for core in ("core", "_core")},
    "numpy.ndarray": Array,
    "numpy.dtype": Dtype,
    "argparse.Namespace": Inert,
    **{f"pathlib.{name}": Inert for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")},
    **{f"pathlib._local.{name}": Inert for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")},
    "torch.torch_version.TorchVersion": Inert,
}

_TENSORS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|(builtins|__builtin__)\.(bytearray|set|complex)"
    r"|torch\._utils\._rebuild_\w+|torch\._tensor\._rebuild_from_type_v2|torch\.serialization\._get_layout"
    r"|torch\.nn\.parameter\.Parameter|torch\.(storage\.|sparse\.|cuda\.)?\w*(Storage|Tensor)|torch\.(Size|device)"
    r"|torch\.(u?int\d+|float\d\w*|bfloat16|bool|half|double|complex\d+|q?u?int\w*)"
)


def harmless(name: str) -> bool:
    """True for the globals that a file of nothing but tensors and numbers names."""
    return name in STANDINS or _TENSORS.fullmatch(name) is not None
