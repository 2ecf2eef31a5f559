"""Losses: exported with some training graphs, harmless to have."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.activations import LogSoftmax


def NegativeLogLikelihoodLoss(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    /,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> np.ndarray:
    """input (N, C, ...) of log-probabilities, target (N, ...) of classes. The mean is weighted by the classes' weights."""
    kept = np.ones(target.shape, np.bool_) if ignore_index is None else target != ignore_index
    classes = np.where(kept, target, 0).astype(np.int64)
    picked = np.take_along_axis(input, classes[:, None], axis=1)[:, 0]
    weights = np.ones(target.shape, input.dtype) if weight is None else weight[classes].astype(input.dtype)
    weights = np.where(kept, weights, input.dtype.type(0))
    loss = np.where(kept, -picked * weights, input.dtype.type(0))
    if reduction == "none":
        return loss
    total = np.sum(loss, dtype=input.dtype)
    return np.asarray(total if reduction == "sum" else total / np.sum(weights, dtype=input.dtype))


def SoftmaxCrossEntropyLoss(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray | None = None,
    /,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
    outputs: int = 1,
) -> Any:
    """scores (N, C, ...), labels (N, ...). With `outputs=2` also the logarithms of the probabilities."""
    logarithms = LogSoftmax(scores, axis=1)
    loss = NegativeLogLikelihoodLoss(logarithms, labels, weights, ignore_index=ignore_index, reduction=reduction)
    return loss if outputs == 1 else (loss, logarithms)
