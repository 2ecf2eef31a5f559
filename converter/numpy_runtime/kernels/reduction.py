"""Reductions: sums, means, extremes, norms; running sums; the places of extremes."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _axes


def _reduced(data: np.ndarray, axes: Any, noop_with_empty_axes: int) -> tuple[int, ...] | None:
    """The axes to reduce, all of them when none are named; None when ONNX asks for the elements as they are."""
    if axes is None or np.size(axes) == 0:
        return None if noop_with_empty_axes else tuple(range(np.ndim(data)))
    return _axes(axes, np.ndim(data))


def ReduceSum(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    return np.asarray(np.sum(data, axis=over, keepdims=bool(keepdims), dtype=data.dtype))


def ReduceMean(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    total = np.sum(data, axis=over, keepdims=bool(keepdims), dtype=data.dtype)
    count = int(np.prod([data.shape[axis] for axis in over]))
    if data.dtype.kind in "iu":
        return np.trunc(total / count).astype(data.dtype)
    return np.asarray(total / data.dtype.type(count))


def ReduceMax(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    return np.asarray(np.max(data, axis=over, keepdims=bool(keepdims), initial=_lowest(data)))


def ReduceMin(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    return np.asarray(np.min(data, axis=over, keepdims=bool(keepdims), initial=_highest(data)))


def _lowest(data: np.ndarray) -> Any:
    """What the maximum of no elements is."""
    if data.dtype.kind == "f":
        return data.dtype.type(-np.inf)
    return data.dtype.type(0) if data.dtype.kind == "b" else data.dtype.type(np.iinfo(data.dtype).min)


def _highest(data: np.ndarray) -> Any:
    if data.dtype.kind == "f":
        return data.dtype.type(np.inf)
    return data.dtype.type(1) if data.dtype.kind == "b" else data.dtype.type(np.iinfo(data.dtype).max)


def ReduceProd(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    return np.asarray(np.prod(data, axis=over, keepdims=bool(keepdims), dtype=data.dtype))


def ReduceL1(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    return ReduceSum(np.abs(data), axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes)


def ReduceL2(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    total = ReduceSumSquare(data, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes)
    return np.sqrt(total).astype(data.dtype, copy=False)


def ReduceLogSum(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    total = ReduceSum(data, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes)
    with np.errstate(divide="ignore"):  # the logarithm of an empty sum is -infinity
        return np.log(total).astype(data.dtype, copy=False)


def ReduceLogSumExp(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    over = _reduced(data, axes, noop_with_empty_axes)
    if over is None:
        return data
    highest = np.max(data, axis=over, keepdims=True, initial=_lowest(data))
    shift = np.where(np.isfinite(highest), highest, data.dtype.type(0))  # exp must not overflow
    with np.errstate(divide="ignore"):
        result = np.log(np.sum(np.exp(data - shift), axis=over, keepdims=True, dtype=data.dtype)) + shift
    return np.asarray(result if keepdims else np.squeeze(result, axis=over)).astype(data.dtype, copy=False)


def ReduceSumSquare(
    data: np.ndarray, axes: np.ndarray | None = None, /, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    return ReduceSum(np.square(data), axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes)


def ArgMax(data: np.ndarray, /, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> np.ndarray:
    if select_last_index:
        found = data.shape[axis] - 1 - np.argmax(np.flip(data, axis), axis=axis)
    else:
        found = np.argmax(data, axis=axis)
    return np.asarray(np.expand_dims(found, axis) if keepdims else found).astype(np.int64, copy=False)


def ArgMin(data: np.ndarray, /, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> np.ndarray:
    if select_last_index:
        found = data.shape[axis] - 1 - np.argmin(np.flip(data, axis), axis=axis)
    else:
        found = np.argmin(data, axis=axis)
    return np.asarray(np.expand_dims(found, axis) if keepdims else found).astype(np.int64, copy=False)


def CumSum(x: np.ndarray, axis: np.ndarray, /, *, exclusive: int = 0, reverse: int = 0) -> np.ndarray:
    (along,) = _axes(axis, x.ndim)
    if reverse:
        x = np.flip(x, along)
    y = np.cumsum(x, axis=along, dtype=x.dtype)
    if exclusive:
        y = y - x
    return np.flip(y, along) if reverse else y


def CumProd(x: np.ndarray, axis: np.ndarray, /, *, exclusive: int = 0, reverse: int = 0) -> np.ndarray:
    (along,) = _axes(axis, x.ndim)
    if reverse:
        x = np.flip(x, along)
    if exclusive:  # the product of no elements comes first, that of all nowhere
        x = np.roll(x, 1, along)
        x[(slice(None),) * along + (slice(0, 1),)] = 1
    y = np.cumprod(x, axis=along, dtype=x.dtype)
    return np.flip(y, along) if reverse else y
