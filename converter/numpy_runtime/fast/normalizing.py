"""Normalisations, a few rows at a time."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts

_NORM_TILE = 1 << 15  # elements at a time


def layer_norm(
    work: Workspace,
    x: np.ndarray,
    scale: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    *,
    epsilon: float,
    slot: int | None = None,
) -> np.ndarray:
    """LayerNormalization over the last axis: x (..., K), scale (K,), bias (K,); Ba, Kiros and Hinton, arXiv 1607.06450."""
    y = work.slot(slot, *x.shape)
    width = x.shape[-1]
    source, target = x.reshape(-1, width), y.reshape(-1, width)
    average = np.full(width, 1 / width, np.float32)
    pieces = parts(len(target), max(_NORM_TILE // width, 1), work.ways)

    def job(number: int, scratch: Scratch) -> None:
        start, stop = pieces[number]
        part = target[start:stop]
        mean = np.matmul(source[start:stop], average)  # BLAS adds a row faster than NumPy does
        np.subtract(source[start:stop], mean[:, None], out=part)
        inverse = np.einsum("ij,ij->i", part, part)
        inverse /= np.float32(width)
        inverse += np.float32(epsilon)
        np.sqrt(inverse, out=inverse)
        np.reciprocal(inverse, out=inverse)
        part *= inverse[:, None]
        if scale is not None:
            part *= scale
        if bias is not None:
            part += bias

    work.each(slot, job, len(pieces))
    return y
