"""Types, copies and arrays made of nothing but a shape."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _dtype, _ints


def Cast(input: np.ndarray, /, *, round_mode: str = "up", saturate: int = 1, to: int) -> np.ndarray:
    """`round_mode` and `saturate` concern 8-bit floats only, which NumPy does not have."""
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is undefined in ONNX, not an error
        return np.asarray(input).astype(_dtype(to), copy=False)


def CastLike(input: np.ndarray, target_type: np.ndarray, /, *, round_mode: str = "up", saturate: int = 1) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(input).astype(target_type.dtype, copy=False)


def BitCast(input: np.ndarray, /, *, to: int) -> np.ndarray:
    """The same bits, read as another type of the same width."""
    return np.ascontiguousarray(input).reshape(np.shape(input)).view(_dtype(to))


def Identity(input: np.ndarray, /) -> np.ndarray:
    return input


def Dropout(
    data: np.ndarray,
    ratio: np.ndarray | None = None,
    training_mode: np.ndarray | None = None,
    /,
    *,
    seed: int | None = None,
    outputs: int = 1,
) -> Any:
    """The identity, and a mask that keeps everything. Raises ValueError in training mode: inference only."""
    if training_mode is not None and bool(training_mode) and (ratio is None or float(ratio) > 0):
        raise ValueError("Dropout in training mode draws random numbers; export the model in eval mode")
    return data if outputs == 1 else (data, np.ones(data.shape, np.bool_))


def ConstantOfShape(input: np.ndarray, /, *, value: np.ndarray | None = None) -> np.ndarray:
    shape = _ints(input)
    if value is None:
        return np.zeros(shape, np.float32)
    return np.full(shape, np.asarray(value).ravel()[0], np.asarray(value).dtype)


def EyeLike(input: np.ndarray, /, *, dtype: int | None = None, k: int = 0) -> np.ndarray:
    rows, columns = input.shape
    return np.eye(rows, columns, k, dtype=input.dtype if dtype is None else _dtype(dtype))


def Range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray, /, *, stash_type: int = 1) -> np.ndarray:
    """Computed in float64, whatever `stash_type` says."""
    first, last, step = np.asarray(start).item(), np.asarray(limit).item(), np.asarray(delta).item()
    count = max(int(np.ceil((last - first) / step)), 0)
    return (first + step * np.arange(count)).astype(start.dtype)


def Shape(data: np.ndarray, /, *, end: int | None = None, start: int = 0) -> np.ndarray:
    return np.array(np.shape(data)[slice(start, end)], np.int64)


def Size(data: np.ndarray, /) -> np.ndarray:
    return np.array(np.size(data), np.int64)


def HannWindow(size: np.ndarray, /, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    return _window(size, (0.5, 0.5), periodic, output_datatype)


def HammingWindow(size: np.ndarray, /, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    return _window(size, (25 / 46, 21 / 46), periodic, output_datatype)  # ONNX's exact coefficients, not 0.54 and 0.46


def BlackmanWindow(size: np.ndarray, /, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    return _window(size, (0.42, 0.5, 0.08), periodic, output_datatype)


def _window(size: np.ndarray, terms: tuple[float, ...], periodic: int, output_datatype: int) -> np.ndarray:
    """A sum of cosines, alternating in sign."""
    count = int(size)
    angle = 2 * np.pi * np.arange(count) / (count if periodic else count - 1)
    total = sum(((-1) ** n * term * np.cos(n * angle) for n, term in enumerate(terms)), np.zeros(count))
    return total.astype(_dtype(output_datatype))
