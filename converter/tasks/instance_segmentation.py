"""Objects with a mask each. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "instance_segmentation", "size": [height, width], "objects": [{"index": 3, "label": "three", "score": 0.98,
"box": [left, top, right, bottom], "pixels": 812, "mask": {"box": [left, top, right, bottom], "runs": [0, 7, 1, 4, ...]}},
...]}, best first. A mask is what lies in its box of whole pixels, run lengths row after row, 1 for the object;
`decode_object_mask(thing, result["size"])` makes an array of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._boxes import from_centers
from converter.tasks._drawing import color_of, draw_objects, one_line
from converter.tasks._heads import decode_decoded
from converter.tasks._masks import between, bilinear, decode_object_mask, encode_runs
from converter.tasks._objects import Objects, find_objects
from converter.tasks._outputs import choose_outputs, one_sample

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

CHOICES = {"head": ("yolov8", "yolov5", "decoded")}


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
    max_objects: int = 100,
    class_agnostic: bool = False,
    mask_threshold: float = 0.5,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The objects whose score is above `score_threshold`, at most `max_objects`, each with its mask.

    head: how the outputs are read:
        yolov8: boxes (1, 4 + classes + M, N) and prototypes (1, M, h, w); yolov5: (1, N, 5 + classes + M) and prototypes.
        A mask is the sigmoid of the box's M factors times the prototypes, within the box.
        decoded: boxes (N, 4), labels (N,), scores (N,), masks (N, 1, h, w), as torchvision's Mask R-CNN gives them: a
        probability for each place, over the box where the masks are smaller than the input, else over the input.
    Masks are resized (bilinear), then decided: above `mask_threshold`. The other settings are those of detection.
    Raises ValueError for outputs that the head does not fit.
    """
    if not 0.0 < mask_threshold < 1.0:
        raise ValueError(f"mask_threshold is {mask_threshold}, not a number between 0 and 1")
    masks: Any
    if head == "decoded":
        found, masks, over_box = _decoded(outputs, input_size, use_outputs)
        found = found.best(score_threshold, None, max_objects, class_agnostic, False)
    elif head in CHOICES["head"]:
        found, factors, prototypes = _prototypes(outputs, head, use_outputs)
        found = found.best(score_threshold, iou_threshold, max_objects, class_agnostic, False)
        masks, over_box = (factors, prototypes), False
        mask_threshold = math.log(mask_threshold / (1.0 - mask_threshold))  # of the logit
    else:
        raise ValueError(f"head is {head!r}, not one of {', '.join(CHOICES['head'])}")
    size = input_size if image_bgr is None else image_bgr.shape[:2]
    if size is None:
        raise ValueError("masks need the size of the picture or of the network's input, and neither is known")
    height, width = int(size[0]), int(size[1])
    whole = (0.0, 0.0, float(width), float(height))
    seen = region if region is not None and image_bgr is not None else whole
    things = []
    for row, thing in find_objects(found, image_bgr, labels, region, input_size):
        if isinstance(masks, tuple):
            one = np.tensordot(masks[0][row].astype(np.float64), masks[1], 1)
        else:
            one = masks[row]
        frame = seen
        if over_box:
            one, frame = _grown(one, found.boxes[found.rows == row][0], seen, input_size, size)
        box = frame if over_box else thing["box"]
        left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
        right, bottom = max(left, min(width, math.ceil(box[2]))), max(top, min(height, math.ceil(box[3])))
        rows = between(np.arange(top, bottom), frame[1], frame[3], one.shape[0])
        columns = between(np.arange(left, right), frame[0], frame[2], one.shape[1])
        inside = bilinear(one, rows, columns) > mask_threshold
        things.append(
            {
                **thing,
                "pixels": int(inside.sum()),
                "mask": {"box": [left, top, right, bottom], "runs": encode_runs(inside.astype(np.int8))},
            }
        )
    return {"task": "instance_segmentation", "size": [height, width], "objects": things}


def class_count(shapes: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> int | None:
    """How many labels a network with these outputs takes, None where its outputs do not tell."""
    if settings["head"] == "decoded" or settings["use_outputs"] is not None or len(shapes) < 2 or len(shapes[1]) != 4:
        return None
    return shapes[0][1] - 4 - shapes[1][1] if settings["head"] == "yolov8" else shapes[0][2] - 5 - shapes[1][1]


def _prototypes(outputs: Mapping[str, np.ndarray], head: str, use: Any) -> tuple[Objects, np.ndarray, np.ndarray]:
    """The boxes, each one's factors (N, M), and the prototypes (M, h, w)."""
    found = choose_outputs(outputs, use, 2, f"the head {head}")
    if use is None and found[0][1].ndim == 4:
        found.reverse()
    rows = one_sample(*found[0], 2, "(1, boxes, numbers)")
    prototypes = one_sample(*found[1], 3, "(1, masks, height, width)")
    rows = rows.T if head == "yolov8" else rows
    first, last = (4 if head == "yolov8" else 5), rows.shape[1] - len(prototypes)
    if last <= first:
        raise ValueError(
            f"output {found[0][0]!r} has shape {list(found[0][1].shape)}: no classes are left beside {first} numbers of the "
            f"box and {len(prototypes)} factors of the prototypes {found[1][0]!r} {list(found[1][1].shape)}"
        )
    scores = rows[:, first:last] if head == "yolov8" else rows[:, 4:5] * rows[:, first:last]
    return Objects(from_centers(rows[:, :4]), scores), rows[:, last:], prototypes


def _decoded(outputs: Mapping[str, np.ndarray], input_size: Any, use: Any) -> tuple[Objects, np.ndarray, bool]:
    """The boxes, their masks (N, h, w), and whether a mask is over its box."""
    found = choose_outputs(outputs, use, 4, "the head decoded")
    settings = {"use_outputs": None, "box_format": None, "normalized": None}
    objects = Objects(*decode_decoded(dict(found[:3]), input_size, settings))
    name, masks = found[3]
    if masks.ndim != 4 or masks.shape[1] != 1 or len(masks) != len(objects.boxes):
        raise ValueError(
            f"output {name!r} has shape {list(masks.shape)}, expected ({len(objects.boxes)}, 1, height, width)"
        )
    return objects, masks[:, 0], input_size is None or tuple(masks.shape[2:]) != tuple(input_size)


def _grown(mask: np.ndarray, box: np.ndarray, seen: Any, input_size: Any, size: Sequence[int]) -> Any:
    """A mask over a box of the input with a rim of zeros, and what of the picture that covers, as torchvision pastes masks.

    The box is grown by the rim, its edges cut off to whole pixels, and the last pixel counts: (left, top, right, bottom).
    """
    height, width = size if input_size is None else input_size
    step = np.array([(seen[2] - seen[0]) / width, (seen[3] - seen[1]) / height])
    center = seen[:2] + (box[:2] + box[2:]) / 2 * step
    half = (box[2:] - box[:2]) / 2 * step * (np.array(mask.shape[::-1]) + 2) / mask.shape[::-1]
    low, high = np.trunc(center - half), np.trunc(center + half) + 1
    return np.pad(mask, 1), (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with each object's mask in colour, half and half, its outline, box and label."""
    import cv2

    picture = np.atleast_3d(image_bgr)[:, :, :3]
    picture = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture.copy()
    shades = shades_of(result["objects"])
    for thing, shade in zip(reversed(result["objects"]), reversed(shades)):
        mask = decode_object_mask(thing, result["size"])
        picture[mask] = (picture[mask].astype(np.uint16) + np.array(shade, np.uint16)) // 2
        rim = mask.astype(np.uint8) - cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
        picture[rim > 0] = shade
    return draw_objects(picture, result["objects"], shades)


def shades_of(things: Sequence[Mapping[str, Any]]) -> list[tuple[int, int, int]]:
    """A colour for each object: its class's where it is the first of it, others for the next ones."""
    taken: dict[int, int] = {}
    shades = []
    for thing in things:
        number = taken.get(thing["index"], 0)
        taken[thing["index"]] = number + 1
        shades.append(color_of(thing["index"] + 7 * number))
    return shades


def describe(result: Mapping[str, Any]) -> str:
    """The objects, best first: label, score, size of the mask."""
    found = [f"{one_line(o['label'])} {o['score']:.1%} on {o['pixels']} pixels" for o in result["objects"]]
    return ", ".join(found) or "nothing found"
