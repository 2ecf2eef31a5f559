"""A picture from a picture: super-resolution, style, restoration. Pasted into deploy.py: numpy only.

Result: {"task": "image", "size": [height, width], "clipped": 0.01, "image": uint8 array (height, width, 3) BGR}. `clipped` is
the share of numbers that were beyond the range: a large one says that `low` and `high` are not the network's. The program's
--json gives the picture's shape, and -o writes it at its own size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._masks import between, bilinear
from converter.tasks._outputs import choose_outputs

CHOICES = {"color": ("RGB", "BGR", "GRAY", "Y")}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    low: float = 0.0,
    high: float = 1.0,
    color: str = "RGB",
    keep_size: bool = True,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The picture in an output (1, channels, h, w): `low` becomes 0, `high` 255, rounded and clipped.

    color: the order of three channels, "RGB" or "BGR"; one channel is "GRAY", or "Y": the brightness, to which the colours of
    the picture are added, enlarged (bilinear). What shows the padding around the picture is cut off.
    keep_size: the network's own size; otherwise the picture is resized (bilinear) to that of the one that was given.
    Raises ValueError for NaN, another shape, or low equal to high.
    """
    ((name, output),) = choose_outputs(outputs, use_outputs, 1, "the task image")
    wanted = 3 if color in ("RGB", "BGR") else 1
    if output.ndim != 4 or output.shape[:2] != (1, wanted):
        raise ValueError(
            f"output {name!r} has shape {list(output.shape)}, expected [1, {wanted}, height, width] for {color}"
        )
    if np.isnan(output).any():
        raise ValueError(f"output {name!r} holds NaN: it is no picture")
    if low == high:
        raise ValueError(f"low and high are both {low}")
    levels = (output[0].astype(np.float64) - low) * (255.0 / (high - low))
    clipped = float(((levels < -0.5) | (levels > 255.5)).mean())
    found = np.floor(np.clip(levels, 0.0, 255.0) + 0.5).astype(np.uint8)
    area = (0.0, 0.0, 1.0, 1.0)  # of the picture, that `found` shows
    if image_bgr is not None and region is not None:
        found, area = _without_padding(found, image_bgr.shape, region)
    if color == "RGB":
        found = found[::-1]
    if color == "Y" and image_bgr is not None:
        found = _with_colors(found[0], image_bgr, area)
    if not keep_size and image_bgr is not None:
        height = max(1, round((area[3] - area[1]) * image_bgr.shape[0]))
        width = max(1, round((area[2] - area[0]) * image_bgr.shape[1]))
        rows = between(np.arange(height), 0, height, found.shape[1])
        columns = between(np.arange(width), 0, width, found.shape[2])
        found = np.floor(bilinear(found, rows, columns) + 0.5).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(found, (3, *found.shape[1:])).transpose(1, 2, 0))
    return {"task": "image", "size": list(picture.shape[:2]), "clipped": clipped, "image": picture}


def _without_padding(found: np.ndarray, shape: Sequence[int], region: Sequence[float]) -> Any:
    """`found` (C, h, w) without what lies outside of the picture, and the part of the picture that is left, from 0 to 1."""
    (left, top, right, bottom), (height, width) = region, shape[:2]
    y, x = found.shape[1] / (bottom - top), found.shape[2] / (right - left)
    rows = slice(max(0, round(-top * y)), found.shape[1] - max(0, round((bottom - height) * y)))
    columns = slice(max(0, round(-left * x)), found.shape[2] - max(0, round((right - width) * x)))
    area = (max(left, 0) / width, max(top, 0) / height, min(right, width) / width, min(bottom, height) / height)
    return found[:, rows, columns], area


def _with_colors(brightness: np.ndarray, image_bgr: np.ndarray, area: Sequence[float]) -> np.ndarray:
    """uint8 (3, h, w) BGR of a brightness (h, w) and the chroma of a part of the picture (JPEG's YCbCr)."""
    picture = np.atleast_3d(image_bgr)[:, :, :3].astype(np.float32)
    blue, green, red = np.moveaxis(np.broadcast_to(picture, (*picture.shape[:2], 3)), 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    height, width = picture.shape[:2]
    rows, columns = (
        between(low * edge + (np.arange(size) + 0.5) * (high - low) * edge / size - 0.5, 0, edge, edge)
        for low, high, edge, size in (
            (area[1], area[3], height, brightness.shape[0]),
            (area[0], area[2], width, brightness.shape[1]),
        )
    )
    from_blue, from_red = bilinear(np.stack([blue - luma, red - luma]), rows, columns)
    new_blue, new_red = brightness + from_blue, brightness + from_red
    new_green = (brightness - 0.299 * new_red - 0.114 * new_blue) / 0.587
    planes = np.clip(np.stack([new_blue, new_green, new_red]), 0, 255)
    return np.asarray(np.floor(planes + 0.5).astype(np.uint8))


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture that the network made, as it is."""
    return np.array(result["image"])


def describe(result: Mapping[str, Any]) -> str:
    """The picture's size, and how much of it was beyond the range."""
    text = "{}x{} picture".format(*result["size"])
    return text + (f", {result['clipped']:.1%} beyond the range" if result["clipped"] >= 0.0005 else "")
