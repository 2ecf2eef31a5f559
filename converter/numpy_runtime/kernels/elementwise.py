"""Arithmetic and functions of one element."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import numpy as np


def Abs(X: np.ndarray, /) -> np.ndarray:
    return np.abs(X)


def Acos(input: np.ndarray, /) -> np.ndarray:
    return np.arccos(input)


def Acosh(input: np.ndarray, /) -> np.ndarray:
    return np.arccosh(input)


def Add(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return A + B


def Asin(input: np.ndarray, /) -> np.ndarray:
    return np.arcsin(input)


def Asinh(input: np.ndarray, /) -> np.ndarray:
    return np.arcsinh(input)


def Atan(input: np.ndarray, /) -> np.ndarray:
    return np.arctan(input)


def Atanh(input: np.ndarray, /) -> np.ndarray:
    return np.arctanh(input)


def Ceil(X: np.ndarray, /) -> np.ndarray:
    return np.ceil(X)


def Cos(input: np.ndarray, /) -> np.ndarray:
    return np.cos(input)


def Cosh(input: np.ndarray, /) -> np.ndarray:
    return np.cosh(input)


def Div(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    if A.dtype.kind not in "iu":
        return A / B
    quotient = A // B
    if A.dtype.kind == "i":  # ONNX rounds towards zero, NumPy downwards
        quotient = quotient + ((quotient < 0) & (quotient * B != A))
    return np.asarray(quotient, dtype=A.dtype)


def Exp(input: np.ndarray, /) -> np.ndarray:
    return np.exp(input)


def Floor(X: np.ndarray, /) -> np.ndarray:
    return np.floor(X)


def Log(input: np.ndarray, /) -> np.ndarray:
    return np.log(input)


def Max(*data_0: np.ndarray) -> np.ndarray:
    y = data_0[0]
    for x in data_0[1:]:
        y = np.maximum(y, x)
    return y


def Mean(*data_0: np.ndarray) -> np.ndarray:
    total = Sum(*data_0)
    return total / total.dtype.type(len(data_0))


def Min(*data_0: np.ndarray) -> np.ndarray:
    y = data_0[0]
    for x in data_0[1:]:
        y = np.minimum(y, x)
    return y


def Mod(A: np.ndarray, B: np.ndarray, /, *, fmod: int = 0) -> np.ndarray:
    return np.fmod(A, B) if fmod else np.mod(A, B)


def Mul(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return A * B


def Neg(X: np.ndarray, /) -> np.ndarray:
    return -X


def Pow(X: np.ndarray, Y: np.ndarray, /) -> np.ndarray:
    if np.size(Y) == 1 and X.dtype.kind == "f":  # NumPy's general power is slow, and these exponents are frequent
        exponent = float(np.asarray(Y).ravel()[0])
        if np.ndim(Y) <= np.ndim(X) and exponent in (0.5, 1.0, 2.0, 3.0):
            if exponent == 0.5:
                return np.sqrt(X)
            return X if exponent == 1.0 else X * X if exponent == 2.0 else X * X * X
    if X.dtype.kind in "iu" and np.asarray(Y).dtype.kind in "iu" and np.any(np.less(Y, 0)):
        return np.asarray(np.power(X.astype(np.float64), Y)).astype(X.dtype)  # NumPy refuses negative integer powers
    return np.asarray(np.power(X, Y)).astype(X.dtype, copy=False)


def Reciprocal(X: np.ndarray, /) -> np.ndarray:
    return X.dtype.type(1) / X


def Round(X: np.ndarray, /) -> np.ndarray:
    return np.rint(X)


def Sign(input: np.ndarray, /) -> np.ndarray:
    return np.sign(input)


def Sin(input: np.ndarray, /) -> np.ndarray:
    return np.sin(input)


def Sinh(input: np.ndarray, /) -> np.ndarray:
    return np.sinh(input)


def Sqrt(X: np.ndarray, /) -> np.ndarray:
    return np.sqrt(X)


def Sub(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    return A - B


def Sum(*data_0: np.ndarray) -> np.ndarray:
    y = data_0[0]
    for x in data_0[1:]:
        y = y + x
    return y


def Tan(input: np.ndarray, /) -> np.ndarray:
    return np.tan(input)


def Tanh(input: np.ndarray, /) -> np.ndarray:
    return np.tanh(input)
