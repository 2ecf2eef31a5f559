"""One class per pixel. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "segmentation", "size": [height, width], "classes": [{"index": 0, "label": "sky", "pixels": 812,
"share": 0.4}, ...], "background": 0, "runs": [class, length, class, length, ...]}. Classes are ordered by share. `runs`
is the mask at the size of the picture, row after row, -1 where the network did not look (outside of a centre crop);
`decode_mask` makes an array of it. `background` is the class that is not coloured, None where all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption, one_line, palette
from converter.tasks._masks import (
    ROWS_AT_ONCE,
    between,
    bilinear,
    decode_runs,
    encode_runs,
    place_in,
    seen_part,
)
from converter.tasks._outputs import choose_outputs, label_of, sigmoid

LEGEND_LINES = 24
CHOICES = {"activation": ("argmax", "sigmoid", "none"), "resize": ("nearest", "bilinear")}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    activation: str = "argmax",
    threshold: float = 0.5,
    resize: str = "nearest",
    background: Any = 0,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The class of each pixel of an output (1, classes, height, width), put back onto the picture.

    activation: "argmax": the highest of two classes or more. "sigmoid" (the network gives logits) or "none" (it gives
    probabilities): each class for itself, for networks with one class, and for those whose classes may overlap; the pixel's
    class is the most probable one where that is above `threshold`, else 0, and the network's classes count from 1.
    resize: "nearest": each pixel takes the class of the nearest place of the network's mask; "bilinear": the scores are resized
    first (align_corners=False), then decided. An output (1, height, width) of whole numbers holds the classes themselves.
    Raises ValueError for NaN, another shape, or one class with "argmax".
    """
    ((name, output),) = choose_outputs(outputs, use_outputs, 1, "the task segmentation")
    if output.ndim == 3 and output.shape[0] == 1 and output.dtype.kind in "iu":
        return _result(_put_back(output[0].astype(np.int64), image_bgr, region), labels, background)
    if output.ndim != 4 or output.shape[0] != 1:
        raise ValueError(f"output {name!r} has shape {output.shape}, not (1, classes, height, width)")
    if np.isnan(output).any():
        raise ValueError(f"output {name!r} holds NaN: it has no arg-max")
    if activation == "argmax" and output.shape[1] == 1:
        raise ValueError(
            f'output {name!r} has one class: its arg-max says nothing. Set activation to "sigmoid" or "none"'
        )
    rule = (activation, threshold)
    if resize == "bilinear" and image_bgr is not None:
        mask = _decide_resized(output[0], rule, image_bgr.shape, region)
    else:
        mask = _put_back(_decide(output[0], rule), image_bgr, region)
    if activation != "argmax" and labels is not None and len(labels) == output.shape[1]:
        labels = ["background", *labels]  # the network's classes count from 1
    return _result(mask, labels, background)


def class_count(shapes: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> int | None:
    """How many labels a network with these outputs takes, None where its outputs do not tell."""
    return shapes[0][1] if len(shapes[0]) == 4 and settings["activation"] == "argmax" else None


def _decide(scores: np.ndarray, rule: tuple[str, float]) -> np.ndarray:
    """The class at each place of (classes, height, width)."""
    activation, threshold = rule
    best = scores.argmax(axis=0)
    if activation == "argmax":
        return np.asarray(best)
    highest = scores.max(axis=0)
    return np.where((sigmoid(highest) if activation == "sigmoid" else highest) > threshold, best + 1, 0)


def _decide_resized(scores: np.ndarray, rule: tuple[str, float], shape: Sequence[int], region: Any) -> np.ndarray:
    """`_decide` of the scores at the size of the picture, a few rows at a time."""
    (left, top, right, bottom), seen = seen_part(shape, region, scores.shape[1:])
    columns = between(np.arange(shape[1]), left, right, scores.shape[2])
    mask = np.empty((shape[0], shape[1]), np.int64)
    for start in range(0, shape[0], ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, shape[0]))
        mask[rows] = _decide(bilinear(scores, between(rows, top, bottom, scores.shape[1]), columns), rule)
    return np.where(seen, mask, -1)


def _put_back(mask: np.ndarray, image_bgr: np.ndarray | None, region: Any) -> np.ndarray:
    """The mask (h, w) at the size of the picture, each pixel from the nearest place, -1 where the network did not look."""
    if image_bgr is None:
        return mask
    (left, top, right, bottom), seen = seen_part(image_bgr.shape, region, mask.shape)
    rows = np.clip(place_in(np.arange(image_bgr.shape[0]), top, bottom, mask.shape[0]), 0, mask.shape[0] - 1)
    columns = np.clip(place_in(np.arange(image_bgr.shape[1]), left, right, mask.shape[1]), 0, mask.shape[1] - 1)
    return np.where(seen, mask[rows][:, columns], -1)


def _result(mask: np.ndarray, labels: Any, background: Any) -> dict[str, Any]:
    found, counts = np.unique(mask[mask >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {
        "task": "segmentation",
        "size": list(mask.shape),
        "classes": [
            {
                "index": int(found[i]),
                "label": label_of(labels, int(found[i])),
                "pixels": int(counts[i]),
                "share": float(counts[i] / counts.sum()),
            }
            for i in order
        ],
        "background": background,
        "runs": encode_runs(mask),
    }


def decode_mask(result: Mapping[str, Any]) -> np.ndarray:
    """The result's mask: int32 (height, width), -1 where the network did not look."""
    return decode_runs(result["runs"], result["size"])


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture under its mask in colours, half and half, and a legend of its classes in a strip below."""
    import cv2

    mask = decode_mask(result)
    colors = palette(max(2, int(mask.max()) + 1))[mask.clip(0)]
    picture = image_bgr if image_bgr.ndim == 3 else image_bgr[:, :, np.newaxis]
    blended = (picture[:, :, :3].astype(np.uint16) + colors) // 2
    background = result.get("background", 0)
    seen = ((mask >= 0) & (mask != (-1 if background is None else background)))[:, :, np.newaxis]
    overlay = canvas(np.where(seen, blended, picture[:, :, :3]).astype(np.uint8))
    shown = result["classes"][:LEGEND_LINES]
    lines = [f"    {found['share']:7.2%}  {found['label']}" for found in shown]
    if len(result["classes"]) > len(shown):
        lines.append(f"    and {len(result['classes']) - len(shown)} more")
    drawn = caption(overlay, lines)
    step = (drawn.shape[0] - overlay.shape[0]) // max(1, len(lines))
    for number, found in enumerate(shown):  # the class's colour, at the line's begin
        top, left, edge = overlay.shape[0] + number * step + step // 4, step // 3, step // 2
        color = [int(level) for level in palette(found["index"] + 1)[found["index"]]]
        cv2.rectangle(drawn, (left, top), (left + edge, top + edge), color, cv2.FILLED)
        cv2.rectangle(drawn, (left, top), (left + edge, top + edge), (255, 255, 255), 1)
    return drawn


def describe(result: Mapping[str, Any]) -> str:
    """The classes and their shares of the picture, largest first."""
    return ", ".join(f"{one_line(found['label'])} {found['share']:.1%}" for found in result["classes"])
