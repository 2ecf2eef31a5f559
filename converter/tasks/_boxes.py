"""Boxes: overlaps, suppression, and the way back onto the picture. Pasted into deploy.py: numpy only.

A box is left, top, right, bottom. Overlap is intersection over union, in continuous coordinates (no "+ 1").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def from_centers(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) centre x, centre y, width, height to left, top, right, bottom, in float64."""
    boxes = np.asarray(boxes, np.float64)
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def from_sides(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) left, top, width, height to left, top, right, bottom, in float64."""
    boxes = np.asarray(boxes, np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def from_corners(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) left, top, right, bottom, in float64."""
    return np.asarray(boxes, np.float64)


def from_rows_first(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) top, left, bottom, right to left, top, right, bottom, in float64."""
    return np.asarray(boxes, np.float64)[:, [1, 0, 3, 2]]


BOX_FORMATS: Mapping[str, Any] = {
    "xyxy": from_corners, "xywh": from_sides, "cxcywh": from_centers, "yxyx": from_rows_first,
}  # fmt: skip


def overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with each of (N, 4); 0 where both are empty."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=1)
    total = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - common
    return np.asarray(np.divide(common, total, out=np.zeros(len(others)), where=total > 0))


def suppress(boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, threshold: float, most: int) -> np.ndarray:
    """Indices of the boxes that stay, best first: greedy non-maximum suppression within each group, as torchvision's.

    Of two boxes of a group that overlap by more than `threshold` the one with the lower score goes; of equal scores the
    later one. boxes (N, 4), scores (N,), groups (N,) integers: the class, or one number for all. At most `most` stay.
    """
    boxes = np.asarray(boxes, np.float64)
    kept = []
    for group in np.unique(groups):
        left = np.flatnonzero(groups == group)
        left = left[np.argsort(-scores[left], kind="stable")]
        count = 0
        while left.size and count < most:  # the best `most` of each group hold the best `most` of all
            kept.append(left[0])
            count += 1
            left = left[1:][overlaps(boxes[left[0]], boxes[left[1:]]) <= threshold]
    found = np.sort(np.array(kept, np.int64))
    return found[np.argsort(-scores[found], kind="stable")][:most]


def onto_picture(
    points: np.ndarray, region: Sequence[float] | None, input_size: Sequence[int] | None, clip: Sequence[int] | None
) -> np.ndarray:
    """(..., 2) or (..., 4) places x, y in the blob's pixels to places in the picture's, in float64.

    region: (left, top, right, bottom) of the picture that the blob shows, None to leave the places where they are.
    input_size: (height, width) of the blob. clip: (height, width) of the picture, None to let places lie outside.
    Raises ValueError when the blob's size is needed and not known.
    """
    points = np.array(points, np.float64)
    if region is not None:
        if input_size is None:
            raise ValueError("places in the network's input cannot be put onto the picture: input_size is not known")
        (left, top, right, bottom), (height, width) = region, input_size
        points[..., 0::2] = left + points[..., 0::2] * ((right - left) / width)
        points[..., 1::2] = top + points[..., 1::2] * ((bottom - top) / height)
    if clip is not None:
        points[..., 0::2] = np.clip(points[..., 0::2], 0, clip[1])
        points[..., 1::2] = np.clip(points[..., 1::2], 0, clip[0])
    return points
