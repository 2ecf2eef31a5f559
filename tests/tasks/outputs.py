"""Outputs of networks that were never run: for each task some that its defaults read, for inputs of 32 x 32."""

from __future__ import annotations

import numpy as np

CLASSES = 6
"""As many as the tests have labels."""


def example(task: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Outputs by name, float32; objects may reach outside of the input."""
    boxes = np.concatenate([rng.uniform(0, 32, (2, 40)), rng.uniform(1, 24, (2, 40))])
    scores = rng.uniform(0, 1, (CLASSES, 40)) ** 4
    outputs = {
        "classification": {"y": rng.normal(size=(1, CLASSES))},
        "depth": {"y": rng.normal(size=(1, 1, 8, 8))},
        "detection": {"y": np.concatenate([boxes, scores])[None]},
        "embedding": {"y": rng.normal(size=(1, 64))},
        "image": {"y": rng.uniform(-0.1, 1.1, (1, 3, 64, 64))},
        "instance_segmentation": {
            "y": np.concatenate([boxes, scores, rng.normal(size=(8, 40))])[None],
            "maps": rng.normal(size=(1, 8, 8, 8)),
        },
        "keypoints": {"y": rng.uniform(0, 1, (1, CLASSES, 8, 8))},
        "raw": {"y": rng.normal(size=(1, CLASSES))},
        "segmentation": {"y": rng.normal(size=(1, CLASSES, 5, 5))},
        "text": {"y": rng.normal(size=(20, 1, CLASSES))},
    }[task]
    return {name: array.astype(np.float32) for name, array in outputs.items()}
