"""Resizing images: every mode but nearest is one matrix for the rows and one for the columns."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts
from converter.numpy_runtime.kernels.windows import _first, _last

_RESIZE_TILE = 1 << 15  # elements of a result at a time
_RESIZE_COLUMNS = 64  # of a result at a time: of its matrix, they use a few neighbouring columns


def resize(
    work: Workspace, x: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, slot: int | None = None
) -> np.ndarray:
    """x (N, C, H, W): (N, C, out...). rows (out, H) and columns (out, W): float32 weights, or the rows and columns to take."""
    source = _last(x)
    batch, _, _, channels = source.shape
    height, width = len(rows), len(columns)
    y = work.slot(slot, batch, height, width, channels)
    cut = parts(height, max(_RESIZE_TILE // max(width * channels, 1), 1), work.ways)
    pieces = [(image, *some) for image in range(batch) for some in cut]
    weighted = rows.ndim == 2
    blocks = (
        [(first, last, *_reach(columns[first:last])) for first, last in parts(width, _RESIZE_COLUMNS)]
        if weighted
        else []
    )

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        if not weighted:
            y[image, start:stop] = source[image, rows[start:stop]][:, columns]
            return
        (between,) = scratch.arrays((stop - start, source.shape[2], channels))
        low, high = _reach(rows[start:stop])
        seen = source[image, low:high].reshape(high - low, -1)
        np.matmul(rows[start:stop, low:high], seen, out=between.reshape(stop - start, -1))
        for first, last, left, right in blocks:
            np.matmul(columns[first:last, left:right], between[:, left:right], out=y[image, start:stop, first:last])

    work.each(slot, job, len(pieces))
    return _first(y)


def _reach(matrix: np.ndarray) -> tuple[int, int]:
    """From the first to behind the last column that has a weight."""
    used = np.flatnonzero(matrix.any(axis=0))
    return (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
