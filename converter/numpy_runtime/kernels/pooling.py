"""Pooling. Maxima and sums are taken axis by axis: k + k steps for a k x k window, not k * k."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.reduction import _lowest
from converter.numpy_runtime.kernels.windows import _first, _last, _padded, _pads, _windows


def _layout(
    space: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int,
) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]:
    """The output's extents; the pads asked for; the pads needed, larger where ceil_mode lets a window hang over."""
    asked = _pads(space, kernel, strides, dilations, pads, auto_pad)
    out, needed = [], []
    for n, k, s, d, (before, after) in zip(space, kernel, strides, dilations, asked):
        reach = (k - 1) * d + 1
        room = n + before + after - reach
        count = room // s + 1
        if ceil_mode and -(-room // s) + 1 > count and count * s < n + before:  # a window must not start in the padding
            count += 1
        out.append(count)
        needed.append((before, max((count - 1) * s + reach - n - before, 0)))
    return out, asked, needed


def _slide(
    combine: Callable[..., np.ndarray],
    x: np.ndarray,
    out: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> np.ndarray:
    """Channels-last x, windows combined along one spatial axis after the other."""
    for axis, (n, k, s, d) in enumerate(zip(out, kernel, strides, dilations), start=1):
        parts = [x[(slice(None),) * axis + (slice(i * d, i * d + (n - 1) * s + 1, s),)] for i in range(k)]
        x = parts[0] if k == 1 else combine(parts[0], parts[1])
        for part in parts[2:]:
            combine(x, part, out=x)
    return x


def MaxPool(
    X: np.ndarray,
    /,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
    outputs: int = 1,
) -> Any:
    """X (N, C, space...). With `outputs=2` also where each maximum lies in the flattened X."""
    strides = strides or (1,) * len(kernel_shape)
    dilations = dilations or (1,) * len(kernel_shape)
    space = X.shape[2:]
    out, _, needed = _layout(space, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    x = _padded(_last(X), needed, _lowest(X))
    if outputs == 1:
        return _first(_slide(np.maximum, x, out, kernel_shape, strides, dilations))
    windows = _windows(x, kernel_shape, strides, dilations)[(slice(None), *(slice(n) for n in out))]
    flat = np.moveaxis(windows, -1, 1).reshape((X.shape[0], X.shape[1], *out, -1))
    best = np.argmax(flat, axis=-1)
    within = np.unravel_index(best, tuple(kernel_shape))
    index = np.arange(X.shape[0] * X.shape[1]).reshape(X.shape[:2] + (1,) * len(out)) * int(np.prod(space))
    step = 1
    axes = range(len(out)) if storage_order else range(len(out) - 1, -1, -1)  # which axis is the densest
    for axis in axes:
        start = np.arange(out[axis]) * strides[axis] - needed[axis][0]
        start = start.reshape([-1 if place == axis else 1 for place in range(len(out))])
        index = index + (start + within[axis] * dilations[axis]) * step
        step *= space[axis]
    return np.take_along_axis(flat, best[..., None], -1)[..., 0], index.astype(np.int64, copy=False)


def AveragePool(
    X: np.ndarray,
    /,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """X (N, C, space...). What hangs over because of `ceil_mode` never counts, the padding only when asked to."""
    strides = strides or (1,) * len(kernel_shape)
    dilations = dilations or (1,) * len(kernel_shape)
    out, asked, needed = _layout(X.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    y = _slide(np.add, _padded(_last(X), needed), out, kernel_shape, strides, dilations)
    counts = np.ones((1,) * X.ndim, X.dtype)
    for axis, (n, k, s, d) in enumerate(zip(out, kernel_shape, strides, dilations)):
        (before, after), length = asked[axis], X.shape[2 + axis]
        low, high = (-before, length + after) if count_include_pad else (0, length)
        places = np.arange(n)[:, None] * s - before + np.arange(k) * d
        inside = np.sum((places >= low) & (places < high), axis=1).astype(X.dtype)
        counts = counts * inside.reshape([-1 if place == axis + 1 else 1 for place in range(X.ndim)])
    return _first(y / counts)


def LpPool(
    X: np.ndarray,
    /,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    p: int = 2,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    strides = strides or (1,) * len(kernel_shape)
    dilations = dilations or (1,) * len(kernel_shape)
    out, _, needed = _layout(X.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    powers = np.power(np.abs(_padded(_last(X), needed)), X.dtype.type(p))
    return _first(np.power(_slide(np.add, powers, out, kernel_shape, strides, dilations), X.dtype.type(1 / p)))


def GlobalAveragePool(X: np.ndarray, /) -> np.ndarray:
    return np.mean(X, axis=tuple(range(2, X.ndim)), keepdims=True, dtype=X.dtype)


def GlobalMaxPool(X: np.ndarray, /) -> np.ndarray:
    return np.asarray(np.max(X, axis=tuple(range(2, X.ndim)), keepdims=True))


def GlobalLpPool(X: np.ndarray, /, *, p: int = 2) -> np.ndarray:
    powers = np.power(np.abs(X), X.dtype.type(p))
    total = np.sum(powers, axis=tuple(range(2, X.ndim)), keepdims=True, dtype=X.dtype)
    return np.asarray(np.power(total, X.dtype.type(1 / p)))


def MaxUnpool(
    X: np.ndarray,
    I: np.ndarray,  # noqa: E741 - ONNX's name
    output_shape: np.ndarray | None = None,
    /,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """The opposite of MaxPool: X at the places I, zeros elsewhere.

    I counts in the extents that MaxPool had without surplus; a larger `output_shape` only adds zeros.
    """
    strides = strides or (1,) * len(kernel_shape)
    padding = pads or (0,) * (2 * len(kernel_shape))
    rank = len(kernel_shape)
    natural = [
        (n - 1) * s - padding[axis] - padding[axis + rank] + k
        for axis, (n, s, k) in enumerate(zip(X.shape[2:], strides, kernel_shape))
    ]
    y = np.zeros(int(np.prod(X.shape[:2])) * int(np.prod(natural)), X.dtype)
    y[I.ravel()] = X.ravel()
    y = y.reshape((*X.shape[:2], *natural))
    if output_shape is None:
        return y
    larger = np.zeros([int(n) for n in output_shape], X.dtype)
    larger[tuple(slice(n) for n in y.shape)] = y
    return larger
