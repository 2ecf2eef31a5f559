"""From a head's boxes to the objects of a result. Pasted into deploy.py: numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.tasks._boxes import onto_picture, suppress
from converter.tasks._outputs import label_of

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


class Objects:
    """What a head found: boxes (N, 4) in the input's pixels, scores (N, C), or scores (N,) and classes (N,).

    rows: which of the head's boxes each is, for what else the head says of it.
    """

    def __init__(self, boxes: np.ndarray, scores: np.ndarray, classes: Any = None, rows: Any = None) -> None:
        self.boxes = boxes
        self.scores = scores
        self.classes = classes
        self.rows = np.arange(len(boxes)) if rows is None else rows

    def best(self, threshold: float, overlap: float | None, most: int, agnostic: bool, multi_label: bool) -> Objects:
        """Those above the threshold, best first, each with one class; with `overlap` the suppressed ones are gone."""
        if self.classes is not None:
            rows = np.flatnonzero(self.scores > threshold)
            classes, scores = np.asarray(self.classes)[rows], self.scores[rows]
        elif multi_label:
            rows, classes = np.nonzero(self.scores > threshold)
            scores = self.scores[rows, classes]
        else:
            chosen = self.scores.argmax(axis=1)
            rows = np.flatnonzero(self.scores[np.arange(len(chosen)), chosen] > threshold)
            classes = chosen[rows]
            scores = self.scores[rows, classes]
        if overlap is None:
            kept = np.argsort(-scores, kind="stable")[:most]
        else:
            kept = suppress(self.boxes[rows], scores, np.zeros_like(classes) if agnostic else classes, overlap, most)
        rows = rows[kept]
        return Objects(
            self.boxes[rows], scores[kept].astype(np.float64), classes[kept].astype(np.int64), self.rows[rows]
        )


def find_objects(found: Objects, image_bgr: Any, labels: Any, region: Any, input_size: Any) -> list[Any]:
    """(row, {"index", "label", "score", "box"}) of each object whose box, clipped to the picture, is not empty."""
    placed = place(found.boxes, image_bgr, region, input_size, clip=True)
    things = []
    for row, index, score, box in zip(found.rows, found.classes, found.scores, placed):
        if box[2] > box[0] and box[3] > box[1]:
            name = label_of(labels, int(index))
            thing = {"index": int(index), "label": name, "score": float(score), "box": [float(edge) for edge in box]}
            things.append((int(row), thing))
    return things


def place(
    points: np.ndarray, image_bgr: Any, region: Sequence[float] | None, input_size: Any, clip: bool
) -> np.ndarray:
    """`onto_picture` for this picture: of all of it where there is no region; unchanged where there is no picture."""
    if image_bgr is None:
        return np.asarray(points, np.float64)
    height, width = image_bgr.shape[:2]
    seen = region if region is not None else (0.0, 0.0, float(width), float(height))
    return onto_picture(points, seen, input_size, (height, width) if clip else None)
