"""How good boxes and masks are: COCO's mean average precision, and the mean intersection over union. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

IOU_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10))
RECALLS = np.linspace(0.0, 1.0, 101)  # where COCO reads the curve of precision
MOST_PER_PICTURE = 100


@dataclass(frozen=True)
class Boxes:
    """Boxes of one picture: edges float[n, 4] (left, top, right, bottom), classes int[n], scores float[n] (found ones)."""

    edges: np.ndarray
    classes: np.ndarray
    scores: np.ndarray | None = None

    @classmethod
    def found(cls, result: Mapping[str, list]) -> Boxes:
        """The result of the task `detection`."""
        objects = result["objects"]
        edges = np.array([thing["box"] for thing in objects], np.float64).reshape(-1, 4)
        classes = np.array([thing["index"] for thing in objects], np.int64)
        return cls(edges, classes, np.array([thing["score"] for thing in objects], np.float64))


def overlaps(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of float[n, 4] with every box of float[m, 4], float64[n, m]."""
    one, two = one[:, np.newaxis].astype(np.float64), two[np.newaxis].astype(np.float64)
    common = (np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])).clip(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (one, two)]
    union = areas[0] + areas[1] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def mean_average_precision(
    found: Sequence[Boxes], true: Sequence[Boxes], thresholds: Sequence[float] = IOU_THRESHOLDS
) -> float:
    """COCO's AP: over classes that occur in `true` and over IoU thresholds, the mean precision at 101 recalls.

    One `Boxes` a picture, found and true. As in COCO's evaluation, the best-scored box takes the true box it overlaps most
    (not yet taken, at the threshold or more), at most MOST_PER_PICTURE boxes a picture count, and precision is made
    non-increasing from the right. NaN when nothing is true.
    """
    classes = np.unique(np.concatenate([boxes.classes for boxes in true])) if true else np.empty(0)
    found = [_best(boxes) for boxes in found]
    values = [average_precision(found, true, int(c), threshold) for c in classes for threshold in thresholds]
    return float(np.mean(values)) if values else float("nan")


def average_precision(found: Sequence[Boxes], true: Sequence[Boxes], of: int, threshold: float) -> float:
    """The mean precision at RECALLS of the class `of`, found boxes right from an IoU of `threshold` on."""
    scores, right, count = [], [], 0
    for ours, truth in zip(found, true, strict=True):
        assert ours.scores is not None
        mine, wanted = ours.classes == of, truth.edges[truth.classes == of]
        count += len(wanted)
        order = np.argsort(-ours.scores[mine], kind="stable")
        scores.append(ours.scores[mine][order])
        right.append(_matched(overlaps(ours.edges[mine][order], wanted), threshold))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.cumsum(np.concatenate(right)[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]  # the best that is reached at this recall or above
    at = np.searchsorted(hits / count, RECALLS, side="left")
    return float(np.mean(np.append(precision, 0.0)[at]))  # a recall that is never reached has precision 0


def _best(boxes: Boxes) -> Boxes:
    assert boxes.scores is not None
    order = np.argsort(-boxes.scores, kind="stable")[:MOST_PER_PICTURE]
    return Boxes(boxes.edges[order], boxes.classes[order], boxes.scores[order])


def _matched(iou: np.ndarray, threshold: float) -> np.ndarray:
    """bool[n]: which of n boxes, best first, get one of m true boxes; iou float[n, m]."""
    free = np.ones(iou.shape[1], bool)
    matched = np.zeros(iou.shape[0], bool)
    for number, row in enumerate(iou):
        candidates = np.where(free, row, -1.0)
        best = int(candidates.argmax()) if candidates.size else -1
        if best >= 0 and candidates[best] >= threshold:
            free[best], matched[number] = False, True
    return matched


def mean_iou(found: Sequence[np.ndarray], true: Sequence[np.ndarray], classes: int) -> float:
    """Over classes that occur in `found` or `true`: pixels in both over pixels in either, all masks together.

    Masks are integer arrays (height, width), found and true of the same shape, classes 0..classes - 1.
    """
    confusion = np.zeros((classes, classes), np.int64)
    for ours, truth in zip(found, true, strict=True):
        pairs = truth.reshape(-1).astype(np.int64) * classes + ours.reshape(-1)
        confusion += np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    both = np.diag(confusion)
    either = confusion.sum(0) + confusion.sum(1) - both
    return float(np.mean(both[either > 0] / either[either > 0]))
