"""Matrix products with what follows them: linear layers, and convolutions with a kernel of size one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.fast.finishing import finish, room
from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts
from converter.numpy_runtime.kernels.windows import _first, _last

_PRODUCT_TILE = 1 << 17  # elements of a result that is finished while it is in the cache
_PRODUCT_ROWS = 384  # at least so many rows a product: BLAS lays the weights out anew for each


def finished_product(
    y: np.ndarray,
    work: Workspace,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    plus: np.ndarray | None,
    then: Sequence[Any] | None,
) -> None:
    """y = then(x @ weight + bias + plus), all of them matrices but the bias."""
    rows, width = y.shape
    plain = bias is None and plus is None and then is None
    pieces = parts(rows, rows if plain else max(_PRODUCT_TILE // width, _PRODUCT_ROWS * work.threads))

    def job(number: int, scratch: Scratch) -> None:
        start, stop = pieces[number]
        (spare,) = scratch.arrays((room(width),))
        np.matmul(x[start:stop], weight, out=y[start:stop])
        finish(y[start:stop], bias, None if plus is None else plus[start:stop], then, spare)

    work.each(job, len(pieces))


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
    """x (..., K), weight (K, M), plus (..., M): then(x @ weight + bias + plus)."""
    y = work.slot(slot, *x.shape[:-1], weight.shape[1])
    length = weight.shape[1]
    finished_product(
        y.reshape(-1, length),
        work,
        x.reshape(-1, x.shape[-1]),
        weight,
        bias,
        None if plus is None else np.broadcast_to(plus, y.shape).reshape(-1, length),
        then,
    )
    return y


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
    """A convolution with a kernel of size one: x (N, C, space...), weight (C, M), plus (N, M, space...)."""
    x = _last(x if strides is None else x[(slice(None), slice(None), *(slice(None, None, step) for step in strides))])
    return _first(linear(work, x, weight, bias, None if plus is None else _last(plus), then=then, slot=slot))
