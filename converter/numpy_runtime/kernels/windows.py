"""Sliding windows: where convolution and pooling agree. Arrays here are channels last: (batch, space..., channels)."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def _pads(
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str,
) -> list[tuple[int, int]]:
    """(before, after) for each spatial axis. SAME: ceil(size / stride) windows, the odd element after or before."""
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        found = []
        for n, k, s, d in zip(size, kernel, strides, dilations):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            small, large = total // 2, total - total // 2
            found.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
        return found
    if pads is None or auto_pad == "VALID":
        return [(0, 0)] * len(kernel)
    return list(zip(pads[: len(kernel)], pads[len(kernel) :]))


def _padded(x: np.ndarray, pads: Sequence[tuple[int, int]], value: float = 0) -> np.ndarray:
    """Channels-last `x` with `value` around it, contiguous; `x` itself when nothing is to be done."""
    if not any(before or after for before, after in pads):
        return np.ascontiguousarray(x)
    if any(before < 0 or after < 0 for before, after in pads):  # negative pads crop
        x = x[(slice(None), *(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape[1:], pads)))]
        pads = [(max(before, 0), max(after, 0)) for before, after in pads]
    shape = [x.shape[0], *(n + b + a for n, (b, a) in zip(x.shape[1:], pads)), x.shape[-1]]
    y = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    y[(slice(None), *(slice(b, b + n) for n, (b, _) in zip(x.shape[1:], pads)))] = x
    return y


def _windows(x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> np.ndarray:
    """A view (batch, out..., kernel..., channels) of channels-last `x`: nothing is copied."""
    space = x.shape[1:-1]
    out = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(space, kernel, strides, dilations)]
    steps = x.strides[1:-1]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *out, *kernel, x.shape[-1]),
        (
            x.strides[0],
            *(step * s for step, s in zip(steps, strides)),
            *(step * d for step, d in zip(steps, dilations)),
            x.strides[-1],
        ),
        writeable=False,
    )


def _last(x: np.ndarray) -> np.ndarray:
    """(batch, channels, space...) seen as (batch, space..., channels)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def _first(x: np.ndarray) -> np.ndarray:
    """(batch, space..., channels) seen as (batch, channels, space...)."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))
