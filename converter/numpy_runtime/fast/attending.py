"""Attention: Vaswani et al., Attention Is All You Need, arXiv 1706.03762."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converter.numpy_runtime.fast.workspace import Scratch, Workspace, parts

_SCORES = 1 << 16  # elements of scores at a time
_FAINT = np.float32(-80)  # exp of less is denormal, or nearly: products with such numbers take a hundred times as long
_LEAST = 1e-20  # of a row whose exponentials add up to this, those below 1e-18 of the largest are lost


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
    batch, heads, rows, width = q.shape
    many = k.shape[3]
    y = work.slot(slot, batch, rows, heads, v.shape[3]).transpose(0, 2, 1, 3)
    masks = [np.broadcast_to(array, (batch, heads, rows, many)) for array in (mask, other) if array is not None]
    several = max(_SCORES // (rows * many * heads), 1)  # items, or some heads of one item
    pieces = [(items, (0, heads)) for items in parts(batch, several, work.ways)]
    if len(pieces) < work.ways or rows * many * heads > _SCORES:
        some = max(_SCORES // (rows * many), 1)
        pieces = [((item, item + 1), few) for item in range(batch) for few in parts(heads, some, work.ways)]

    def job(number: int, scratch: Scratch) -> None:
        items, few = (slice(*bounds) for bounds in pieces[number])
        shape = (items.stop - items.start, few.stop - few.start, rows, many)
        by_row = q.strides[3] <= q.strides[2]  # scaled is stored as q is: else NumPy copies element by element
        scores, scaled = scratch.arrays(shape, (*shape[:2], rows, width) if by_row else (*shape[:2], width, rows))
        scaled = scaled if by_row else scaled.swapaxes(2, 3)
        np.multiply(q[items, few], np.float32(scale), out=scaled)

        def score() -> None:
            np.matmul(scaled, k[items, few], out=scores)
            for array in masks:
                np.add(scores, array[items, few], out=scores)

        score()
        total = exponentials(scores, score)
        part = y[items, few]
        np.matmul(scores, v[items, few], out=part)
        part /= total

    work.each(slot, job, len(pieces))
    return y


def exponentials(scores: np.ndarray, again: Callable[[], None]) -> np.ndarray:
    """scores = exp(scores - s), s such that no row overflows or vanishes. The sums of the rows, in a column.

    All rows less the maximum of all, because it takes a third of the time that each row less its own does. Where that
    leaves nothing of a row, `again` fills scores as they were, and each row is done for itself.
    """
    rows = scores.reshape(-1, scores.shape[-1])
    rows -= rows.max()
    _raise_faint(rows)
    np.exp(rows, out=rows)
    total: np.ndarray = np.matmul(rows, np.ones(rows.shape[1], np.float32))
    if not total.min() >= _LEAST:
        again()
        rows -= rows.max(axis=-1, keepdims=True)
        _raise_faint(rows)
        np.exp(rows, out=rows)
        total = rows.sum(axis=-1)
    return total.reshape(*scores.shape[:-1], 1)


def _raise_faint(scores: np.ndarray) -> None:
    """Let exponentials be so small at least that they are not denormal. A mask's -100 makes such, many a network's none."""
    if not scores.min() >= _FAINT:
        np.maximum(scores, _FAINT, out=scores)
