"""The boxes that SSD and RetinaNet start from. Pasted into deploy.py: numpy only.

Both follow torchvision's generators, and each other's order: level by level, row by row, cell by cell, shape by shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

BOX_LIMIT = math.log(1000.0 / 16.0)  # of the logarithm of a box's size, before exp


def ssd_anchors(size: Sequence[int], recipe: Mapping[str, Any]) -> np.ndarray:
    """SSD's default boxes for an input of (height, width), float64 (N, 4): left, top, right, bottom in pixels.

    recipe: "grids" [[rows, columns], ...], "scales" of the input (one more than grids), "aspect_ratios" of each grid; "steps"
    in pixels of each grid (default: input / grid), "clip" the sizes to the input (default: true).
    Raises ValueError when these do not belong together.
    """
    grids, scales, ratios = (_given(recipe, name, "ssd") for name in ("grids", "scales", "aspect_ratios"))
    steps = recipe.get("steps") or [None] * len(grids)
    if not len(grids) == len(scales) - 1 == len(ratios) == len(steps):
        raise ValueError(
            f"anchors of ssd: {len(grids)} grids need as many aspect_ratios and steps, and one scale more; there are "
            f"{len(ratios)}, {len(steps)} and {len(scales)}"
        )
    levels = []
    for level, (rows, columns) in enumerate(grids):
        between = math.sqrt(scales[level] * scales[level + 1])
        shapes = [(scales[level], scales[level]), (between, between)]
        for ratio in ratios[level]:
            wide, narrow = scales[level] * math.sqrt(ratio), scales[level] / math.sqrt(ratio)
            shapes += [(wide, narrow), (narrow, wide)]
        extent = np.array(shapes)
        if recipe.get("clip", True):
            extent = extent.clip(0.0, 1.0)
        step = steps[level]
        pitch = (size[0] / rows, size[1] / columns) if step is None else (step, step)
        levels.append(_grid(rows, columns, pitch, 0.5, extent * np.array([size[1], size[0]])))
    return np.concatenate(levels)


def retinanet_anchors(size: Sequence[int], recipe: Mapping[str, Any]) -> np.ndarray:
    """RetinaNet's anchors for an input of (height, width), float64 (N, 4): left, top, right, bottom in pixels.

    recipe: "sizes" in pixels, a list for each level, "aspect_ratios" (height to width), and "strides" of the levels or their
    "grids" [[rows, columns], ...]; of grids alone the strides are input // grid, of strides alone the grids are input /
    stride, rounded up. Raises ValueError when these do not belong together.
    """
    sizes, ratios = (_given(recipe, name, "retinanet") for name in ("sizes", "aspect_ratios"))
    grids, strides = recipe.get("grids"), recipe.get("strides")
    if grids is None:
        grids = [[-(-edge // stride) for edge in size] for stride in _given(recipe, "strides", "retinanet")]
    pitches = [(size[0] // g[0], size[1] // g[1]) for g in grids] if strides is None else [(s, s) for s in strides]
    if not len(sizes) == len(grids) == len(pitches):
        raise ValueError(f"anchors of retinanet: {len(sizes)} levels of sizes, but {len(grids)} grids or strides")
    levels = []
    for (rows, columns), pitch, edges in zip(grids, pitches, sizes):
        extent = [(edge / math.sqrt(ratio), edge * math.sqrt(ratio)) for ratio in ratios for edge in edges]
        half = np.round(np.array(extent, np.float32) / 2)  # whole pixels, rounded as torchvision does
        levels.append(_grid(rows, columns, pitch, 0.0, 2.0 * half.astype(np.float64)))
    return np.concatenate(levels)


def _given(recipe: Mapping[str, Any], name: str, head: str) -> Any:
    if not isinstance(recipe.get(name), (list, tuple)) or not recipe[name]:
        raise ValueError(f"anchors of {head} need a list of {name}; given: {', '.join(recipe) or 'nothing'}")
    return recipe[name]


def _grid(rows: int, columns: int, pitch: Sequence[float], center: float, extent: np.ndarray) -> np.ndarray:
    """Boxes of each extent (K, 2), width and height, around each cell's place: (rows * columns * K, 4)."""
    x, y = np.meshgrid((np.arange(columns) + center) * pitch[1], (np.arange(rows) + center) * pitch[0])
    places = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    return np.concatenate([places - extent / 2, places + extent / 2], axis=2).reshape(-1, 4)
