"""The error function, which NumPy lacks."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import math

import numpy as np

from converter.numpy_runtime.kernels.arrays import _blockwise, _polynomial

# Interpolation at Chebyshev nodes, computed with 40 digits (tests/numpy_runtime/test_erf.py does it again):
# erf(x) / x - 1 as a polynomial of x^2 where |x| <= 0.9, and log(1 - erf(x)) as a polynomial of x in [0.9, 4].
# Where |x| > 4, erf(x) rounds to 1 in float32.
_ERF_SMALL = (
    8.529401323e-5,
    -0.0008179632181,
    0.005204226694,
    -0.02686066479,
    0.1128371805,
    -0.3761263519,
    0.1283791668,
)
_ERF_LARGE = (
    1.643063656e-6,
    -4.616385863e-5,
    0.0005975857702,
    -0.004762625833,
    0.02642763715,
    -0.1100871665,
    -0.6318239181,
    -1.130231055,
    0.0003185396624,
)


def Erf(input: np.ndarray, /) -> np.ndarray:
    """The error function, within 1.5 units in the last place for float32.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.1, approximated by our own polynomials.
    """
    input = np.asarray(input)
    if input.dtype == np.float32:
        return _blockwise(_erf32, input)
    if input.dtype == np.float16:
        return _blockwise(_erf32, input.astype(np.float32)).astype(np.float16)
    exact = np.fromiter(map(math.erf, input.ravel().tolist()), np.float64, input.size)
    return exact.reshape(input.shape).astype(input.dtype)


def _erf32(x: np.ndarray) -> np.ndarray:
    size = np.abs(x)
    tail = _polynomial(_ERF_LARGE, np.clip(size, np.float32(0.9), np.float32(4)))
    np.exp(tail, out=tail)
    np.subtract(np.float32(1), tail, out=tail)
    inner = np.minimum(size, np.float32(0.9))
    inner *= inner
    core = _polynomial(_ERF_SMALL, inner)
    core *= x
    core += x
    return np.where(size <= np.float32(0.9), core, np.copysign(tail, x))  # NaN takes the second branch and stays
