"""Convolutions, as matrix products: one for each block of rows of the result, small enough for the cache."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converter.numpy_runtime.kernels.windows import _first, _last, _padded, _pads, _windows

_BLOCK = 1 << 21  # bytes of unfolded windows at a time
_TILE = 1 << 18  # bytes of a depthwise result at a time


def Conv(
    X: np.ndarray,
    W: np.ndarray,
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
    """X (N, C, space...), W (M, C / group, kernel...), B (M,): (N, M, space...) of one or more dimensions.

    A kernel of size one is a matrix product, one filter a channel is a sum of shifted copies, everything else unfolds
    its windows (im2col: Chellapilla, Puri and Simard, High Performance Convolutional Neural Networks, 2006).
    """
    kernel = W.shape[2:]
    strides = strides or (1,) * len(kernel)
    dilations = dilations or (1,) * len(kernel)
    padding = _pads(X.shape[2:], kernel, strides, dilations, pads, auto_pad)
    if group == 1 and max(kernel) == 1 and not any(map(any, padding)):
        strided = (slice(None), slice(None), *(slice(None, None, step) for step in strides))
        return _pointwise(X[strided], W.reshape(W.shape[:2]), B)
    x = _last(X)
    if group > 1 and group == X.shape[1] == W.shape[0] and len(kernel) == 2:
        return _first(_depthwise(x, W, B, strides, dilations, padding))
    windows = _windows(_padded(x, padding), kernel, strides, dilations)
    return _first(_dense(windows, W, B) if group == 1 else _grouped(windows, W, B, group))


def _pointwise(x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """Kernel of size one: a product for each place, in whichever layout x has."""
    batch, channels, space = x.shape[0], x.shape[1], x.shape[2:]
    if x.flags.c_contiguous and max(space) > 1:
        y = np.matmul(w, x.reshape(batch, channels, -1))
        if b is not None:
            y += b[:, None]
        return y.reshape((batch, w.shape[0], *space))
    y = np.matmul(_last(x).reshape(-1, channels), w.T)
    if b is not None:
        y += b
    return _first(y.reshape((batch, *space, w.shape[0])))


def _dense(windows: np.ndarray, W: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """windows (N, out..., kernel..., C), W (M, C, kernel...): (N, out..., M)."""
    out, filters = windows.shape[1 : W.ndim - 1], W.shape[0]
    w = _last(W).reshape(filters, -1).T  # a view when W is stored channels last
    width = int(np.prod(out[1:]))
    rows = max(_BLOCK // max(width * w.shape[0] * w.itemsize, 1), 1)
    y = np.empty((windows.shape[0], out[0], width, filters), windows.dtype)
    for source, target in zip(windows, y):
        for start in range(0, out[0], rows):
            part = target[start : start + rows].reshape(-1, filters)
            np.matmul(source[start : start + rows].reshape(-1, w.shape[0]), w, out=part)
            if b is not None:
                part += b
    return y.reshape((windows.shape[0], *out, filters))


def _grouped(windows: np.ndarray, W: np.ndarray, b: np.ndarray | None, group: int) -> np.ndarray:
    """Like _dense, with the channels in `group` groups: all their products in one call."""
    out, inside, filters = windows.shape[1 : W.ndim - 1], W.shape[1], W.shape[0] // group
    w = _last(W).reshape(group, filters, -1).transpose(0, 2, 1)
    width = int(np.prod(out[1:]))
    rows = max(_BLOCK // max(width * group * w.shape[1] * w.itemsize, 1), 1)
    channel = windows.strides[-1]
    windows = np.lib.stride_tricks.as_strided(
        windows,
        (*windows.shape[:-1], group, inside),
        (*windows.strides[:-1], inside * channel, channel),
        writeable=False,
    )
    y = np.empty((windows.shape[0], out[0], width, group, filters), windows.dtype)
    for source, target in zip(windows, y):
        for start in range(0, out[0], rows):
            block = np.moveaxis(source[start : start + rows], -2, 0)  # (group, rows, out..., kernel..., inside)
            product = np.matmul(block.reshape(group, -1, w.shape[1]), w)
            part = target[start : start + rows]
            part[...] = np.moveaxis(product, 0, 1).reshape(part.shape)
    if b is not None:
        y += b.reshape(group, filters)
    return y.reshape((windows.shape[0], *out, W.shape[0]))


def _depthwise(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray | None,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: Sequence[tuple[int, int]],
) -> np.ndarray:
    """One 2-D filter a channel: shifted copies of x times one weight a channel, summed a few rows at a time.

    x (N, H, W, C), W (C, 1, kernel...): (N, out..., C). A row is stored as (phase of the stride, column, channel): then
    every shifted row is one contiguous stretch, as long as `width` times the channels.
    """
    channels, kernel = W.shape[0], W.shape[2:]
    (sy, sx), (dy, dx) = strides, dilations
    height, width = (
        (n + sum(p) - (k - 1) * d - 1) // s + 1
        for n, p, k, d, s in zip(x.shape[1:3], padding, kernel, dilations, strides)
    )
    columns = -(-(x.shape[2] + sum(padding[1])) // sx)
    padded = _padded(x, [padding[0], (padding[1][0], columns * sx - x.shape[2] - padding[1][0])])
    if sx > 1:
        padded = padded.reshape((*padded.shape[:2], columns, sx, channels)).swapaxes(2, 3)
    padded = padded.reshape((*padded.shape[:2], sx * columns * channels))
    taps = [np.tile(W[:, 0, i, j], width) for i in range(kernel[0]) for j in range(kernel[1])]
    starts = [((j * dx % sx) * columns + j * dx // sx) * channels for j in range(kernel[1])]
    y = np.empty((x.shape[0], height, width * channels), x.dtype)
    shift = None if b is None else np.tile(b, width)
    rows = max(_TILE // max(y.shape[2] * y.itemsize, 1), 1)
    scratch = np.empty((min(rows, height), y.shape[2]), x.dtype)
    for source, target in zip(padded, y):
        for top in range(0, height, rows):
            total = target[top : top + rows]
            product = scratch[: len(total)]
            for number, tap in enumerate(taps):
                row = top * sy + number // kernel[1] * dy
                start = starts[number % kernel[1]]
                part = source[row : row + (len(total) - 1) * sy + 1 : sy, start : start + y.shape[2]]
                if number == 0:
                    np.multiply(part, tap, out=total)
                    continue
                np.multiply(part, tap, out=product)
                total += product
            if shift is not None:
                total += shift
    return y.reshape(x.shape[0], height, width, channels)


def ConvTranspose(
    X: np.ndarray,
    W: np.ndarray,
    B: np.ndarray | None = None,
    /,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """X (N, C, space...), W (C, M / group, kernel...), B (M,): one matrix product for each place of the kernel."""
    kernel, batch, space = W.shape[2:], X.shape[0], X.shape[2:]
    strides = strides or (1,) * len(kernel)
    dilations = dilations or (1,) * len(kernel)
    extra = output_padding or (0,) * len(kernel)
    full = [(n - 1) * s + (k - 1) * d + 1 + e for n, s, k, d, e in zip(space, strides, kernel, dilations, extra)]
    if output_shape is not None or auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        wanted = list(output_shape or (n * s for n, s in zip(space, strides)))[-len(kernel) :]
        spare = [max(f - w, 0) for f, w in zip(full, wanted)]
        small, large = [n // 2 for n in spare], [n - n // 2 for n in spare]
        begin = small if auto_pad == "SAME_UPPER" else large
        full = [max(f, b + w) for f, b, w in zip(full, begin, wanted)]
    else:
        padding = _pads(space, kernel, strides, dilations, pads, auto_pad)
        begin = [before for before, _ in padding]
        wanted = [f - before - after for f, (before, after) in zip(full, padding)]
    filters = W.shape[1]
    x = _last(X).reshape(-1, group, X.shape[1] // group).swapaxes(0, 1)
    w = W.reshape((group, -1, filters, *kernel))
    y = np.zeros((batch, *full, group, filters), X.dtype)
    for place in np.ndindex(*kernel):
        product = np.matmul(x, w[(slice(None), slice(None), slice(None), *place)])
        start = [i * d for i, d in zip(place, dilations)]
        area = tuple(slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(start, space, strides))
        y[(slice(None), *area)] += product.swapaxes(0, 1).reshape((batch, *space, group, filters))
    y = y[(slice(None), *(slice(b, b + n) for b, n in zip(begin, wanted)))]
    y = y.reshape((*y.shape[:-2], group * filters))
    return _first(y if B is None else y + B)


def Col2Im(
    input: np.ndarray,
    image_shape: np.ndarray,
    block_shape: np.ndarray,
    /,
    *,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """input (N, C * block, places): the blocks summed into an image (N, C, image_shape...)."""
    image, kernel = [int(n) for n in image_shape], [int(n) for n in block_shape]
    strides = strides or (1,) * len(kernel)
    dilations = dilations or (1,) * len(kernel)
    padding = _pads(image, kernel, strides, dilations, pads, "NOTSET")
    full = [n + before + after for n, (before, after) in zip(image, padding)]
    places = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(full, kernel, dilations, strides)]
    blocks = input.reshape((input.shape[0], -1, *kernel, *places))
    y = np.zeros((*blocks.shape[:2], *full), input.dtype)
    for place in np.ndindex(*kernel):
        area = tuple(slice(i * d, i * d + (n - 1) * s + 1, s) for i, d, n, s in zip(place, dilations, places, strides))
        y[(slice(None), slice(None), *area)] += blocks[(slice(None), slice(None), *place)]
    return y[(slice(None), slice(None), *(slice(b, b + n) for n, (b, _) in zip(image, padding)))]
