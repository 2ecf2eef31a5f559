"""Matrix products."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import numpy as np


def MatMul(A: np.ndarray, B: np.ndarray, /) -> np.ndarray:
    if np.ndim(B) == 2 and np.ndim(A) > 2:  # one product of large matrices beats many of small ones
        return np.matmul(A.reshape(-1, A.shape[-1]), B).reshape(A.shape[:-1] + B.shape[1:])
    return np.asarray(np.matmul(A, B))


def Gemm(
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray | None = None,
    /,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    kind = A.dtype.type
    y = np.matmul(A.T if transA else A, B.T if transB else B)
    if alpha != 1:
        y *= kind(alpha)
    if C is not None:
        y += C if beta == 1 else C * kind(beta)
    return y


def Einsum(*Inputs: np.ndarray, equation: str) -> np.ndarray:
    # optimize: two operands become a matrix product where they can
    return np.asarray(np.einsum(equation.replace(" ", ""), *Inputs, optimize=True))


def Det(X: np.ndarray, /) -> np.ndarray:
    return np.asarray(np.linalg.det(X), dtype=X.dtype)
