"""Detectors' outputs as boxes, scores and classes: a function for each kind of head. Pasted into deploy.py: numpy only.

Each takes the network's outputs for one sample and the task's settings, and gives

    boxes (N, 4) float64: left, top, right, bottom in pixels of the network's input
    scores (N, C) float: a score for each class

or, where the network has chosen a class for each box, scores (N,) and classes (N,). Formulas:
those of the head's published code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from converter.tasks._boxes import from_centers
from converter.tasks._outputs import choose_outputs, one_sample


def decode_yolov5(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, N, 5 + classes): centre x, y, width, height in pixels, objectness, class scores; a score is their product."""
    ((name, array),) = choose_outputs(outputs, settings["use_outputs"], 1, "the head yolov5")
    rows = one_sample(name, array, 2, "(1, boxes, 5 + classes)")
    if rows.shape[1] < 6:
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected (1, boxes, 5 + classes)")
    return from_centers(rows[:, :4]), rows[:, 4:5] * rows[:, 5:]


def decode_yolov8(outputs: Mapping[str, np.ndarray], size: Any, settings: Mapping[str, Any]) -> Any:
    """(1, 4 + classes, N): centre x, y, width, height in pixels, class scores."""
    ((name, array),) = choose_outputs(outputs, settings["use_outputs"], 1, "the head yolov8")
    columns = one_sample(name, array, 2, "(1, 4 + classes, boxes)")
    if columns.shape[0] < 5:
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected (1, 4 + classes, boxes)")
    return from_centers(columns[:4].T), columns[4:].T


HEADS: Mapping[str, Any] = {  # name: (decoder, whether its boxes overlap)
    "yolov8": (decode_yolov8, True),
    "yolov5": (decode_yolov5, True),
}
