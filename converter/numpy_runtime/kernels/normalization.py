"""Normalisations."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _per_channel


def _standardised(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x - mean) / sqrt(variance + epsilon), the mean and 1 / sqrt(variance + epsilon), in at least float32."""
    if x.dtype == np.float16:
        x = x.astype(np.float32)
    mean = np.mean(x, axis=axes, keepdims=True, dtype=x.dtype)
    y = np.asarray(x - mean)
    variance = np.mean(np.square(y), axis=axes, keepdims=True, dtype=x.dtype)
    inverse = x.dtype.type(1) / np.sqrt(variance + x.dtype.type(epsilon))
    y *= inverse
    return y, mean, inverse


def BatchNormalization(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    input_mean: np.ndarray,
    input_var: np.ndarray,
    /,
    *,
    epsilon: float = 9.999999747378752e-06,
    momentum: float = 0.8999999761581421,
    training_mode: int = 0,
    outputs: int = 1,
) -> Any:
    """Ioffe and Szegedy, arXiv 1502.03167. With `outputs=3` also the new running mean and variance."""
    mean, variance = input_mean, input_var
    if training_mode:
        axes = (0, *range(2, X.ndim))
        mean = np.mean(X, axis=axes, dtype=X.dtype).astype(input_mean.dtype)
        variance = np.var(X, axis=axes, dtype=X.dtype).astype(input_var.dtype)
    factor = scale / np.sqrt(variance + variance.dtype.type(epsilon))
    shift = B - mean * factor
    y = (X * _per_channel(factor, X.ndim) + _per_channel(shift, X.ndim)).astype(X.dtype, copy=False)
    if outputs == 1:
        return y
    keep, take = mean.dtype.type(momentum), mean.dtype.type(1 - momentum)
    return y, input_mean * keep + mean * take, input_var * keep + variance * take


def InstanceNormalization(
    input: np.ndarray, scale: np.ndarray, B: np.ndarray, /, *, epsilon: float = 9.999999747378752e-06
) -> np.ndarray:
    y, _, _ = _standardised(input, tuple(range(2, input.ndim)), epsilon)
    y = y * _per_channel(scale, input.ndim) + _per_channel(B, input.ndim)
    return y.astype(input.dtype, copy=False)


def LayerNormalization(
    X: np.ndarray,
    Scale: np.ndarray,
    B: np.ndarray | None = None,
    /,
    *,
    axis: int = -1,
    epsilon: float = 9.999999747378752e-06,
    stash_type: int = 1,
    outputs: int = 1,
) -> Any:
    """Ba, Kiros and Hinton, arXiv 1607.06450. More `outputs`: the mean, and 1 / the standard deviation."""
    y, mean, inverse = _standardised(X, tuple(range(X.ndim))[axis:], epsilon)
    y = y.astype(X.dtype, copy=False)
    y *= Scale
    if B is not None:
        y += B
    return y if outputs == 1 else (y, mean, inverse)[:outputs]


def RMSNormalization(
    X: np.ndarray,
    scale: np.ndarray,
    /,
    *,
    axis: int = -1,
    epsilon: float = 9.999999747378752e-06,
    stash_type: int = 1,
) -> np.ndarray:
    """Zhang and Sennrich, arXiv 1910.07467."""
    x = X.astype(np.float32) if X.dtype == np.float16 else X
    squares = np.mean(np.square(x), axis=tuple(range(X.ndim))[axis:], keepdims=True, dtype=x.dtype)
    y = np.asarray(x / np.sqrt(squares + x.dtype.type(epsilon)))
    return y.astype(X.dtype, copy=False) * scale


def GroupNormalization(
    X: np.ndarray,
    scale: np.ndarray,
    bias: np.ndarray,
    /,
    *,
    epsilon: float = 9.999999747378752e-06,
    num_groups: int,
    stash_type: int = 1,
) -> np.ndarray:
    """Wu and He, arXiv 1803.08494. `scale` and `bias`: one value a channel (opset 21) or a group (opset 18)."""
    groups = X.reshape((X.shape[0], num_groups, -1))
    y = _standardised(groups, (2,), epsilon)[0].astype(X.dtype, copy=False)
    if scale.size == num_groups:
        return np.asarray(y * scale.reshape(-1, 1) + bias.reshape(-1, 1)).reshape(X.shape)
    return np.asarray(y.reshape(X.shape) * _per_channel(scale, X.ndim) + _per_channel(bias, X.ndim))


def MeanVarianceNormalization(X: np.ndarray, /, *, axes: Sequence[int] = (0, 2, 3)) -> np.ndarray:
    mean = np.mean(X, axis=tuple(axes), keepdims=True, dtype=X.dtype)
    centred = X - mean
    deviation = np.sqrt(np.mean(np.square(centred), axis=tuple(axes), keepdims=True, dtype=X.dtype))
    return np.asarray(centred / (deviation + X.dtype.type(1e-9)))


def LRN(
    X: np.ndarray, /, *, alpha: float = 9.999999747378752e-05, beta: float = 0.75, bias: float = 1.0, size: int
) -> np.ndarray:
    """Local response normalisation across channels; Krizhevsky, Sutskever and Hinton, 2012, section 3.3."""
    kind = X.dtype.type
    before, channels = (size - 1) // 2, X.shape[1]
    padded = np.zeros((X.shape[0], channels + size - 1, *X.shape[2:]), X.dtype)
    np.square(X, out=padded[:, before : before + channels])
    squares = padded[:, :channels].copy()
    for offset in range(1, size):
        squares += padded[:, offset : offset + channels]
    return np.asarray(X / np.power(kind(bias) + kind(alpha / size) * squares, kind(beta)))


def LpNormalization(input: np.ndarray, /, *, axis: int = -1, p: int = 2) -> np.ndarray:
    if p == 1:
        norm = np.sum(np.abs(input), axis=axis, keepdims=True, dtype=input.dtype)
    else:
        norm = np.sqrt(np.sum(np.square(input), axis=axis, keepdims=True, dtype=input.dtype))
    return np.asarray(input / np.where(norm == 0, input.dtype.type(1), norm))  # zeros stay zeros
