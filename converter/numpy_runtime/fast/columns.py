"""Convolutions that unfold their windows, a tile at a time (im2col: Chellapilla, Puri and Simard, High Performance
Convolutional Neural Networks for Document Processing, 2006)."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts, tiles
from converter.numpy_runtime.kernels.windows import _first, _last

_COLUMN_TILE = 1 << 18  # elements of unfolded windows at a time: a usual second-level cache
_STEM_TILE = 1 << 19  # of few channels: many short calls a tile
_COLUMN_ROWS = 192  # but at least so many windows: BLAS lays the weights out anew for each product


def lengths(
    size: Sequence[int], kernel: Sequence[int], pads: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, int]:
    """Height and width of the result."""
    height, width = (
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, k, s, d, before, after in zip(size, kernel, strides, dilations, pads[:2], pads[2:])
    )
    return height, width


def padded_rows(
    x: np.ndarray, start: int, stop: int, pads: Sequence[int], scratch: np.ndarray, padding: float = 0
) -> np.ndarray:
    """Rows start ... stop of an image (H, W, C) with its padding around it, copied into `scratch`."""
    height, width = x.shape[:2]
    top, left = pads[0], pads[1]
    low, high = min(max(start - top, 0), height), max(min(stop - top, height), 0)
    above = low - (start - top)
    below = above + max(high - low, 0)
    scratch[:above] = padding
    scratch[below:] = padding
    scratch[above:below, :left] = padding
    scratch[above:below, left + width :] = padding
    scratch[above:below, left : left + width] = x[low:high]
    return scratch


class Windows:
    """Where a kernel's windows lie in images (N, H, W, C)."""

    def __init__(
        self,
        source: np.ndarray,
        kernel: Sequence[int],
        pads: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
    ) -> None:
        self._source, self._kernel, self._pads, self._strides, self._dilations = (
            source,
            kernel,
            pads,
            strides,
            dilations,
        )
        self.height, self.width = lengths(source.shape[1:3], kernel, pads, strides, dilations)
        """Windows in a column and in a row."""
        self.across = pads[1] + source.shape[2] + pads[3]
        """Pixels in a row, with its padding."""

    def area(self, rows: int) -> tuple[int, int, int]:
        """The shape of what so many rows of windows see, for `seen`."""
        deep = (rows - 1) * self._strides[0] + (self._kernel[0] - 1) * self._dilations[0] + 1
        return deep, self.across, self._source.shape[3]

    def seen(self, image: int, start: int, area: np.ndarray) -> np.ndarray:
        """What the windows from row `start` on see, copied to `area` with its padding.

        A view of it: (rows, columns, kernel height, kernel width, C).
        """
        first = start * self._strides[0]
        padded_rows(self._source[image], first, first + len(area), self._pads, area)
        (tall, wide), (sy, sx), (dy, dx) = self._kernel, self._strides, self._dilations
        rows = (len(area) - (tall - 1) * dy - 1) // sy + 1
        down, right, along = area.strides
        return np.lib.stride_tricks.as_strided(
            area,
            (rows, self.width, tall, wide, area.shape[2]),
            (down * sy, right * sx, down * dy, right * dx, along),
        )


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
    """x (N, C, H, W), plus (N, M, out...): (N, M, out...). weight (groups, kernel height * width * C / groups, M / groups)."""
    source = _last(x)
    batch, channels = source.shape[0], source.shape[3]
    windows = Windows(source, kernel, pads, strides, dilations)
    height, width = windows.height, windows.width
    inside, filters = weight.shape[1:]
    groups, total = channels * kernel[0] * kernel[1] // inside, len(weight) * filters
    y = work.slot(slot, batch, height, width, total)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    tile = max(work.threads * _COLUMN_TILE // (width * inside * groups), -(-work.threads * _COLUMN_ROWS // width))
    block = None if groups > 1 else filters if len(weight) > 1 else 1
    cut = tiles(height, total, tile, work.ways, pixels=width, block=block)
    pieces = [(image, *piece) for image in range(batch) for piece in cut]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop, first, last = pieces[number]
        rows = stop - start
        chosen = weight[:, :, first:last] if block == 1 else weight[first // filters : last // filters]
        area, unfolded, spare = scratch.arrays(
            windows.area(rows), (groups, rows, width, *kernel, channels // groups), (room(last - first),)
        )
        seen = windows.seen(image, start, area)
        unfolded[...] = seen.reshape(*seen.shape[:4], groups, -1).transpose(4, 0, 1, 2, 3, 5)
        part = y[image, start:stop].reshape(-1, total)[:, first:last]
        by_group = part.reshape(rows * width, len(chosen), -1).transpose(1, 0, 2)
        np.matmul(unfolded.reshape(groups, rows * width, inside), chosen, out=by_group)
        rest = None if more is None else more[image, start:stop, :, first:last].reshape(part.shape)
        finish(part, None if bias is None else bias[first:last], rest, then, spare)

    work.each(slot, job, len(pieces))
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
    tile = max(_STEM_TILE // (width * inside), -(-work.threads * _COLUMN_ROWS // width))
    pieces = [(image, *piece) for image in range(batch) for piece in parts(height, tile, work.ways)]
    top, left = pads[0], pads[1]
    across = width + (wide - 1) * dx // sx

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        rows = stop - start
        deep = (rows - 1) * sy + (tall - 1) * dy + 1
        area, unfolded, spare = scratch.arrays(
            (channels, sx, deep, across), (channels, tall, wide, rows, width), (room(filters),)
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

    work.each(slot, job, len(pieces))
    return _first(y)
