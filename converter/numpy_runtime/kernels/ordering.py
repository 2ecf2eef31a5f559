"""Sorting, the largest elements, unique elements, non-maximum suppression."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np


def TopK(
    X: np.ndarray, K: np.ndarray, /, *, axis: int = -1, largest: int = 1, sorted: int = 1, outputs: int = 2
) -> Any:
    """Values and indices; of equal values the one with the lower index comes first."""
    count = int(np.asarray(K).ravel()[0])
    # a stable sort keeps equal elements in order; reversed twice, it does so downwards too
    if largest:
        order = X.shape[axis] - 1 - np.flip(np.argsort(np.flip(X, axis), axis=axis, kind="stable"), axis)
    else:
        order = np.argsort(X, axis=axis, kind="stable")
    indices = np.take(order, np.arange(count), axis=axis).astype(np.int64, copy=False)
    values = np.take_along_axis(X, indices, axis)
    return values if outputs == 1 else (values, indices)


def Unique(X: np.ndarray, /, *, axis: int | None = None, sorted: int = 1, outputs: int = 1) -> Any:
    """Values; with more `outputs` the first index of each, the way back, and the counts."""
    x = X.ravel() if axis is None else X
    along = 0 if axis is None else axis
    values, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, axis=None if axis is None else axis
    )
    inverse = inverse.reshape(-1)
    if not sorted:  # in the order of their first appearance
        order = np.argsort(first)
        values, first, counts = np.take(values, order, axis=along), first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    found = (values, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64))
    return found[0] if outputs == 1 else found[:outputs]


def NonMaxSuppression(
    boxes: np.ndarray,
    scores: np.ndarray,
    max_output_boxes_per_class: np.ndarray | None = None,
    iou_threshold: np.ndarray | None = None,
    score_threshold: np.ndarray | None = None,
    /,
    *,
    center_point_box: int = 0,
) -> np.ndarray:
    """Rows of (batch, class, box), for every batch and class by falling score."""
    most = 0 if max_output_boxes_per_class is None else int(np.asarray(max_output_boxes_per_class).ravel()[0])
    overlap = 0.0 if iou_threshold is None else float(np.asarray(iou_threshold).ravel()[0])
    lowest = -np.inf if score_threshold is None else float(np.asarray(score_threshold).ravel()[0])
    found = [np.zeros((0, 3), np.int64)]
    for batch in range(scores.shape[0]):
        corners = _corners(boxes[batch], center_point_box)
        for category in range(scores.shape[1]):
            kept = _suppress(corners, scores[batch, category], most, overlap, lowest)
            rows = np.empty((len(kept), 3), np.int64)
            rows[:, 0], rows[:, 1], rows[:, 2] = batch, category, kept
            found.append(rows)
    return np.concatenate(found)


def _corners(boxes: np.ndarray, center_point_box: int) -> np.ndarray:
    """Boxes as (low, low, high, high), whichever corners they came with."""
    if center_point_box:  # x centre, y centre, width, height
        return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    first, second = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)


def _suppress(corners: np.ndarray, scores: np.ndarray, most: int, overlap: float, lowest: float) -> list[int]:
    """The greedy algorithm: take the best box, drop those that overlap it too much, repeat."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > lowest]
    areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[order, :2])
        high = np.minimum(corners[best, 2:], corners[order, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas[best] + areas[order] - shared
        order = order[~((union > 0) & (shared > overlap * union))]
    return kept
