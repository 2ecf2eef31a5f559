"""Convolutions with one filter a channel: multiply and add, which is no matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.columns import Windows
from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts
from converter.numpy_runtime.kernels.windows import _first, _last

_DEPTH_TILE = 1 << 16  # elements of a result at a time
_DEPTH_LONG = 256  # channels that make NumPy's inner loop long enough without laying columns end to end


def depthwise(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """x (N, C, H, W), weight (kernel height, kernel width, C), plus (N, C, out...): (N, C, out...).

    einsum multiplies and adds in one pass, which no pair of ufuncs does. With stride 1 a row of the image is one long
    vector of columns and channels, and the weights are repeated for its columns.
    """
    source = _last(x)
    batch, channels = source.shape[0], source.shape[3]
    tall, wide = weight.shape[:2]
    windows = Windows(source, (tall, wide), pads, strides, dilations)
    height, width = windows.height, windows.width
    y = work.slot(slot, batch, height, width, channels)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    rowwise = strides[1] == 1 and channels < _DEPTH_LONG
    if rowwise:
        (taps,) = work.shared.arrays((tall, wide, width, channels))
        taps[...] = weight[:, :, None]
        taps = taps.reshape(tall, wide, -1)
    tile = max(_DEPTH_TILE // (width * channels), 1)
    pieces = [(image, *piece) for image in range(batch) for piece in parts(height, tile, work.ways)]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop = pieces[number]
        rows = stop - start
        area, spare = scratch.arrays(windows.area(rows), (room(channels),))
        seen = windows.seen(image, start, area)
        part = y[image, start:stop]
        if rowwise:
            long = seen.transpose(0, 2, 3, 1, 4).reshape(rows, tall, wide, -1)  # no copy: the columns lie side by side
            np.einsum("hijn,ijn->hn", long, taps, out=part.reshape(rows, -1))
        else:
            np.einsum("hwijc,ijc->hwc", seen, weight, out=part)
        rest = None if more is None else more[image, start:stop].reshape(-1, channels)
        finish(part.reshape(-1, channels), bias, rest, then, spare)

    work.each(slot, job, len(pieces))
    return _first(y)
