"""Squeeze and excitation: the mean of each channel, and channels multiplied by a number each; Hu et al., arXiv 1709.01507."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts, share
from converter.numpy_runtime.kernels.windows import _first, _last

_GATE_TILE = 1 << 17  # elements at a time


def mean_pool(work: Workspace, x: np.ndarray, *, keepdims: bool = True, slot: int | None = None) -> np.ndarray:
    """GlobalAveragePool: x (N, C, H, W): (N, C, 1, 1) or, without keepdims, (N, C)."""
    batch, channels, *size = x.shape
    y = work.slot(slot, batch, channels)
    average = np.full(size[0] * size[1], 1 / max(size[0] * size[1], 1), np.float32)
    by_channel = x.flags.c_contiguous
    planes = x.reshape(batch, channels, -1) if by_channel else _last(x).reshape(batch, -1, channels)

    def job(number: int, scratch: Scratch) -> None:
        first, last = share(channels, number, work.ways)
        if by_channel:  # BLAS adds faster than NumPy does
            np.matmul(planes[:, first:last], average, out=y[:, first:last])
        else:
            np.matmul(average, planes[:, :, first:last], out=y[:, first:last])

    work.each(slot, job, work.ways)
    return y.reshape(batch, channels, 1, 1) if keepdims else y


def gated(work: Workspace, x: np.ndarray, gate: np.ndarray, *, slot: int | None = None) -> np.ndarray:
    """x (N, C, H, W) * gate (N, C, 1, 1)"""
    source = _last(x)
    batch, height, width, channels = source.shape
    y = work.slot(slot, *source.shape)
    numbers = _last(gate)
    cut = parts(height, max(_GATE_TILE // max(width * channels, 1), 1), work.ways)
    pieces = [(image, *rows) for image in range(batch) for rows in cut]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        np.multiply(source[image, start:stop], numbers[image], out=y[image, start:stop])

    work.each(slot, job, len(pieces))
    return _first(y)
