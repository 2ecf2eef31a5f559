"""Where a picture's pixels come to lie in the blob. Pasted verbatim into deploy.py: the standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


def resized_shape(height: int, width: int, spec: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) of the whole picture after the resize, at least 1 x 1. `spec` is Preprocess.to_dict()."""
    rule, size, rounding = spec["resize"], spec["resize_size"], spec["rounding"]
    if rule is None:
        return height, width
    if rule == "stretch":
        return size[0], size[1]
    short, long = min(height, width), max(height, width)
    if rule == "shortest":
        edges = _shortest(short, long, size, spec["max_size"], rounding)
    elif rule == "longest" and rounding == "truncate":  # torchvision's Resize(None, max_size)
        edges = int(size * short / long), size
    else:
        if rule == "longest":
            ratio = size / long
        elif rule == "bounds":  # torchvision's detection networks
            ratio = min(size[0] / short, size[1] / long)
        else:  # "fit" and "cover" a box of (height, width)
            ratio = (min if rule == "fit" else max)(size[0] / height, size[1] / width)
        if not spec["upscale"]:
            ratio = min(ratio, 1.0)
        whole = round if rounding == "round" else int
        return max(whole(height * ratio), 1), max(whole(width * ratio), 1)
    if not spec["upscale"] and edges[0] >= short and edges[1] >= long:
        return height, width
    edges = max(edges[0], 1), max(edges[1], 1)
    return edges if height <= width else (edges[1], edges[0])


def _shortest(short: int, long: int, size: int, most: Any, rounding: str) -> tuple[int, int]:
    """(short, long) after the short edge becomes `size`, and the long one at most `most`, where that is not None."""
    if rounding == "round":  # Albumentations' SmallestMaxSize
        return round(short * (size / short)), round(long * (size / short))
    if rounding == "detr" and most is not None and long / short * size > most:  # DETR's, which rounds only here
        exact = most * short / long
        return round(exact), int(exact * long / short)
    edges = size, int(size * long / short)  # torchvision's
    if rounding != "detr" and most is not None and edges[1] > most:
        return int(most * edges[0] / edges[1]), most
    return edges


def blob_origin(height: int, width: int, spec: Mapping[str, Any]) -> tuple[int, int]:
    """(top, left): where the blob begins in the resized picture of this size; negative where it begins in padding."""
    if spec["crop"] is None and spec["pad"] in (None, "topleft"):
        return 0, 0
    top, left = (_middle(wanted, found, spec["crop_rounding"]) for wanted, found in zip(spec["size"], (height, width)))
    return top, left


def _middle(wanted: int, found: int, rounding: str) -> int:
    if rounding == "floor":
        return (found - wanted) // 2
    if found < wanted:
        return -((wanted - found) // 2)
    return round((found - wanted) / 2.0) if rounding == "half_even" else (found - wanted) // 2
