"""What follows a layer, done on the part of its result that was just computed and is still in the processor's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_FINISHED = 1 << 16  # elements at a time: with their spare copy they fit the second-level cache


def finish(
    part: np.ndarray,
    bias: np.ndarray | None,
    plus: np.ndarray | None,
    then: Sequence[Any] | None,
    spare: np.ndarray,
) -> None:
    """part += bias; part += plus; then[0](part, spare, *then[1:]): all in place, as many rows at a time as `spare` holds.

    part (rows, M), bias (M,), plus (rows, M), spare: `room(M)` elements or more.
    """
    if bias is None and plus is None and then is None:
        return
    length = part.shape[1]
    rows = spare.size // length
    if bias is not None and part.flags.c_contiguous and rows >= 16 and len(part) >= rows:
        repeated = 8  # a longer row: NumPy's inner loop gets longer, too
        rows = rows // repeated * repeated
        bias = np.broadcast_to(bias, (repeated, length)).reshape(-1)
    for start in range(0, len(part), rows):
        block = part[start : start + rows]
        if bias is not None:
            if block.size % bias.size or bias.size == length:
                block += bias[:length]
            else:
                long = block.reshape(-1, bias.size)
                long += bias
        if plus is not None:
            block += plus[start : start + rows]
        if then is not None:
            then[0](block, spare[: block.size].reshape(block.shape), *then[1:])


def room(length: int) -> int:
    """How many elements of spare memory `finish` wants for rows of this length."""
    return max(_FINISHED, length)
