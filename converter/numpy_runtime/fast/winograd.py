"""3x3 convolutions with fewer multiplications: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
arXiv 1509.09308, F(4x4, 3x3) with the points 0, 1, -1, 2, -2 and infinity.

Every tile of 4x4 results takes 36 products instead of 144. The transforms of a tile are one matrix product with a Kronecker
product each, so that BLAS does all of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.columns import padded_rows
from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, tiles
from converter.numpy_runtime.kernels.windows import _first, _last

_WINOGRAD_INPUT = np.array(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
     [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
    np.float32,
)  # fmt: skip
_WINOGRAD_OUTPUT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32
)
_WINOGRAD_WEIGHT = np.array(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
     [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
)  # fmt: skip
_WINOGRAD_INPUT_36 = np.kron(_WINOGRAD_INPUT, _WINOGRAD_INPUT)
_WINOGRAD_OUTPUT_36 = np.kron(_WINOGRAD_OUTPUT, _WINOGRAD_OUTPUT)
_WINOGRAD_WEIGHT_36 = np.kron(_WINOGRAD_WEIGHT, _WINOGRAD_WEIGHT).astype(np.float32)

_WINOGRAD_TILES = 56  # of 4x4 at a time: enough rows for BLAS
_WINOGRAD_BLOCK, _WINOGRAD_DEEP = (
    64,
    256,
)  # filters at a time, of so many channels: OpenBLAS leaves small weights where they are
_WINOGRAD_STORED = 1 << 19  # elements of transformed tiles at a time
_WINOGRAD_WORTH = 8  # rows of a product that a tile counts as, where rows or filters are divided


def winograd_weight(weight: np.ndarray) -> np.ndarray:
    """(9 * C, M), the rows in the order (row, column, channel) of the kernel: (36, blocks, C, M / blocks)."""
    channels, filters = weight.shape[0] // 9, weight.shape[1]
    blocks = filters // _WINOGRAD_BLOCK if channels <= _WINOGRAD_DEEP and filters % _WINOGRAD_BLOCK == 0 else 1
    turned = np.matmul(_WINOGRAD_WEIGHT_36, weight.reshape(9, -1)).reshape(36, channels, blocks, -1)
    return np.ascontiguousarray(turned.transpose(0, 2, 1, 3))


def winograd(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    pads: Sequence[int] = (0, 0, 0, 0),
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """x (N, C, H, W), weight as `winograd_weight` gives it, plus (N, M, out...): (N, M, out...)."""
    source = _last(x)
    batch, high, space, channels = source.shape
    height, width = high + pads[0] + pads[2] - 2, space + pads[1] + pads[3] - 2
    filters = weight.shape[1] * weight.shape[3]
    y = work.slot(slot, batch, height, width, filters)
    more = None if plus is None else np.broadcast_to(_last(plus), y.shape)
    tall, wide = -(-height // 4), -(-width // 4)

    def around(rows: int) -> tuple[int, int, int]:
        return 4 * rows + 2, 4 * wide + 2, channels

    def inward(image: int, start: int, stop: int, area: np.ndarray, tile: np.ndarray, turned: np.ndarray) -> None:
        """Rows start ... stop of tiles, transformed: turned (36, tiles * channels)."""
        padded_rows(source[image], 4 * start, 4 * stop + 2, pads, area)
        down, right, along = area.strides
        tile[...] = np.lib.stride_tricks.as_strided(area, tile.shape, (down, right, 4 * down, 4 * right, along))
        np.matmul(_WINOGRAD_INPUT_36, tile.reshape(36, -1), out=turned)

    def outward(part: np.ndarray, multiplied: np.ndarray, back: np.ndarray, spare: np.ndarray, rest: Any) -> None:
        """Results (rows, width, filters) of rows of tiles from multiplied (36, tiles * filters)."""
        np.matmul(_WINOGRAD_OUTPUT_36, multiplied, out=back)
        some = part.shape[2]
        if rest is None:
            finish(back.reshape(-1, some), None, None, then, spare)
        results = back.reshape(4, 4, -1, wide, some)
        for row, column in np.ndindex(4, 4):
            target = part[row::4, column::4]
            target[...] = results[row, column, : target.shape[0], : target.shape[1]]
        if rest is not None:
            finish(part.reshape(-1, some), None, rest.reshape(-1, some), then, spare)

    most = max(
        min(_WINOGRAD_STORED // (36 * wide * max(channels, filters)), -(-2 * _WINOGRAD_TILES // wide)),
        -(-_WINOGRAD_TILES // wide),
    )
    block = weight.shape[3] if len(weight[0]) > 1 else 1
    cut = tiles(tall, filters, most, work.ways, pixels=_WINOGRAD_WORTH * wide, block=block)
    pieces = [(image, *piece) for image in range(batch) for piece in cut]

    def job(number: int, scratch: Scratch) -> None:
        image, start, stop, first, last = pieces[number]
        rows, count, some = stop - start, (stop - start) * wide, last - first
        chosen = weight[:, :, :, first:last] if block == 1 else weight[:, first // block : last // block]
        area, store, turned, multiplied, spare = scratch.arrays(
            around(rows),
            (count * max(36 * channels, 16 * some),),
            (36, count, channels),
            (36, count, some),
            (room(some),),
        )
        tile = store[: 36 * count * channels].reshape(6, 6, rows, wide, channels)
        inward(image, start, stop, area, tile, turned.reshape(36, -1))
        by_block = multiplied.reshape(36, count, len(chosen[0]), -1).transpose(0, 2, 1, 3)
        np.matmul(turned[:, None], chosen, out=by_block)
        if bias is not None:
            multiplied[7] += bias[first:last]  # the point (1, 1): each of the 16 results has it once
        back = store[: 16 * count * some].reshape(16, -1)
        rest = None if more is None else more[image, 4 * start : 4 * stop, :, first:last]
        outward(y[image, 4 * start : 4 * stop, :, first:last], multiplied.reshape(36, -1), back, spare, rest)

    work.each(slot, job, len(pieces))
    return _first(y)
