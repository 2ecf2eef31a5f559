"""Named places of a body, a face, a hand. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "keypoints", "objects": [{"score": 0.9, "box": [left, top, right, bottom] or None, "keypoints": [{"index": 0,
"label": "nose", "x": 41.5, "y": 20.0, "score": 0.8, "seen": true}, ...]}, ...], "skeleton": [[0, 1], ...]}, the best object
first. Places are in pixels of the picture, or of the network's input where there is no picture. `labels` are the
keypoints' names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._boxes import from_centers
from converter.tasks._drawing import canvas, color_of, line_width, one_line, outline, zoom
from converter.tasks._heads import decode_decoded
from converter.tasks._objects import Objects, find_objects, place
from converter.tasks._outputs import choose_outputs, label_of, no_nan, one_sample, sigmoid

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

SKELETONS: Mapping[str, Any] = {
    "none": (),
    "coco17": (
        (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12),
        (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    ),
    "mpii16": (
        (0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9), (8, 12), (12, 11), (11, 10), (8, 13),
        (13, 14), (14, 15),
    ),
    "hand21": (
        (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (0, 9), (9, 10), (10, 11), (11, 12), (0, 13),
        (13, 14), (14, 15), (15, 16), (0, 17), (17, 18), (18, 19), (19, 20),
    ),
}  # fmt: skip
CHOICES = {
    "head": ("heatmaps", "offsets", "coordinates", "simcc", "yolov8", "decoded"),
    "activation": ("none", "sigmoid"),
    "refine": ("quarter", "none"),
    "units": ("pixels", "unit", "centered"),
}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    head: str = "heatmaps",
    skeleton: Any = "none",
    point_threshold: float = 0.3,
    activation: str = "none",
    refine: str = "quarter",
    cell_center: float = 0.0,
    units: str = "pixels",
    points: int = 17,
    dimensions: int = 3,
    score_threshold: float = 0.25,
    iou_threshold: float = 0.45,
    max_objects: int = 100,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The keypoints of one object, or of each that was found.

    head: how the outputs are read:
        heatmaps (1, points, h, w): the highest place of each map, moved a quarter of a cell towards its higher neighbour
        (`refine`). `cell_center` is where in a cell its place lies: 0 as in HRNet and SimpleBaseline, 0.5 for its middle.
        offsets: heat maps, and (1, 2 * points, h, w), first y then x, in pixels from the cell of the highest place.
        coordinates (1, points, 2 or 3) or (1, points * 2): x, y and perhaps a score; `units`: pixels of the input, unit (0 to
        1 over it), or centered (-1 to 1).
        simcc: (1, points, W) for x and (1, points, H) for y: the highest places, in equal parts of the input.
        yolov8 (1, 4 + classes + points * dimensions, N): boxes, scores, and x, y and with 3 dimensions a score.
        decoded: boxes (N, 4), labels (N,), scores (N,), keypoints (N, points, 3), as torchvision's Keypoint R-CNN gives them.
    activation: "sigmoid" where the scores of points are logits. A point is `seen` where its score is above point_threshold.
    skeleton: pairs of points that are drawn as lines, or "coco17", "mpii16", "hand21", "none".
    Raises ValueError for outputs that the head does not fit.
    """
    boxed: list[Any] = []
    if head == "yolov8":
        found, places, scores = _yolov8(outputs, use_outputs, points, dimensions)
        boxed = find_objects(
            found.best(score_threshold, iou_threshold, max_objects, True, False), image_bgr, None, region, input_size
        )
    elif head == "decoded":
        found, places, scores = _decoded(outputs, input_size, use_outputs)
        boxed = find_objects(
            found.best(score_threshold, None, max_objects, True, False), image_bgr, None, region, input_size
        )
    elif head in ("heatmaps", "offsets"):
        places, scores = _highest(outputs, head, use_outputs, input_size, refine, cell_center)
    elif head == "simcc":
        places, scores = _simcc(outputs, use_outputs, input_size)
    elif head == "coordinates":
        places, scores = _coordinates(outputs, use_outputs, units, input_size)
    else:
        raise ValueError(f"head is {head!r}, not one of {', '.join(CHOICES['head'])}")
    scores = sigmoid(scores) if activation == "sigmoid" else scores.astype(np.float64)
    places = place(places, image_bgr, region, input_size, clip=False)
    things: list[dict[str, Any]] = []
    if head in ("yolov8", "decoded"):
        for row, thing in boxed:
            listed = _listed(places[row], scores[row], labels, point_threshold)
            things.append({"score": thing["score"], "box": thing["box"], "keypoints": listed})
    else:
        listed = _listed(places[0], scores[0], labels, point_threshold)
        things.append({"score": float(scores[0].mean()), "box": None, "keypoints": listed})
    return {"task": "keypoints", "objects": things, "skeleton": _pairs(skeleton, places.shape[1])}


def _pairs(skeleton: Any, count: int) -> list[list[int]]:
    """The skeleton as pairs of points. Raises ValueError for an unknown one, or one with points that are not there."""
    if isinstance(skeleton, str):
        if skeleton not in SKELETONS:
            raise ValueError(f"skeleton is {skeleton!r}, not one of {', '.join(SKELETONS)}, nor pairs of points")
        skeleton = SKELETONS[skeleton]
    pairs = [[int(a), int(b)] for a, b in skeleton]
    if any(not 0 <= end < count for pair in pairs for end in pair):
        raise ValueError(f"the skeleton connects points up to {max(map(max, pairs))}, and there are {count} points")
    return pairs


def _listed(places: np.ndarray, scores: np.ndarray, labels: Any, threshold: float) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "label": label_of(labels, index),
            "x": float(x),
            "y": float(y),
            "score": float(score),
            "seen": bool(score > threshold),
        }
        for index, ((x, y), score) in enumerate(zip(places, scores))
    ]


def _highest(outputs: Any, head: str, use: Any, size: Any, refine: str, center: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (1, K, 2) and scores (1, K) of the highest place of each heat map."""
    found = choose_outputs(outputs, use, 1 if head == "heatmaps" else 2, f"the head {head}")
    heat = one_sample(*found[0], 3, "(1, points, height, width)")
    (count, rows, columns), (height, width) = heat.shape, _size(size, head)
    best = heat.reshape(count, -1).argmax(axis=1)
    y, x = best // columns, best % columns
    every = np.arange(count)
    if head == "offsets":
        offset = one_sample(*found[1], 3, "(1, 2 * points, height, width)")
        if offset.shape != (2 * count, rows, columns):
            raise ValueError(
                f"output {found[1][0]!r} has shape {list(found[1][1].shape)}, expected {[1, 2 * count, rows, columns]}"
            )
        across, down = _stride(width, columns), _stride(height, rows)
        places = np.stack([x * across + offset[count + every, y, x], y * down + offset[every, y, x]], axis=1)
        return places[np.newaxis], heat[every, y, x][np.newaxis]
    shift = np.zeros((count, 2))
    if refine == "quarter":
        padded = np.pad(heat, [(0, 0), (1, 1), (1, 1)], mode="edge")
        inside = [(x > 0) & (x < columns - 1), (y > 0) & (y < rows - 1)]
        shift[:, 0] = np.sign(padded[every, y + 1, x + 2] - padded[every, y + 1, x]) * inside[0] / 4
        shift[:, 1] = np.sign(padded[every, y + 2, x + 1] - padded[every, y, x + 1]) * inside[1] / 4
    places = (np.stack([x, y], axis=1) + shift + center) * np.array([width / columns, height / rows])
    return places[np.newaxis], heat[every, y, x][np.newaxis]


def _stride(edge: int, cells: int) -> float:
    """Pixels between cells: they reach from edge to edge where that comes out whole (257 pixels, 17 cells: 16)."""
    between = edge - 1, cells - 1
    return between[0] / between[1] if cells > 1 and between[0] % between[1] == 0 else edge / cells


def _simcc(outputs: Any, use: Any, size: Any) -> tuple[np.ndarray, np.ndarray]:
    across, down = (
        one_sample(name, array, 2, "(1, points, parts)")
        for name, array in choose_outputs(outputs, use, 2, "the head simcc")
    )
    if len(across) != len(down):
        raise ValueError(f"the head simcc has {len(across)} points for x and {len(down)} for y")
    height, width = _size(size, "simcc")
    places = np.stack(
        [across.argmax(axis=1) * (width / across.shape[1]), down.argmax(axis=1) * (height / down.shape[1])], axis=1
    )
    return places[np.newaxis], np.minimum(across.max(axis=1), down.max(axis=1))[np.newaxis]


def _coordinates(outputs: Any, use: Any, units: str, size: Any) -> tuple[np.ndarray, np.ndarray]:
    ((name, array),) = choose_outputs(outputs, use, 1, "the head coordinates")
    each = array.shape[2] if array.ndim == 3 else 2
    if array.ndim not in (2, 3) or array.shape[0] != 1 or each not in (2, 3) or array.size % each:
        raise ValueError(
            f"output {name!r} has shape {list(array.shape)}, expected (1, points, 2), (1, points, 3) or (1, points * 2)"
        )
    numbers = no_nan(name, np.asarray(array, np.float64).reshape(-1, each))
    places, scores = numbers[:, :2], numbers[:, 2] if numbers.shape[1] == 3 else np.ones(len(numbers))
    if units == "pixels":
        return places[np.newaxis], scores[np.newaxis]
    height, width = _size(size, "coordinates")
    places = (places + 1.0) / 2.0 if units == "centered" else places
    return (places * np.array([width, height]))[np.newaxis], scores[np.newaxis]


def _yolov8(outputs: Any, use: Any, points: int, dimensions: int) -> tuple[Objects, np.ndarray, np.ndarray]:
    ((name, array),) = choose_outputs(outputs, use, 1, "the head yolov8")
    rows = one_sample(name, array, 2, "(1, 4 + classes + points * dimensions, boxes)").T
    last = rows.shape[1] - points * dimensions
    if last < 5 or dimensions not in (2, 3):
        raise ValueError(
            f"output {name!r} has shape {list(array.shape)}, expected (1, 4 + classes + {points} points * {dimensions}, "
            "boxes): set points, and dimensions to 2 or 3"
        )
    numbers = np.asarray(rows[:, last:], np.float64).reshape(len(rows), points, dimensions)
    scores = numbers[:, :, 2] if dimensions == 3 else np.ones(numbers.shape[:2])
    return Objects(from_centers(rows[:, :4]), rows[:, 4:last]), numbers[:, :, :2], scores


def _decoded(outputs: Any, size: Any, use: Any) -> tuple[Objects, np.ndarray, np.ndarray]:
    found = choose_outputs(outputs, use, 4, "the head decoded")
    settings = {"use_outputs": None, "box_format": None, "normalized": None}
    objects = Objects(*decode_decoded(dict(found[:3]), size, settings))
    name, array = found[3]
    if array.ndim != 3 or array.shape[2] != 3 or len(array) != len(objects.boxes):
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected ({len(objects.boxes)}, points, 3)")
    return objects, np.asarray(array[:, :, :2], np.float64), array[:, :, 2]


def _size(size: Any, head: str) -> tuple[int, int]:
    if size is None:
        raise ValueError(f"the head {head} needs the size of the network's input, which is not known")
    return int(size[0]), int(size[1])


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with the points that are seen, and the skeleton between them."""
    import cv2

    picture, factor = canvas(image_bgr), zoom(image_bgr)
    width = line_width(picture)
    for number, thing in reversed(list(enumerate(result["objects"]))):
        at = [(round(factor * p["x"]), round(factor * p["y"])) for p in thing["keypoints"]]
        seen = [p["seen"] for p in thing["keypoints"]]
        if thing["box"] is not None:
            outline(picture, [factor * edge for edge in thing["box"]], color_of(number))
        bones = [(k, a, b) for k, (a, b) in enumerate(result["skeleton"]) if seen[a] and seen[b]]
        for _, a, b in bones:
            cv2.line(picture, at[a], at[b], (0, 0, 0), 2 * width + 2, cv2.LINE_AA)
        for k, a, b in bones:
            cv2.line(picture, at[a], at[b], color_of(k), 2 * width, cv2.LINE_AA)
        for k, spot in enumerate(at):
            if seen[k]:
                cv2.circle(picture, spot, 2 * width + 1, (0, 0, 0), cv2.FILLED, cv2.LINE_AA)
                cv2.circle(picture, spot, 2 * width, (255, 255, 255) if bones else color_of(k), cv2.FILLED, cv2.LINE_AA)
    return picture


def describe(result: Mapping[str, Any]) -> str:
    """The points that are seen; of several objects how many are seen of each."""
    if len(result["objects"]) != 1:
        counts = [
            f"{thing['score']:.1%} with {sum(p['seen'] for p in thing['keypoints'])} points"
            for thing in result["objects"]
        ]
        return ", ".join(counts) or "nothing found"
    seen = [p for p in result["objects"][0]["keypoints"] if p["seen"]]
    return ", ".join(f"{one_line(p['label'])} {p['x']:.0f},{p['y']:.0f}" for p in seen) or "no point seen"
