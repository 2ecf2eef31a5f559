"""Comparisons, logic and bits."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import numpy as np


def And(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.logical_and(A, B)


def BitShift(X: np.ndarray, Y: np.ndarray, /, *, direction: str) -> np.ndarray:
    return np.left_shift(X, Y) if direction == "LEFT" else np.right_shift(X, Y)


def BitwiseAnd(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.bitwise_and(A, B)


def BitwiseNot(X: np.ndarray, /) -> np.ndarray:
    return np.invert(X)


def BitwiseOr(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.bitwise_or(A, B)


def BitwiseXor(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.bitwise_xor(A, B)


def Equal(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.equal(A, B)


def Greater(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.greater(A, B)


def GreaterOrEqual(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.greater_equal(A, B)


def IsInf(X: np.ndarray, /, *, detect_negative: int = 1, detect_positive: int = 1) -> np.ndarray:
    found = np.isinf(X)
    if not detect_negative:
        found = found & (X > 0)
    if not detect_positive:
        found = found & (X < 0)
    return found


def IsNaN(X: np.ndarray, /) -> np.ndarray:
    return np.isnan(X)


def Less(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.less(A, B)


def LessOrEqual(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.less_equal(A, B)


def Not(X: np.ndarray, /) -> np.ndarray:
    return np.logical_not(X)


def Or(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.logical_or(A, B)


def Xor(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return np.logical_xor(A, B)
