"""Outputs of networks that were never run: for each task some that its defaults read, for inputs of 32 x 32."""

from __future__ import annotations

import numpy as np

CLASSES = 6
"""As many as the tests have labels."""


def yolov8(rng: np.random.Generator, count: int = 40) -> dict[str, np.ndarray]:
    """(1, 4 + classes, count): boxes that may reach outside of the input, and scores."""
    boxes = np.concatenate([rng.uniform(0, 32, (2, count)), rng.uniform(1, 24, (2, count))])
    return {"y": np.concatenate([boxes, rng.uniform(0, 1, (CLASSES, count)) ** 4])[None].astype(np.float32)}


def example(task: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    if task == "detection":
        return yolov8(rng)
    if task == "segmentation":
        return {"y": rng.normal(size=(1, CLASSES, 5, 5)).astype(np.float32)}
    return {"y": rng.normal(size=(1, CLASSES)).astype(np.float32)}
