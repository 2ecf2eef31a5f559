"""Convolutions that unfold their windows, a tile at a time (im2col: Chellapilla, Puri and Simard, High Performance
Convolutional Neural Networks for Document Processing, 2006)."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.products import finished_product
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts
from converter.numpy_runtime.kernels.windows import _first, _last

_COLUMN_TILE = 1 << 17  # elements of unfolded windows at a time: half of a usual second-level cache
_COLUMN_ROWS = 192  # but at least so many windows: BLAS lays the weights out anew for each product
_FEW_WINDOWS = 256  # fewer in an image: each thread lays out a part of the weights


def lengths(
    size: Sequence[int], kernel: Sequence[int], pads: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, int]:
    """Height and width of the result."""
    height, width = (
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, k, s, d, before, after in zip(size, kernel, strides, dilations, pads[:2], pads[2:])
    )
    return height, width


def padded_rows(x: np.ndarray, start: int, stop: int, pads: Sequence[int], scratch: np.ndarray) -> np.ndarray:
    """Rows start ... stop of an image (H, W, C) with its zeros around it, copied into `scratch`."""
    height, width = x.shape[:2]
    top, left = pads[0], pads[1]
    low, high = min(max(start - top, 0), height), max(min(stop - top, height), 0)
    above = low - (start - top)
    below = above + max(high - low, 0)
    scratch[:above] = 0
    scratch[below:] = 0
    scratch[above:below, :left] = 0
    scratch[above:below, left + width :] = 0
    scratch[above:below, left : left + width] = x[low:high]
    return scratch


def columns(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    kernel: Sequence[int],
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """x (N, C, H, W), weight (kernel height * kernel width * C, M), plus (N, M, out...): (N, M, out...)."""
    source = _last(x)
    batch, _, space, channels = source.shape
    (tall, wide), (sy, sx), (dy, dx) = kernel, strides, dilations
    height, width = lengths(source.shape[1:3], kernel, pads, strides, dilations)
    filters, inside = weight.shape[1], tall * wide * channels
    y = work.slot(slot, batch, height, width, filters)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    across = pads[1] + space + pads[3]

    def unfold(image: int, start: int, area: np.ndarray, unfolded: np.ndarray) -> None:
        padded_rows(source[image], start * sy, start * sy + len(area), pads, area)
        down, right, along = area.strides
        unfolded[...] = np.lib.stride_tricks.as_strided(
            area, unfolded.shape, (down * sy, right * sx, down * dy, right * dx, along)
        )

    def deep(rows: int) -> int:
        return (rows - 1) * sy + (tall - 1) * dy + 1

    def rest(image: int, start: int, stop: int) -> np.ndarray | None:
        return None if more is None else more[image, start:stop].reshape(-1, filters)

    if work.threads > 1 and height * width < _FEW_WINDOWS:  # the threads unfold rows, then they share the product out
        (whole,) = work.shared.arrays((height, width, tall, wide, channels))
        shares = parts(height, height, work.threads)
        for image in range(batch):

            def share(number: int, scratch: Scratch, image: int = image) -> None:
                start, stop = shares[number]
                (area,) = scratch.arrays((deep(stop - start), across, channels))
                unfold(image, start, area, whole[start:stop])

            work.spread(share, len(shares))
            flat = y[image].reshape(-1, filters)
            finished_product(flat, work, whole.reshape(-1, inside), weight, bias, rest(image, 0, height), then)
        return _first(y)
    tile = max(_COLUMN_TILE // (width * inside), -(-_COLUMN_ROWS // width), 1)
    pieces = [(image, *piece) for image in range(batch) for piece in parts(height, tile, work.threads)]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        rows = stop - start
        area, unfolded, spare = scratch.arrays(
            (deep(rows), across, channels), (rows, width, tall, wide, channels), (room(filters, work.threads),)
        )
        unfold(image, start, area, unfolded)
        part = y[image, start:stop].reshape(-1, filters)
        np.matmul(unfolded.reshape(-1, inside), weight, out=part)
        finish(part, bias, rest(image, start, stop), then, spare)

    work.spread(job, len(pieces))
    return _first(y)


def stem(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    kernel: Sequence[int],
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """The same for an image of few channels, one plane after the other: its rows are copied, not its pixels.

    weight (C * kernel height * kernel width, M). The columns of a stride's phases are gathered first: then what a
    place of the kernel sees of a row is one stretch of memory.
    """
    batch, channels, high, space = x.shape
    (tall, wide), (sy, sx), (dy, dx) = kernel, strides, dilations
    height, width = lengths((high, space), kernel, pads, strides, dilations)
    filters, inside = weight.shape[1], tall * wide * channels
    y = work.slot(slot, batch, height, width, filters)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    tile = max(_COLUMN_TILE // (width * inside), -(-_COLUMN_ROWS // width), 1)
    pieces = [(image, *piece) for image in range(batch) for piece in parts(height, tile, work.threads)]
    top, left = pads[0], pads[1]
    across = width + (wide - 1) * dx // sx

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        rows = stop - start
        deep = (rows - 1) * sy + (tall - 1) * dy + 1
        area, unfolded, spare = scratch.arrays(
            (channels, sx, deep, across), (channels, tall, wide, rows, width), (room(filters, work.threads),)
        )
        area[...] = 0
        first = start * sy - top
        low, end = min(max(first, 0), high), max(min(first + deep, high), 0)
        for phase in range(sx):
            skipped = -(-max(left - phase, 0) // sx)  # columns of zeros on the left
            begin = skipped * sx + phase - left
            seen = x[image, :, low : max(end, low), begin::sx][..., : across - skipped]
            area[:, phase, low - first : max(end, low) - first, skipped : skipped + seen.shape[-1]] = seen
        plane, _, down, along = area.strides
        for place in range(wide):
            shift, phase = divmod(place * dx, sx)
            unfolded[:, :, place] = np.lib.stride_tricks.as_strided(
                area[:, phase, :, shift:], (channels, tall, rows, width), (plane, down * dy, down * sy, along)
            )
        part = y[image, start:stop].reshape(-1, filters)
        np.matmul(unfolded.reshape(inside, -1).T, weight, out=part)
        finish(part, bias, None if more is None else more[image, start:stop].reshape(-1, filters), then, spare)

    work.spread(job, len(pieces))
    return _first(y)


def grouped(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    kernel: Sequence[int],
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """`columns` for channels in groups: weight (groups, kernel height * kernel width * C / groups, M / groups)."""
    source = _last(x)
    batch, _, space, channels = source.shape
    (tall, wide), (sy, sx), (dy, dx) = kernel, strides, dilations
    height, width = lengths(source.shape[1:3], kernel, pads, strides, dilations)
    groups, inside, filters = weight.shape[0], channels // weight.shape[0], weight.shape[2]
    y = work.slot(slot, batch, height, width, groups * filters)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    tile = max(4 * _COLUMN_TILE // (width * tall * wide * channels), 1)
    pieces = [(image, *piece) for image in range(batch) for piece in parts(height, tile, work.threads)]
    across = pads[1] + space + pads[3]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        rows = stop - start
        deep = (rows - 1) * sy + (tall - 1) * dy + 1
        area, unfolded, spare = scratch.arrays(
            (deep, across, channels), (groups, rows, width, tall, wide, inside), (room(groups * filters, work.threads),)
        )
        padded_rows(source[image], start * sy, start * sy + deep, pads, area)
        down, right, along = area.strides
        unfolded[...] = np.lib.stride_tricks.as_strided(
            area, unfolded.shape, (inside * along, down * sy, right * sx, down * dy, right * dx, along)
        )
        part = y[image, start:stop].reshape(-1, groups * filters)
        by_group = part.reshape(-1, groups, filters).transpose(1, 0, 2)
        np.matmul(unfolded.reshape(groups, rows * width, -1), weight, out=by_group)
        finish(part, bias, None if more is None else more[image, start:stop].reshape(part.shape), then, spare)

    work.spread(job, len(pieces))
    return _first(y)
