"""Gather, scatter, select."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np


def Where(condition: np.ndarray, X: np.ndarray, Y: np.ndarray, /) -> np.ndarray:
    return np.where(condition, X, Y)


def Gather(data: np.ndarray, indices: np.ndarray, /, *, axis: int = 0) -> np.ndarray:
    if np.ndim(indices) == 0:  # a view instead of a copy
        return np.asarray(np.moveaxis(data, axis, 0)[int(indices)])
    return np.take(data, indices, axis=axis)


def GatherElements(data: np.ndarray, indices: np.ndarray, /, *, axis: int = 0) -> np.ndarray:
    return data[_element_index(data, indices, axis)]


def _element_index(data: np.ndarray, indices: np.ndarray, axis: int) -> tuple[np.ndarray, ...]:
    """The index that picks data[i, ..., indices[i, ..., k], ..., k]; `indices` may be shorter than `data`."""
    index: list[np.ndarray] = list(np.indices(indices.shape, sparse=True))
    index[axis] = np.where(indices < 0, indices + data.shape[axis], indices)
    return tuple(index)


def GatherND(data: np.ndarray, indices: np.ndarray, /, *, batch_dims: int = 0) -> np.ndarray:
    batch = data.shape[:batch_dims]
    flat = data.reshape((-1, *data.shape[batch_dims:]))
    picks = indices.reshape((flat.shape[0], -1, indices.shape[-1]))
    index = (np.arange(flat.shape[0])[:, None], *tuple(np.moveaxis(picks, -1, 0)))
    shape = batch + indices.shape[batch_dims:-1] + data.shape[batch_dims + indices.shape[-1] :]
    return np.asarray(flat[index]).reshape(shape)


def ScatterElements(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, /, *, axis: int = 0, reduction: str = "none"
) -> np.ndarray:
    return _scatter(data, _element_index(data, indices, axis), updates, reduction)


def ScatterND(data: np.ndarray, indices: np.ndarray, updates: np.ndarray, /, *, reduction: str = "none") -> np.ndarray:
    return _scatter(data, tuple(np.moveaxis(indices, -1, 0)), updates, reduction)


def _scatter(data: np.ndarray, index: Any, updates: np.ndarray, reduction: str) -> np.ndarray:
    y = np.array(data)
    if reduction == "none":
        y[index] = updates
        return y
    reduce = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction]
    reduce.at(y, index, updates)  # unlike y[index] += updates, it counts an index that occurs twice
    return y


def OneHot(indices: np.ndarray, depth: np.ndarray, values: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    count = int(np.asarray(depth).ravel()[0])
    at = axis + np.ndim(indices) + 1 if axis < 0 else axis
    positions = np.arange(count).reshape((-1,) + (1,) * (np.ndim(indices) - at))
    hit = np.expand_dims(np.where(indices < 0, indices + count, indices), at) == positions
    return np.where(hit, values[1], values[0]).astype(values.dtype, copy=False)


def NonZero(X: np.ndarray, /) -> np.ndarray:
    return np.array(np.nonzero(np.atleast_1d(X)), np.int64)[: max(np.ndim(X), 1)]


def Compress(input: np.ndarray, condition: np.ndarray, /, *, axis: int | None = None) -> np.ndarray:
    return np.compress(condition, input, axis=axis)
