"""One class per picture. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "classification", "classes": [{"index": 7, "label": "seven", "score": 0.98}, ...]}, best first. Where
there are no labels, `label` is the index as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption, one_line

CHOICES = {"activation": ("softmax", "sigmoid", "none")}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    top_k: int = 5,
    activation: str = "softmax",
) -> dict[str, Any]:
    """The `top_k` best classes of the first output, (1, classes).

    `activation` makes scores of the numbers: "softmax", "sigmoid", or "none" where the network ends in one itself.
    Raises ValueError for NaN or +infinity (no scores come of them), another activation, or more than one sample.
    """
    name, output = next(iter(outputs.items()))
    numbers = np.asarray(output, np.float64).reshape(-1)
    if output.ndim > 1 and output.shape[0] != 1:
        raise ValueError(f"output {name!r} holds {output.shape[0]} samples; postprocess takes one at a time")
    if not np.isfinite(numbers.max()):  # NaN wins every maximum
        raise ValueError(f"output {name!r} holds NaN or infinity: its classes cannot be ranked")
    if activation == "softmax":
        scores = np.exp(numbers - numbers.max())  # shifted: exp must not overflow
        scores = scores / scores.sum()
    elif activation == "sigmoid":
        scores = 0.5 * (1.0 + np.tanh(0.5 * numbers))  # the sigmoid, without overflow
    elif activation == "none":
        scores = numbers
    else:
        raise ValueError(f"activation is {activation!r}, not softmax, sigmoid or none")
    best = np.argsort(-numbers, kind="stable")[: max(1, top_k)]  # stable: of equal numbers the first class wins
    return {
        "task": "classification",
        "classes": [
            {
                "index": int(index),
                "label": labels[index] if labels is not None and index < len(labels) else str(index),
                "score": float(scores[index]),
            }
            for index in best
        ],
    }


def class_count(shapes: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> int | None:
    """How many labels a network with these outputs takes, None where they do not tell."""
    return shapes[0][1] if len(shapes[0]) > 1 else None


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with its classes and scores in a strip below."""
    classes = result["classes"]
    lines = [f"{found['score']:7.2%}  {found['label']}" for found in classes]
    return caption(canvas(image_bgr), lines, [min(max(found["score"], 0.0), 1.0) for found in classes])


def describe(result: Mapping[str, Any]) -> str:
    """The classes and scores, best first."""
    return ", ".join(f"{one_line(found['label'])} {found['score']:.2%}" for found in result["classes"])
