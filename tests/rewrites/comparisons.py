"""What the tests of the rules for comparisons share: hard pairs of numbers."""

from __future__ import annotations

import numpy as np

TEXT = """(float[1,3,4,5] x, float[1,3,4,5] z) => (float[1,3,4,5] y) {
    m = OP(x, z)
    y = Cast<to=1>(m) }"""

EDGES = np.array(
    [0, -0.0, 1, -1, 1e-45, -1e-45, 2e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 1.0000001, np.inf, -np.inf],
    np.float32,
)


def one_of_each(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of the numbers."""
    x, z = np.meshgrid(numbers, numbers)
    return x.ravel(), z.ravel()


def feeds_for(rng: np.random.Generator, scale: float = 1.0) -> dict[str, np.ndarray]:
    """Two tensors that are equal in a third of the places, and next to one another in another third."""
    x = np.asarray(rng.uniform(-3, 3, (1, 3, 4, 5)) * scale, np.float32)
    way = rng.integers(0, 3, x.shape)
    z = np.where(way == 0, x, np.where(way == 1, np.nextafter(x, np.float32(0)), -x))
    return {"x": x, "z": z.astype(np.float32)}
