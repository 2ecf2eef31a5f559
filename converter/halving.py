"""Weights of the NumPy program in half precision: what that does to the numbers is measured, and reported."""

from __future__ import annotations

import dataclasses

from converter.attempt import Attempt
from converter.errors import InputError, MismatchError
from converter.numpy_runtime import halved
from converter.verification import verify_numpy

WEIGHTS = ("float32", "float16")
"""How weights.npz can hold the weights."""

HALF_LIMIT = 0.02
"""The most that half weights may change an output, relative to its largest number; 11 bits of each weight are left."""


def check_weights(weights: str) -> None:
    """Raises InputError for what weights.npz cannot hold."""
    if weights not in WEIGHTS:
        raise InputError(
            f"weights.npz cannot hold {weights!r}",
            measured=f"expected {' or '.join(WEIGHTS)}",
            do=("--weights float16",),
        )


def with_half_weights(found: Attempt, tolerance: float, argmax: bool) -> tuple[Attempt, float]:
    """The attempt with a program of half weights, and the tolerance at which NumPy is to be compared from now on.

    That is twice the difference that was measured: other processors and versions of NumPy round otherwise.
    Raises MismatchError when the numbers change by more than HALF_LIMIT, or another class comes first.
    """
    program = halved(found.program)
    samples = found.verification.samples
    check = verify_numpy(program, samples, HALF_LIMIT, argmax)
    if not check.ok:
        raise MismatchError(
            "with weights in float16 the NumPy program does not give PyTorch's numbers; nothing was written",
            measured=f"{check}\n  {check.reason}\nallowed with float16: {HALF_LIMIT:g}",
            do=("--weights float32",),
        )
    checks = tuple(check if other.backend == "numpy" else other for other in found.verification.checks)
    verification = dataclasses.replace(found.verification, checks=checks)
    changed = dataclasses.replace(found, program=program, verification=verification)
    return changed, max(tolerance, 2 * (check.worst))
