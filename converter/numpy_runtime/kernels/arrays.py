"""Small helpers that several kernels share."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_DTYPES: dict[int, Any] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64, 14: np.complex64, 15: np.complex128,
}  # fmt: skip


def _dtype(number: int) -> np.dtype[Any]:
    """The NumPy dtype of an ONNX element type, onnx.TensorProto.DataType by number."""
    if number not in _DTYPES:
        raise ValueError(f"NumPy has no type for ONNX's element type number {number}")
    return np.dtype(_DTYPES[number])


def _ints(values: Any) -> list[int]:
    """A shape, a list of axes, ... as Python integers, whether it comes as a list or as an array."""
    return [int(value) for value in np.asarray(values).ravel()]


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """`axes` counted from the front. Raises ValueError for one that the array does not have, or has named twice."""
    found = tuple(axis + ndim if axis < 0 else axis for axis in _ints(axes))
    if any(not 0 <= axis < ndim for axis in found) or len(set(found)) != len(found):
        raise ValueError(f"axes {_ints(axes)} do not fit an array of rank {ndim}")
    return found


def _along(values: Any, axis: int, ndim: int) -> np.ndarray:
    """A one-dimensional array that broadcasts along `axis` of an array of rank `ndim`."""
    return np.asarray(values).reshape([-1 if position == axis else 1 for position in range(ndim)])


def _per_channel(values: np.ndarray, ndim: int) -> np.ndarray:
    """One value a channel, shaped to broadcast over (batch, channel, ...)."""
    return values.reshape((-1,) + (1,) * (ndim - 2))


def _blockwise(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, size: int = 1 << 14) -> np.ndarray:
    """`function` of the array, computed a block at a time: its intermediate results stay in the processor's cache."""
    x = np.asarray(x)
    if x.size <= size:
        return function(x)
    y = np.empty_like(x)  # has the strides of x, so that both flatten in the same order
    flat, result = x.ravel(order="K"), y.ravel(order="K")
    if not (np.may_share_memory(x, flat) and np.may_share_memory(y, result)):  # copies: x has gaps
        return function(x)
    for start in range(0, flat.size, size):
        result[start : start + size] = function(flat[start : start + size])
    return y


def _polynomial(coefficients: Sequence[float], x: np.ndarray) -> np.ndarray:
    """Horner's rule, the highest power first, in the precision of x."""
    kind = x.dtype.type
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= x
        result += kind(coefficient)
    return result
