"""One class per pixel. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "segmentation", "size": [height, width], "classes": [{"index": 0, "label": "sky", "pixels": 812,
"share": 0.4}, ...], "runs": [class, length, class, length, ...]}. Classes are ordered by share. `runs` is the mask at
the size of the picture, row after row, -1 where the network did not look (outside of a centre crop); `decode_mask`
makes an array of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption, one_line, palette


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The arg-max over axis 1 of the first output, (1, classes, height, width), put back onto the picture.

    Each pixel takes the class of the nearest place of the network's mask. Raises ValueError for NaN or another shape.
    """
    name, output = next(iter(outputs.items()))
    if output.ndim != 4 or output.shape[0] != 1:
        raise ValueError(f"output {name!r} has shape {output.shape}, not (1, classes, height, width)")
    if np.isnan(output).any():
        raise ValueError(f"output {name!r} holds NaN: it has no arg-max")
    mask = output[0].argmax(axis=0)
    if image_bgr is not None:
        height, width = image_bgr.shape[:2]
        left, top, right, bottom = region if region is not None else (0, 0, width, height)
        rows = place_in(np.arange(height), top, bottom, mask.shape[0])
        columns = place_in(np.arange(width), left, right, mask.shape[1])
        whole = mask[np.clip(rows, 0, mask.shape[0] - 1)][:, np.clip(columns, 0, mask.shape[1] - 1)]
        seen = ((rows >= 0) & (rows < mask.shape[0]))[:, np.newaxis] & ((columns >= 0) & (columns < mask.shape[1]))
        mask = np.where(seen, whole, -1)
    found, counts = np.unique(mask[mask >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {
        "task": "segmentation",
        "size": list(mask.shape),
        "classes": [
            {
                "index": int(found[i]),
                "label": labels[found[i]] if labels is not None and found[i] < len(labels) else str(found[i]),
                "pixels": int(counts[i]),
                "share": float(counts[i] / counts.sum()),
            }
            for i in order
        ],
        "runs": encode_runs(mask),
    }


def place_in(pixels: np.ndarray, low: float, high: float, size: int) -> np.ndarray:
    """For the centres of pixels: the index among `size` equal parts of low..high; outside it is negative or >= size."""
    return np.floor((pixels + 0.5 - low) * size / (high - low)).astype(np.int64)


def encode_runs(mask: np.ndarray) -> list[int]:
    """Run lengths of an integer array, row after row: [value, length, value, length, ...]."""
    flat = mask.reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    lengths = np.diff(np.concatenate([starts, [flat.size]]))
    return [int(number) for number in np.stack([flat[starts], lengths], axis=1).reshape(-1)]


def decode_mask(result: Mapping[str, Any]) -> np.ndarray:
    """The result's mask: int32 (height, width), -1 where the network did not look."""
    runs = np.array(result["runs"], np.int64)
    return np.repeat(runs[0::2], runs[1::2]).astype(np.int32).reshape(result["size"])


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture under its mask in colours, half and half, and the largest classes in a strip below."""
    mask = decode_mask(result)
    colors = palette(max(2, int(mask.max()) + 1))[mask.clip(0)]
    picture = image_bgr if image_bgr.ndim == 3 else image_bgr[:, :, np.newaxis]
    blended = (picture[:, :, :3].astype(np.uint16) + colors) // 2
    seen = (mask > 0)[:, :, np.newaxis]  # class 0 is the background: the picture stays
    overlay = np.where(seen, blended, picture[:, :, :3]).astype(np.uint8)
    largest = result["classes"][:5]
    picture = caption(canvas(overlay), [f"{found['share']:7.2%}  {found['label']}" for found in largest])
    strip = picture.shape[0] - canvas(overlay).shape[0]
    step = strip // max(1, len(largest))
    for number, found in enumerate(largest):  # the legend's colour, at the right edge
        top = picture.shape[0] - strip + number * step
        picture[top + step // 4 : top + step, -step:] = palette(found["index"] + 1)[found["index"]]
    return picture


def describe(result: Mapping[str, Any]) -> str:
    """The classes and their shares of the picture, largest first."""
    return ", ".join(f"{one_line(found['label'])} {found['share']:.1%}" for found in result["classes"])
