"""Attention: Vaswani et al., Attention Is All You Need, arXiv 1706.03762."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts

_SCORES = 1 << 16  # elements of scores at a time


def attention(
    work: Workspace,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None = None,
    other: np.ndarray | None = None,
    *,
    scale: float = 1.0,
    slot: int | None = None,
) -> np.ndarray:
    """softmax(q @ k * scale + mask + other) @ v: q (B, H, N, D), k (B, H, D, M), v (B, H, M, E): (B, H, N, E).

    Masks are of any shape that broadcasts to the scores'.

    The scores never exist as a whole. The result is stored (B, N, H, E), so that the heads lie side by side.
    """
    batch, heads, rows, _ = q.shape
    many = k.shape[3]
    y = work.slot(slot, batch, rows, heads, v.shape[3]).transpose(0, 2, 1, 3)
    masks = [np.broadcast_to(array, (batch, heads, rows, many)) for array in (mask, other) if array is not None]
    several = max(_SCORES // (rows * many * heads), 1)  # items, or some heads of one item
    pieces = [(items, (0, heads)) for items in parts(batch, several, work.threads)]
    if len(pieces) < work.threads or rows * many * heads > _SCORES:
        some = max(_SCORES // (rows * many), 1)
        pieces = [((item, item + 1), few) for item in range(batch) for few in parts(heads, some, work.threads)]

    def job(number: int, scratch: Scratch) -> None:
        items, few = (slice(*bounds) for bounds in pieces[number])
        shape = (items.stop - items.start, few.stop - few.start, rows, many)
        (scores,) = scratch.arrays(shape)
        np.matmul(q[items, few], k[items, few], out=scores)
        if scale != 1:
            scores *= np.float32(scale)
        for array in masks:
            scores += array[items, few]
        scores -= scores.max(axis=-1, keepdims=True)  # exp must not overflow
        np.exp(scores, out=scores)
        total = scores.sum(axis=-1, keepdims=True)
        part = y[items, few]
        np.matmul(scores, v[items, few], out=part)
        part /= total

    work.spread(job, len(pieces))
    return y
