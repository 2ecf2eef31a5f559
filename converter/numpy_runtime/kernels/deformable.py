"""Convolution whose windows are bent, and pooling of regions."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np


def DeformConv(
    X: np.ndarray,
    W: np.ndarray,
    offset: np.ndarray,
    B: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    /,
    *,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    offset_group: int = 1,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """Dai et al., arXiv 1703.06211; with a mask: Zhu et al., arXiv 1811.11168. One or more dimensions.

    X (N, C, space...), W (M, C / group, kernel...), offset (N, offset_group * taps * rank, out...), mask
    (N, offset_group * taps, out...): (N, M, out...). Between elements it is linear, outside of X it is 0.
    """
    batch, channels, space = X.shape[0], X.shape[1], X.shape[2:]
    kernel, out, rank = W.shape[2:], offset.shape[2:], len(space)
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    begin = (pads or (0,) * rank)[:rank]
    taps = int(np.prod(kernel))
    shift = offset.reshape((batch, offset_group, taps, rank, *out))
    tap = np.stack(np.meshgrid(*(np.arange(k) * d for k, d in zip(kernel, dilations)), indexing="ij")).reshape(rank, -1)
    places = []
    for axis in range(rank):
        start = np.arange(out[axis]) * strides[axis] - begin[axis]
        regular = tap[axis].reshape((-1,) + (1,) * rank) + start.reshape((-1,) + (1,) * (rank - 1 - axis))
        places.append(shift[:, :, :, axis] + regular.astype(X.dtype))
    x = np.moveaxis(X.reshape((batch, offset_group, channels // offset_group, *space)), 2, -1)
    first = np.arange(batch).reshape((-1, 1) + (1,) * (rank + 1))
    second = np.arange(offset_group).reshape((1, -1) + (1,) * (rank + 1))
    windows = np.zeros((*places[0].shape, x.shape[-1]), X.dtype)
    for corner in itertools.product((0, 1), repeat=rank):
        weight = np.ones(places[0].shape, X.dtype) if mask is None else mask.reshape(places[0].shape)
        index = [first, second]
        for place, high, length in zip(places, corner, space):
            low = np.floor(place)
            at = low + high
            share = place - low if high else 1 - (place - low)
            weight = weight * share * ((at >= 0) & (at < length))
            index.append(np.clip(at, 0, length - 1).astype(np.int64))
        windows += x[tuple(index)] * weight[..., None]
    # (N, offset groups, taps, out..., C / offset groups) to (N, groups, C / groups * taps, places)
    columns = np.moveaxis(windows, -1, 2).reshape(batch, group, channels // group * taps, -1)
    y = np.matmul(W.reshape(group, W.shape[0] // group, -1), columns).reshape((batch, W.shape[0], *out))
    return y if B is None else y + B.reshape((-1,) + (1,) * rank)


def MaxRoiPool(
    X: np.ndarray, rois: np.ndarray, /, *, pooled_shape: Sequence[int], spatial_scale: float = 1.0
) -> np.ndarray:
    """Girshick, Fast R-CNN, arXiv 1504.08083, section 2.1. rois (count, 5): batch, x1, y1, x2, y2; an empty bin is 0."""
    y = np.zeros((rois.shape[0], X.shape[1], *pooled_shape), X.dtype)
    for number, roi in enumerate(rois):
        x1, y1, x2, y2 = (int(np.floor(edge * np.float32(spatial_scale) + np.float32(0.5))) for edge in roi[1:])
        rows = _bins(y1, y2, pooled_shape[0], X.shape[2])
        columns = _bins(x1, x2, pooled_shape[1], X.shape[3])
        image = X[int(roi[0])]
        for i, (top, bottom) in enumerate(rows):
            for j, (left, right) in enumerate(columns):
                if top < bottom and left < right:
                    y[number, :, i, j] = image[:, top:bottom, left:right].max(axis=(1, 2))
    return y


def _bins(first: int, last: int, count: int, length: int) -> list[tuple[int, int]]:
    """The bins of first ... last, which may overlap, cut to the image."""
    size = np.float32(max(last - first + 1, 1)) / np.float32(count)
    edges = [
        (int(np.floor(np.float32(n) * size)) + first, int(np.ceil(np.float32(n + 1) * size)) + first)
        for n in range(count)
    ]
    return [(min(max(low, 0), length), min(max(high, 0), length)) for low, high in edges]
