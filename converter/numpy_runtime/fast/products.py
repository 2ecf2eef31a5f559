"""Matrix products with what follows them: linear layers, and convolutions with a kernel of size one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts, tiles
from converter.numpy_runtime.kernels.windows import _first, _last

_PRODUCT_TILE = 1 << 19  # elements of a result that is finished while it is in the cache
_PRODUCT_ROWS = 384  # at least so many rows a product: BLAS lays the weights out anew for each


def finished_product(
    y: np.ndarray,
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    plus: np.ndarray | None,
    then: Sequence[Any] | None,
    slot: int | None,
) -> None:
    """y = then(x @ weight + bias + plus), all of them matrices but the bias; y lies in the slot.

    weight (K, M), or (blocks, K, M / blocks), which takes less time to read where there are few rows.
    """
    rows, width = y.shape
    block = weight.shape[2] if weight.ndim == 3 else 1
    plain = bias is None and plus is None and then is None
    most = rows if plain else max(_PRODUCT_TILE // width, _PRODUCT_ROWS * work.threads)
    pieces = tiles(rows, width, most, work.ways, block=block)

    def job(number: int, scratch: Scratch) -> None:
        start, stop, first, last = pieces[number]
        beside = then is not None and last - first < width  # in one stretch of memory activations take less time
        spare, apart = scratch.arrays((room(last - first),), ((stop - start) * beside, last - first))
        target = y[start:stop, first:last]
        part = apart if beside else target
        if weight.ndim == 3:
            by_block = part.reshape(stop - start, -1, block).transpose(1, 0, 2)
            np.matmul(x[start:stop], weight[first // block : last // block], out=by_block)
        else:
            np.matmul(x[start:stop], weight[:, first:last], out=part)
        more = None if plus is None else plus[start:stop, first:last]
        finish(part, None if bias is None else bias[first:last], more, then, spare)
        if beside:
            target[...] = part

    work.each(slot, job, len(pieces))


def linear(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """x (..., K), weight (K, M) or (blocks, K, M / blocks), plus (..., M): then(x @ weight + bias + plus)."""
    length = weight.size // x.shape[-1]
    y = work.slot(slot, *x.shape[:-1], length)
    finished_product(
        y.reshape(-1, length),
        work,
        x.reshape(-1, x.shape[-1]),
        weight,
        bias,
        None if plus is None else np.broadcast_to(plus, y.shape).reshape(-1, length),
        then,
        slot,
    )
    return y


def linear_turned(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """The same with weight (M, K), for few rows and many features: each feature's results are one stretch of memory."""
    length, rows = len(weight), x.reshape(-1, x.shape[-1])
    y = work.slot(slot, length, len(rows))
    more = None if plus is None else np.broadcast_to(plus, (*x.shape[:-1], length)).reshape(-1, length).T
    pieces = parts(length, max(_PRODUCT_TILE // max(len(rows), 1), 1), work.ways)

    def job(number: int, scratch: Scratch) -> None:
        start, stop = pieces[number]
        (spare,) = scratch.arrays((room(len(rows)),))
        part = y[start:stop]
        np.matmul(weight[start:stop], rows.T, out=part)
        if bias is not None:
            part += bias[start:stop, None]
        finish(part, None, None if more is None else more[start:stop], then, spare)

    work.each(slot, job, len(pieces))
    return np.moveaxis(y.reshape(length, *x.shape[:-1]), 0, -1)


def pointwise(
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    *,
    strides: Sequence[int] | None = None,
    then: Sequence[Any] | None = None,
    slot: int | None = None,
) -> np.ndarray:
    """A convolution with a kernel of size one: x (N, C, space...), weight (C, M) or blocks, plus (N, M, space...)."""
    x = _last(x if strides is None else x[(slice(None), slice(None), *(slice(None, None, step) for step in strides))])
    return _first(linear(work, x, weight, bias, None if plus is None else _last(plus), then=then, slot=slot))
