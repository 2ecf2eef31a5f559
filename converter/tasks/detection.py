"""Objects in boxes. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "detection", "objects": [{"index": 3, "label": "three", "score": 0.98, "box": [left, top, right,
bottom]}, ...]}, best first. Boxes are in pixels of the picture, or of the network's input where there is no picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._boxes import onto_picture, suppress
from converter.tasks._drawing import draw_objects, one_line
from converter.tasks._heads import HEADS
from converter.tasks._outputs import label_of

CHOICES = {"head": tuple(HEADS)}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    head: str = "yolov8",
    score_threshold: float = 0.25,
    iou_threshold: float = 0.45,
    max_objects: int = 300,
    class_agnostic: bool = False,
    multi_label: bool = False,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The objects whose score is above `score_threshold`, at most `max_objects`.

    head: how the outputs are read; `_heads` says what each kind looks like. Of two boxes of a class that overlap by more
    than `iou_threshold` the better one stays; with `class_agnostic` of two boxes of any classes. A box has its best class,
    with `multi_label` every class above the threshold. use_outputs: names or indices of the outputs, in the head's order.
    Boxes are clipped to the picture; what lies outside goes. Raises ValueError for outputs that the head does not fit.
    """
    if head not in HEADS:
        raise ValueError(f"head is {head!r}, not one of {', '.join(HEADS)}")
    decode, overlapping = HEADS[head]
    settings = {"use_outputs": use_outputs}
    boxes, scores, classes = best_classes(decode(outputs, input_size, settings), score_threshold, multi_label)
    if overlapping:
        groups = np.zeros_like(classes) if class_agnostic else classes
        kept = suppress(boxes, scores, groups, iou_threshold, max_objects)
    else:
        kept = np.argsort(-scores, kind="stable")[:max_objects]
    picture = None if image_bgr is None else image_bgr.shape[:2]
    whole = (0.0, 0.0, float(picture[1]), float(picture[0])) if picture is not None else None
    placed = onto_picture(boxes[kept], region if region is not None else whole, input_size, picture)
    return {
        "task": "detection",
        "objects": [
            {
                "index": int(classes[i]),
                "label": label_of(labels, int(classes[i])),
                "score": float(scores[i]),
                "box": [float(edge) for edge in box],
            }
            for i, box in zip(kept, placed)  # noqa: B905 - Python 3.8
            if box[2] > box[0] and box[3] > box[1]
        ],
    }


def best_classes(decoded: Any, threshold: float, multi_label: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (N, 4), scores (N,) float64 and classes (N,) of what a head gave, where the score is above the threshold."""
    boxes, scores = decoded[:2]
    if len(decoded) == 3:
        rows, classes = np.flatnonzero(scores > threshold), decoded[2]
        return boxes[rows], np.asarray(scores[rows], np.float64), np.asarray(classes)[rows].astype(np.int64)
    if multi_label:
        rows, classes = np.nonzero(scores > threshold)
    else:
        classes = scores.argmax(axis=1)
        rows = np.flatnonzero(scores[np.arange(len(scores)), classes] > threshold)
        classes = classes[rows]
    return boxes[rows], np.asarray(scores[rows, classes], np.float64), classes.astype(np.int64)


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with a box and a label around each object."""
    return draw_objects(image_bgr, result["objects"])


def describe(result: Mapping[str, Any]) -> str:
    """The objects, best first: label, score, box."""
    found = [
        "{} {:.1%} at {:.0f},{:.0f},{:.0f},{:.0f}".format(one_line(thing["label"]), thing["score"], *thing["box"])
        for thing in result["objects"]
    ]
    return ", ".join(found) or "nothing found"
