"""Detectors' outputs as boxes, scores and classes: a function for each kind of head. Pasted into deploy.py: numpy only.

Each takes the network's outputs for one sample, the input's (height, width) and the task's settings, and gives

    boxes (N, 4) float64: left, top, right, bottom in pixels of the network's input
    scores (N, C) float: a score for each class

or, where the network has chosen a class for each box, scores (N,) and classes (N,). Formulas: those of the head's
published code. ValueError for outputs that are not of that form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._anchors import BOX_LIMIT, retinanet_anchors, ssd_anchors
from converter.tasks._boxes import BOX_FORMATS, from_centers
from converter.tasks._outputs import ACTIVATIONS, choose_outputs, no_nan, one_sample


def decode_yolov5(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, N, 5 + classes): centre x, y, width, height in pixels, objectness, class scores; a score is their product."""
    rows = _rows(outputs, settings, "yolov5", "(1, boxes, 5 + classes)", 6)
    return from_centers(rows[:, :4]), rows[:, 4:5] * rows[:, 5:]


def decode_yolov8(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, 4 + classes, N): centre x, y, width, height in pixels, class scores."""
    ((name, array),) = choose_outputs(outputs, settings["use_outputs"], 1, "the head yolov8")
    columns = one_sample(name, array, 2, "(1, 4 + classes, boxes)")
    if columns.shape[0] < 5:
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected (1, 4 + classes, boxes)")
    return from_centers(columns[:4].T), columns[4:].T


def decode_yolox(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, N, 5 + classes) as YOLOX gives it undecoded: centres in cells from their cell, log(size) in cells.

    The cells of strides 8, 16 and 32 follow each other, or those of anchors {"strides": [...]}.
    """
    rows = _rows(outputs, settings, "yolox", "(1, boxes, 5 + classes)", 6)
    return _from_cells(rows[:, :4], size, _strides(settings, "yolox"), "yolox"), rows[:, 4:5] * rows[:, 5:]


def decode_yunet(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """YuNet's faces: for each stride class scores (1, cells, classes), then objectness (1, cells, 1), then boxes (1, cells, 4).

    Boxes as YOLOX's, in cells; a score is the root of the product. Further outputs (landmarks) are not read.
    """
    strides = _strides(settings, "yunet")
    count = len(strides)
    found = choose_outputs(outputs, settings["use_outputs"], 3 * count, "the head yunet")
    parts = [one_sample(name, array, 2, "(1, cells, numbers)") for name, array in found]
    widths = [{part.shape[1] for part in parts[k : k + count]} for k in (count, 2 * count)]
    if widths != [{1}, {4}]:
        shapes = ", ".join(f"{name!r} {list(array.shape)}" for name, array in found)
        raise ValueError(f"the head yunet takes scores, objectness and boxes of {count} strides, not {shapes}")
    classes, objects, boxes = (np.concatenate(parts[k : k + count]) for k in (0, count, 2 * count))
    scores = np.sqrt(np.clip(classes, 0.0, 1.0) * np.clip(objects, 0.0, 1.0))
    return _from_cells(boxes, size, strides, "yunet"), scores


def decode_end2end(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, N, 6): left, top, right, bottom in pixels, score, class, as YOLOv10 gives them: suppressed by itself."""
    rows = _rows(outputs, settings, "end2end", "(1, boxes, 6)", 6)
    return np.asarray(rows[:, :4], np.float64), rows[:, 4], rows[:, 5].round().astype(np.int64)


def decode_decoded(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """boxes (N, 4) in pixels, labels (N,), scores (N,), in this order, as torchvision's detectors give them."""
    found = choose_outputs(outputs, settings["use_outputs"], 3, "the head decoded")
    kinds = [array.dtype.kind for _, array in found]
    if settings["use_outputs"] is None and kinds[1] == "f" and kinds[2] != "f":
        found = [found[0], found[2], found[1]]  # the labels are the whole numbers
    boxes, classes, scores = (no_nan(name, array) for name, array in found)
    boxes = boxes[0] if boxes.ndim == 3 and len(boxes) == 1 else boxes  # some exports keep a batch axis
    classes, scores = classes.reshape(-1), scores.reshape(-1)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes) == len(classes) == len(scores):
        raise ValueError(
            f"boxes, labels and scores do not belong together: {', '.join(f'{n!r} {list(a.shape)}' for n, a in found)}"
        )
    return _corners(boxes, size, settings, "xyxy", False), scores, np.round(classes).astype(np.int64)


def decode_boxes_scores(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """boxes (1, N, 4) and class scores (1, N, classes); the box's form, its unit and the activation are settings."""
    boxes, scores = _pair(outputs, settings, "boxes_scores")
    scores = _scores(scores, settings, "none", None)
    return _corners(boxes, size, settings, "xyxy", False), scores


def decode_detr(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """class scores (1, N, classes + 1), the last one for no object, and boxes (1, N, 4): centre and size, 0 to 1.

    With activation "sigmoid" (RT-DETR, deformable DETR) there is no last one.
    """
    boxes, scores = _pair(outputs, settings, "detr")
    background = None if settings["activation"] == "sigmoid" else -1
    return _corners(boxes, size, settings, "cxcywh", True), _scores(scores, settings, "softmax", background)


def decode_ssd(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """box offsets (1, N, 4) and class logits (1, N, classes), class 0 for no object; `anchors` as `ssd_anchors` takes them."""
    offsets, scores = _pair(outputs, settings, "ssd")
    anchors = ssd_anchors(_known(size, "ssd"), _anchors(settings, "ssd"))
    boxes = _from_offsets(offsets, anchors, settings["anchors"].get("weights", (10.0, 10.0, 5.0, 5.0)), "ssd")
    return boxes, _scores(scores, settings, "softmax", 0)


def decode_retinanet(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """box offsets (1, N, 4) and class logits (1, N, classes); `anchors` as `retinanet_anchors` takes them."""
    offsets, scores = _pair(outputs, settings, "retinanet")
    anchors = retinanet_anchors(_known(size, "retinanet"), _anchors(settings, "retinanet"))
    boxes = _from_offsets(offsets, anchors, settings["anchors"].get("weights", (1.0, 1.0, 1.0, 1.0)), "retinanet")
    return boxes, _scores(scores, settings, "sigmoid", None)


def decode_centernet(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """heat maps (1, classes, h, w), sizes (1, 2, h, w) and offsets (1, 2, h, w) in cells: an object at each local maximum."""
    found = choose_outputs(outputs, settings["use_outputs"], 3, "the head centernet")
    heat, extent, offset = (one_sample(name, array, 3, "(1, channels, height, width)") for name, array in found)
    if extent.shape[0] != 2 or offset.shape[0] != 2 or not heat.shape[1:] == extent.shape[1:] == offset.shape[1:]:
        raise ValueError(f"the head centernet does not fit: {', '.join(f'{n!r} {list(a.shape)}' for n, a in found)}")
    heat = _scores(heat, settings, "sigmoid", None)
    rows, columns = heat.shape[1:]
    padded = np.pad(heat, [(0, 0), (1, 1), (1, 1)], constant_values=-np.inf)
    around = [padded[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    classes, y, x = np.nonzero(heat >= np.max(around, axis=0))
    center = np.stack([x + offset[0, y, x], y + offset[1, y, x]], axis=1)
    boxes = from_centers(np.concatenate([center, np.stack([extent[0, y, x], extent[1, y, x]], axis=1)], axis=1))
    height, width = _known(size, "centernet")
    return boxes * np.array([width / columns, height / rows] * 2), heat[classes, y, x], classes


HEADS: Mapping[str, Any] = {  # name: (decoder, whether its boxes overlap)
    "yolov8": (decode_yolov8, True),
    "yolov5": (decode_yolov5, True),
    "yolox": (decode_yolox, True),
    "yunet": (decode_yunet, True),
    "end2end": (decode_end2end, False),
    "decoded": (decode_decoded, False),
    "boxes_scores": (decode_boxes_scores, True),
    "ssd": (decode_ssd, True),
    "retinanet": (decode_retinanet, True),
    "detr": (decode_detr, False),
    "centernet": (decode_centernet, False),
}


def _rows(
    outputs: Mapping[str, np.ndarray], settings: Mapping[str, Any], head: str, form: str, least: int
) -> np.ndarray:
    ((name, array),) = choose_outputs(outputs, settings["use_outputs"], 1, f"the head {head}")
    rows = one_sample(name, array, 2, form)
    if rows.shape[1] < least:
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected {form}")
    return rows


def _pair(outputs: Mapping[str, np.ndarray], settings: Mapping[str, Any], head: str) -> tuple[np.ndarray, np.ndarray]:
    """boxes (N, 4) and scores (N, classes). Unless `use_outputs` says which is which, the boxes have a last axis of 4."""
    found = choose_outputs(outputs, settings["use_outputs"], 2, f"the head {head}")
    arrays = [one_sample(name, array, 2, "(1, boxes, numbers)") for name, array in found]
    if settings["use_outputs"] is None and arrays[0].shape[1] != 4:
        arrays.reverse()
    if arrays[0].shape[1] != 4 or len(arrays[0]) != len(arrays[1]):
        shapes = ", ".join(f"{name!r} {list(array.shape)}" for name, array in found)
        raise ValueError(f"the head {head} takes boxes (1, N, 4) and scores (1, N, classes), not {shapes}")
    return arrays[0], arrays[1]


def _known(size: Any, head: str) -> tuple[int, int]:
    if size is None:
        raise ValueError(f"the head {head} needs the size of the network's input, which is not known")
    return int(size[0]), int(size[1])


def _anchors(settings: Mapping[str, Any], head: str) -> Mapping[str, Any]:
    anchors = settings["anchors"]
    given = isinstance(anchors, Mapping)
    if not given:
        raise ValueError(f"the head {head} needs the setting anchors")
    return dict(anchors)


def _strides(settings: Mapping[str, Any], head: str) -> Sequence[int]:
    """Those of the setting anchors, 8, 16 and 32 by default."""
    if settings["anchors"] is None:
        return (8, 16, 32)
    return [int(stride) for stride in _anchors(settings, head).get("strides", (8, 16, 32))]


def _from_cells(numbers: np.ndarray, size: Any, strides: Sequence[int], head: str) -> np.ndarray:
    """Centre x, y from the cell and log(width), log(height), in cells of each stride in turn, as left, top, right, bottom."""
    height, width = _known(size, head)
    cells, scale = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        cells.append(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2))
        scale.append(np.full((rows * columns, 1), stride))
    _same_count(numbers, sum(map(len, cells)), head)
    corner, step = np.concatenate(cells), np.concatenate(scale)
    numbers = np.asarray(numbers, np.float64)
    center, extent = (numbers[:, :2] + corner) * step, np.exp(np.minimum(numbers[:, 2:], BOX_LIMIT)) * step
    return from_centers(np.concatenate([center, extent], axis=1))


def _same_count(rows: np.ndarray, count: int, head: str) -> None:
    if len(rows) != count:
        raise ValueError(f"the head {head} has {count} anchors for this input, and the output holds {len(rows)} boxes")


def _scores(scores: np.ndarray, settings: Mapping[str, Any], activation: str, background: int | None) -> np.ndarray:
    """Scores (N, classes) of what the network gave; the background's never win."""
    chosen = settings["activation"] or activation
    scores = np.array(ACTIVATIONS[chosen](scores), np.float64)
    if background is None:
        return scores
    if background < 0:  # the last one: the others keep their indices without it
        return scores[:, :background]
    scores[:, background] = -np.inf
    return scores


def _corners(boxes: np.ndarray, size: Any, settings: Mapping[str, Any], form: str, normalized: bool) -> np.ndarray:
    """Boxes in the setting's form and unit, else in the head's own, as left, top, right, bottom in pixels."""
    corners = BOX_FORMATS[settings["box_format"] or form](boxes)
    if normalized if settings["normalized"] is None else settings["normalized"]:
        height, width = _known(size, "with boxes from 0 to 1")
        corners = corners * np.array([width, height, width, height])
    return np.asarray(corners)


def _from_offsets(offsets: np.ndarray, anchors: np.ndarray, weights: Any, head: str) -> np.ndarray:
    """Offsets from anchors (N, 4), as Faster R-CNN encodes them, as left, top, right, bottom."""
    _same_count(offsets, len(anchors), head)
    extent = anchors[:, 2:] - anchors[:, :2]
    shift, log_size = np.split(offsets / np.asarray(weights, np.float64), 2, axis=1)
    center = anchors[:, :2] + extent / 2 + shift * extent
    return from_centers(np.concatenate([center, np.exp(np.minimum(log_size, BOX_LIMIT)) * extent], axis=1))
