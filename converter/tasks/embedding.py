"""A vector that tells how alike two pictures are. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "embedding", "size": 128, "norm": 7.1, "vector": [0.01, ...]}. `norm` is the length of the network's own
vector; `vector` has length 1 where `normalize` is set. `compare` of two results gives {"cosine": 0.83, "distance": 0.58}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption
from converter.tasks._outputs import choose_outputs


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    normalize: bool = True,
    use_outputs: Any = None,
) -> dict[str, Any]:
    """All numbers of an output as a vector, of Euclidean length 1 with `normalize`.

    Raises ValueError for NaN, infinity, more than one sample, or a vector of zeros that should have length 1.
    """
    ((name, output),) = choose_outputs(outputs, use_outputs, 1, "the task embedding")
    if output.size == 0 or (output.ndim > 1 and output.shape[0] != 1):
        raise ValueError(f"output {name!r} has shape {list(output.shape)}, expected one sample, (1, numbers)")
    vector = np.asarray(output, np.float64).reshape(-1)
    if not np.isfinite(vector).all():
        raise ValueError(f"output {name!r} holds NaN or infinity: it is no vector")
    norm = float(np.sqrt(np.square(vector).sum()))
    if normalize and norm == 0.0:
        raise ValueError(f"output {name!r} holds zeros only: it has no direction")
    vector = vector / norm if normalize else vector
    return {"task": "embedding", "size": len(vector), "norm": norm, "vector": [float(number) for number in vector]}


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, float]:
    """How alike two results are: the cosine of the angle between them (1: the same direction), and their distance.

    Raises ValueError for vectors of different sizes or of zeros only.
    """
    a, b = np.array(first["vector"], np.float64), np.array(second["vector"], np.float64)
    if a.shape != b.shape:
        raise ValueError(f"a vector of {a.size} numbers cannot be compared with one of {b.size}")
    length = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    if length == 0.0:
        raise ValueError("a vector of zeros has no direction")
    return {"cosine": float(np.dot(a, b) / length), "distance": float(np.sqrt(np.square(a - b).sum()))}


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with its vector as a row of bars below, positive numbers up and negative ones down."""
    picture = caption(canvas(image_bgr), [describe(result)])
    vector = np.array(result["vector"])
    columns = vector[np.arange(picture.shape[1]) * len(vector) // picture.shape[1]] / (np.abs(vector).max() or 1.0)
    half = max(16, picture.shape[0] // 12)
    height = (half - np.arange(2 * half) - 0.5)[:, np.newaxis] / half
    bars = np.full((2 * half, picture.shape[1], 3), 32, np.uint8)
    bars[(height > 0) & (height < columns)] = (220, 190, 90)
    bars[(height < 0) & (height > columns)] = (80, 90, 190)
    return np.concatenate([picture, bars])


def describe(result: Mapping[str, Any]) -> str:
    """The vector's size, length and first numbers."""
    first = ", ".join(f"{number:.3g}" for number in result["vector"][:4])
    return f"{result['size']} numbers, norm {result['norm']:.4g}: {first}{', ...' if result['size'] > 4 else ''}"
