"""A number for each pixel: depth, height, saliency, anomaly. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "depth", "size": [height, width], "min": 0.4, "max": 9.1, "mean": 2.5, "colors": "heat", "inverted":
false, "map": float32 array (height, width)}. The map has the size of the picture, NaN where the network did not look; the
program's --json gives its shape and range, and -o writes it in colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption
from converter.tasks._masks import place_in, resize_map, seen_part
from converter.tasks._outputs import choose_outputs

COLOR_STEPS: Mapping[
    str, Any
] = {  # RGB at equal distances, from the lowest number to the highest; brightness rises evenly
    "heat": ((8, 6, 30), (66, 14, 98), (136, 34, 106), (198, 60, 74), (238, 116, 36), (250, 186, 60), (252, 252, 190)),
    "cool": ((60, 16, 84), (62, 74, 136), (44, 116, 142), (34, 156, 136), (98, 200, 100), (246, 230, 58)),
    "gray": ((0, 0, 0), (255, 255, 255)),
}
CHOICES = {"colors": tuple(COLOR_STEPS), "resize": ("bilinear", "nearest")}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    scale: float = 1.0,
    shift: float = 0.0,
    invert: bool = False,
    colors: str = "heat",
    resize: str = "bilinear",
    channel: int = 0,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The map of an output (1, h, w), (h, w) or (1, channels, h, w), times `scale` plus `shift`, put back onto the picture.

    invert: the colours the other way round, bright for the lowest. channel: which one, of several.
    Raises ValueError for NaN, infinity, or another shape.
    """
    ((name, output),) = choose_outputs(outputs, use_outputs, 1, "the task depth")
    if not 2 <= output.ndim <= 4 or (output.ndim > 2 and output.shape[0] != 1) or output.size == 0:
        raise ValueError(
            f"output {name!r} has shape {list(output.shape)}, expected (1, h, w), (h, w) or (1, channels, h, w)"
        )
    planes = output.reshape((-1, *output.shape[-2:]))
    if not -len(planes) <= channel < len(planes):
        raise ValueError(f"output {name!r} has {len(planes)} channels, none of number {channel}")
    found = (planes[channel].astype(np.float64) * scale + shift).astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError(f"output {name!r} holds NaN or infinity: it is no map")
    if image_bgr is not None and resize == "bilinear":
        found = resize_map(found, image_bgr.shape, region)
    elif image_bgr is not None:
        (left, top, right, bottom), seen = seen_part(image_bgr.shape, region, found.shape)
        rows = place_in(np.arange(image_bgr.shape[0]), top, bottom, found.shape[0]).clip(0, found.shape[0] - 1)
        columns = place_in(np.arange(image_bgr.shape[1]), left, right, found.shape[1]).clip(0, found.shape[1] - 1)
        found = np.where(seen, found[rows][:, columns], np.float32(np.nan))
    known = found[~np.isnan(found)]
    return {
        "task": "depth",
        "size": list(found.shape),
        "min": float(known.min()) if known.size else None,
        "max": float(known.max()) if known.size else None,
        "mean": float(known.mean(dtype=np.float64)) if known.size else None,
        "colors": colors,
        "inverted": invert,
        "map": found,
    }


def color_map(levels: np.ndarray, name: str) -> np.ndarray:
    """Numbers from 0 to 1 as colours: uint8 (..., 3) BGR."""
    steps = np.array(COLOR_STEPS[name], np.float64)[:, ::-1]
    table = np.stack(
        [np.interp(np.linspace(0, len(steps) - 1, 256), np.arange(len(steps)), c) for c in steps.T], axis=1
    )
    return np.asarray(table.round().astype(np.uint8)[(np.clip(levels, 0.0, 1.0) * 255).round().astype(np.int64)])


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The map in colours from its lowest number to its highest, with a scale in a strip below; grey where it is not known."""
    found = result["map"]
    low, high = result["min"] or 0.0, result["max"] or 0.0
    levels = (found - low) / ((high - low) or 1.0)
    ramp = np.linspace(0.0, 1.0, 256)
    if result["inverted"]:
        levels, ramp = 1.0 - levels, 1.0 - ramp
    known = ~np.isnan(found)
    colored = color_map(np.where(known, levels, 0.0), result["colors"])
    dark = canvas_like(image_bgr) // 4
    drawn = caption(canvas(np.where(known[:, :, np.newaxis], colored, dark)), [f"{low:.4g} to {high:.4g}"])
    strip = color_map(ramp[np.arange(drawn.shape[1]) * 256 // drawn.shape[1]], result["colors"])
    height = max(4, drawn.shape[0] // 60)
    return np.concatenate([drawn, np.broadcast_to(strip, (height, *strip.shape))])


def canvas_like(image_bgr: np.ndarray) -> np.ndarray:
    """The picture with three channels, at its size."""
    picture = np.atleast_3d(image_bgr)[:, :, :3]
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def describe(result: Mapping[str, Any]) -> str:
    """The map's size and range."""
    text = "{}x{}".format(*result["size"])
    return text if result["min"] is None else text + " from {min:.6g} to {max:.6g}, mean {mean:.6g}".format(**result)
