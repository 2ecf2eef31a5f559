"""How two arrays are compared, everywhere: max |difference| over max |reference|."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEGLIGIBLE = 2.0**-80
"""A reference whose largest value is below this (8e-25) is compared as if that were this. Networks with untrained weights fade
out into float32's denormal numbers, which lose their digits, which ONNX Runtime and OpenCV may take for 0, and which the next
normalisation raises by some powers of ten."""


@dataclass(frozen=True)
class Difference:
    """What separates an array from its reference.

    `relative` is max |got - reference| over max |reference| (over 1 when the reference is all zero, over
    `NEGLIGIBLE` when it is smaller than that); infinity when the shapes differ or NaN and infinity stand in other places.
    """

    relative: float
    reason: str = ""

    def __le__(self, tolerance: float) -> bool:
        return self.relative <= tolerance

    def __str__(self) -> str:
        return self.reason or f"relative difference {self.relative:.2e}"


def compare(got: np.ndarray, reference: np.ndarray, *, reshape: bool = False) -> Difference:
    """The difference of two arrays of equal shape; `reshape` lets equal sizes of other shapes pass (4.x drops low ranks)."""
    if got.shape != reference.shape and not (reshape and got.size == reference.size):
        return Difference(float("inf"), f"shape {list(got.shape)}, expected {list(reference.shape)}")
    a = np.asarray(got, np.float64).reshape(reference.shape)
    b = np.asarray(reference, np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)):
        places = int(np.count_nonzero(finite != np.isfinite(a)))
        return Difference(
            float("inf"), f"NaN or infinity in {places} places where the reference is finite, or the reverse"
        )
    if not finite.all():
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            return Difference(float("inf"), "other infinities than the reference")
        a, b = a[finite], b[finite]
    if b.size == 0:
        return Difference(0.0)
    scale = float(np.abs(b).max())
    return Difference(float(np.abs(a - b).max()) / (max(scale, NEGLIGIBLE) if scale > 0 else 1.0))
