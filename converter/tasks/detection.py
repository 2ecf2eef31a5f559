"""Objects in boxes. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "detection", "objects": [{"index": 3, "label": "three", "score": 0.98, "box": [left, top, right,
bottom]}, ...]}, best first. Boxes are in pixels of the picture, or of the network's input where there is no picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._boxes import BOX_FORMATS
from converter.tasks._drawing import draw_objects, one_line
from converter.tasks._heads import HEADS
from converter.tasks._objects import Objects, find_objects
from converter.tasks._outputs import ACTIVATIONS

CHOICES = {
    "head": tuple(HEADS),
    "box_format": (None, *BOX_FORMATS),
    "activation": (None, *ACTIVATIONS),
    "normalized": (None, False, True),
}


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
    box_format: Any = None,
    normalized: Any = None,
    activation: Any = None,
    anchors: Any = None,
) -> dict[str, Any]:
    """The objects whose score is above `score_threshold`, at most `max_objects`; boxes are clipped to the picture.

    head: how the outputs are read:
        yolov8 (1, 4 + classes, N), yolov5 (1, N, 5 + classes), yolox (the same, not decoded), end2end (1, N, 6);
        yunet: class scores, objectness and boxes of three strides, nine outputs;
        decoded: boxes (N, 4), labels (N,), scores (N,); boxes_scores: boxes (1, N, 4), scores (1, N, classes);
        ssd, retinanet: offsets (1, N, 4) from `anchors`, class logits (1, N, classes);
        detr: class logits (1, N, classes + 1), boxes (1, N, 4); centernet: heat maps, sizes, offsets.
    iou_threshold: of two boxes of a class that overlap more the better one stays; with class_agnostic of any two. Not for
    end2end, decoded, detr, centernet, which give each object once.
    multi_label: a box has every class above the threshold, not its best one only.
    use_outputs: names or indices of the outputs, in the head's order, where they are not the first ones.
    box_format (xyxy, xywh, cxcywh, yxyx), normalized (0 to 1, not pixels), activation (none, sigmoid, softmax): where they are
    not those of the head. Raises ValueError for outputs that the head does not fit.
    """
    settings = {
        "use_outputs": use_outputs,
        "box_format": box_format,
        "normalized": normalized,
        "activation": activation,
        "anchors": anchors,
    }
    if head not in HEADS:
        raise ValueError(f"head is {head!r}, not one of {', '.join(HEADS)}")
    decode, overlapping = HEADS[head]
    found = Objects(*decode(outputs, input_size, settings))
    kept = found.best(score_threshold, iou_threshold if overlapping else None, max_objects, class_agnostic, multi_label)
    return {
        "task": "detection",
        "objects": [one for _, one in find_objects(kept, image_bgr, labels, region, input_size)],
    }


def class_count(shapes: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> int | None:
    """How many labels a network with these outputs takes, None where its outputs do not tell."""
    if settings["head"] in ("yolov8", "yolov5", "yolox"):
        return shapes[0][1] - 4 if settings["head"] == "yolov8" else shapes[0][2] - 5
    return None


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
