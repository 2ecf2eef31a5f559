"""Maxima of windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converter.numpy_runtime.fast.columns import lengths, padded_rows
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts
from converter.numpy_runtime.kernels.windows import _first, _last

_POOL_TILE = 1 << 15  # elements of a result at a time


def max_pool(
    work: Workspace,
    x: np.ndarray,
    *,
    kernel: Sequence[int],
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    slot: int | None = None,
) -> np.ndarray:
    """MaxPool: x (N, C, H, W): (N, C, out...). First over the rows of a window, then over its columns."""
    source = _last(x)
    batch, channels = source.shape[0], source.shape[3]
    (tall, wide), (sy, sx) = kernel, strides
    height, width = lengths(source.shape[1:3], kernel, pads, strides, (1, 1))
    across = pads[1] + source.shape[2] + pads[3]
    y = work.slot(slot, batch, height, width, channels)
    cut = parts(height, max(_POOL_TILE // max(width * channels, 1), 1), work.ways)
    pieces = [(image, *rows) for image in range(batch) for rows in cut]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        deep, last = (stop - start - 1) * sy + tall, (width - 1) * sx + 1
        area, tallest = scratch.arrays((deep, across, channels), (stop - start, across, channels))
        padded_rows(source[image], start * sy, start * sy + deep, pads, area, -np.inf)
        tallest[...] = area[: deep - tall + 1 : sy]
        for row in range(1, tall):
            np.maximum(tallest, area[row : row + deep - tall + 1 : sy], out=tallest)
        target = y[image, start:stop]
        target[...] = tallest[:, :last:sx]
        for column in range(1, wide):
            np.maximum(target, tallest[:, column : column + last : sx], out=target)

    work.each(slot, job, len(pieces))
    return _first(y)
