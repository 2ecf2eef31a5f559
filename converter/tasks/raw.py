"""Outputs as they are, in numbers. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "raw", "outputs": [{"name": "y", "shape": [1, 8], "dtype": "float32", "min": 0.0, "max": 1.0,
"mean": 0.5, "not_finite": 0}, ...]}. min, max and mean are those of the finite numbers, None where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption, one_line


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Name, shape, type and range of each output."""
    found = []
    for name, output in outputs.items():
        numbers = np.asarray(output, np.float64)
        finite = numbers[np.isfinite(numbers)]
        found.append(
            {
                "name": name,
                "shape": list(output.shape),
                "dtype": str(output.dtype),
                "min": float(finite.min()) if finite.size else None,
                "max": float(finite.max()) if finite.size else None,
                "mean": float(finite.mean()) if finite.size else None,
                "not_finite": int(numbers.size - finite.size),
            }
        )
    return {"task": "raw", "outputs": found}


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with a line for each output in a strip below."""
    return caption(canvas(image_bgr), [_line(found) for found in result["outputs"]])


def describe(result: Mapping[str, Any]) -> str:
    """A sentence for each output."""
    return "; ".join(_line(found) for found in result["outputs"])


def _line(found: Mapping[str, Any]) -> str:
    shape = "x".join(str(size) for size in found["shape"]) or "scalar"
    text = f"{one_line(found['name'])} {shape} {found['dtype']}"
    if found["min"] is not None:
        text += " min {min:.6g} max {max:.6g} mean {mean:.6g}".format(**found)
    return text + (f" ({found['not_finite']} not finite)" if found["not_finite"] else "")
