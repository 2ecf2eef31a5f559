"""Integers that stand for real numbers: value = (integer - zero point) * scale."""


# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _along, _axes, _dtype
from converter.numpy_runtime.kernels.convolution import Conv


def _spread(values: np.ndarray, shape: tuple[int, ...], axis: int, block_size: int) -> np.ndarray:
    """Scales or zero points, one in all, one a slice or one a block of `axis`, so that they broadcast over `shape`."""
    if values.size == 1 and values.ndim <= 1:
        return values.reshape(())
    (along,) = _axes([axis], len(shape))
    if values.ndim == 1 and len(shape) > 1:
        return _along(values, along, len(shape))
    if values.shape == shape:
        return values
    block = block_size or -(-shape[along] // values.shape[along])
    repeated = np.repeat(values, block, axis=along)
    return repeated[(slice(None),) * along + (slice(shape[along]),)]


def _saturated(y: np.ndarray, dtype: Any) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.clip(y, limits.min, limits.max).astype(dtype)


def QuantizeLinear(
    x: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray | None = None,
    /,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> np.ndarray:
    """Rounded to the nearest, halves to even. `saturate` concerns 8-bit floats only, which NumPy does not have."""
    kind = _dtype(precision) if precision else y_scale.dtype
    dtype = y_zero_point.dtype if y_zero_point is not None else _dtype(output_dtype or 2)
    scale = _spread(y_scale, x.shape, axis, block_size).astype(kind)
    y = np.rint(x.astype(kind, copy=False) / scale)
    if y.dtype == np.float16:
        y = y.astype(np.float32)  # which has room for a zero point of 65,535
    if y_zero_point is not None:
        y = y + _spread(y_zero_point, x.shape, axis, block_size).astype(y.dtype)
    return _saturated(y, dtype)


def DequantizeLinear(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    /,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> np.ndarray:
    kind = _dtype(output_dtype) if output_dtype else x_scale.dtype
    if x_zero_point is not None:
        x = x.astype(np.int64) - _spread(x_zero_point, x.shape, axis, block_size)
    return x.astype(kind) * _spread(x_scale, x.shape, axis, block_size).astype(kind)


def DynamicQuantizeLinear(x: np.ndarray, /, *, outputs: int = 1) -> Any:
    """As uint8; with `outputs=3` also the scale and the zero point, which make 0 exact."""
    low, high = min(float(x.min(initial=0)), 0.0), max(float(x.max(initial=0)), 0.0)
    scale = np.float32((np.float32(high) - np.float32(low)) / np.float32(255)) if high > low else np.float32(1)
    zero = np.uint8(np.clip(np.rint(-np.float32(low) / scale), 0, 255))
    y = _saturated(np.rint(x / scale) + np.float32(zero), np.uint8)
    return y if outputs == 1 else (y, np.asarray(scale), np.asarray(zero))[:outputs]


def _exact(terms: int) -> Any:
    """A float type that adds `terms` products of two 8-bit differences without rounding: BLAS knows no integers."""
    return np.float32 if terms * 255 * 255 < 1 << 24 else np.float64


def _less(x: np.ndarray, zero: np.ndarray | None, axis: int, kind: Any) -> np.ndarray:
    """x - zero, with one zero point in all or one for each slice of `axis`."""
    if zero is None:
        return x.astype(kind)
    if zero.ndim == 1:
        zero = zero.reshape(()) if zero.size == 1 else _along(zero, axis % x.ndim, x.ndim)
    return x.astype(kind) - zero.astype(kind)


def MatMulInteger(
    A: np.ndarray,
    B: np.ndarray,
    a_zero_point: np.ndarray | None = None,
    b_zero_point: np.ndarray | None = None,
    /,
) -> np.ndarray:
    """One zero point in all, one for each row of A, one for each column of B."""
    kind = _exact(A.shape[-1])
    a = _less(A, a_zero_point, -2 if A.ndim > 1 else -1, kind)
    return np.asarray(np.matmul(a, _less(B, b_zero_point, -1, kind))).astype(np.int32)


def QLinearMatMul(
    a: np.ndarray,
    a_scale: np.ndarray,
    a_zero_point: np.ndarray,
    b: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    /,
) -> np.ndarray:
    """Scales and zero points: one in all, one for each row of `a` and `y`, one for each column of `b`."""
    kind = _exact(a.shape[-1])
    rows = -2 if a.ndim > 1 else -1
    total = np.asarray(np.matmul(_less(a, a_zero_point, rows, kind), _less(b, b_zero_point, -1, kind)))
    into, out, zero = (_by_row(value, total.ndim) for value in (a_scale, y_scale, y_zero_point))
    factor = into * b_scale.astype(np.float32) / out
    return _saturated(np.rint(total.astype(np.float32) * factor) + zero, y_zero_point.dtype)


def _by_row(values: np.ndarray, ndim: int) -> np.ndarray:
    """One value in all or one a row, to broadcast over a product of rank `ndim`."""
    values = values.astype(np.float32)
    return values[:, None] if values.ndim == 1 and values.size > 1 and ndim > 1 else values


def ConvInteger(
    x: np.ndarray,
    w: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    w_zero_point: np.ndarray | None = None,
    /,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """int32. What is padded counts as 0, whatever the zero point. One zero point of w in all or one a filter."""
    kind = _exact(int(np.prod(w.shape[1:])))
    y = Conv(
        _less(x, x_zero_point, 1, kind),
        _less(w, w_zero_point, 0, kind),
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        pads=pads,
        strides=strides,
    )
    return y.astype(np.int32)


def QLinearConv(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray,
    w_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    B: np.ndarray | None = None,
    /,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """The scale and the zero point of w: one in all or one a filter. B (int32) counts in x_scale * w_scale."""
    total = ConvInteger(
        x,
        w,
        x_zero_point,
        w_zero_point,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        pads=pads,
        strides=strides,
    )
    if B is not None:
        total = total + _along(B, 1, x.ndim)
    scale = x_scale.astype(np.float32).reshape(()) * w_scale.astype(np.float32) / y_scale.astype(np.float32).reshape(())
    scale = _along(scale, 1, x.ndim) if scale.size > 1 else scale.reshape(())
    y = np.rint(total.astype(np.float32) * scale) + y_zero_point.astype(np.float32).reshape(())
    return _saturated(y, y_zero_point.dtype)
