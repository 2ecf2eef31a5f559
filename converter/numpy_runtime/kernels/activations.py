"""Activations."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.kernels.arrays import _blockwise, _polynomial
from converter.numpy_runtime.kernels.erf import Erf


def Relu(X: np.ndarray, /) -> np.ndarray:
    return np.maximum(X, X.dtype.type(0))


def LeakyRelu(X: np.ndarray, /, *, alpha: float = 0.009999999776482582) -> np.ndarray:
    return np.where(X < 0, X * X.dtype.type(alpha), X)


def PRelu(X: np.ndarray, slope: np.ndarray, /) -> np.ndarray:
    return np.where(X < 0, X * slope, X)


def ThresholdedRelu(X: np.ndarray, /, *, alpha: float = 1.0) -> np.ndarray:
    return np.where(X.dtype.type(alpha) < X, X, X.dtype.type(0))


def Elu(X: np.ndarray, /, *, alpha: float = 1.0) -> np.ndarray:
    kind = X.dtype.type
    return np.where(X > 0, X, kind(alpha) * np.expm1(np.minimum(X, kind(0))))


def Selu(X: np.ndarray, /, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323) -> np.ndarray:
    return X.dtype.type(gamma) * Elu(X, alpha=alpha)


def Celu(X: np.ndarray, /, *, alpha: float = 1.0) -> np.ndarray:
    kind = X.dtype.type
    return np.maximum(X, kind(0)) + kind(alpha) * np.expm1(np.minimum(X, kind(0)) / kind(alpha))


def Sigmoid(X: np.ndarray, /) -> np.ndarray:
    return _blockwise(_sigmoid, X)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    one = x.dtype.type(1)
    with np.errstate(over="ignore"):  # 1 / (1 + infinity) is the right limit
        return one / (one + np.exp(-x))


def HardSigmoid(X: np.ndarray, /, *, alpha: float = 0.20000000298023224, beta: float = 0.5) -> np.ndarray:
    kind = X.dtype.type
    y = np.asarray(X * kind(alpha))
    y += kind(beta)
    return np.clip(y, kind(0), kind(1), out=y)


def HardSwish(X: np.ndarray, /) -> np.ndarray:
    return _blockwise(_hard_swish, X)


def _hard_swish(x: np.ndarray) -> np.ndarray:
    return x * HardSigmoid(x, alpha=1 / 6, beta=0.5)


def Swish(X: np.ndarray, /, *, alpha: float = 1.0) -> np.ndarray:
    """Ramachandran, Zoph and Le, arXiv 1710.05941."""
    return X * Sigmoid(X if alpha == 1 else X * X.dtype.type(alpha))


def SwiGLU(A: np.ndarray, B: np.ndarray, /, *, alpha: float = 1.0) -> np.ndarray:
    """Shazeer, GLU Variants Improve Transformer, arXiv 2002.05202."""
    return Swish(A, alpha=alpha) * B


def Mish(X: np.ndarray, /) -> np.ndarray:
    return X * np.tanh(Softplus(X))


def Softplus(X: np.ndarray, /) -> np.ndarray:
    # log(1 + exp(x)), written so that exp cannot overflow
    return np.maximum(X, X.dtype.type(0)) + np.log1p(np.exp(-np.abs(X)))


def Softsign(input: np.ndarray, /) -> np.ndarray:
    return input / (input.dtype.type(1) + np.abs(input))


def Gelu(X: np.ndarray, /, *, approximate: str = "none") -> np.ndarray:
    """Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv 1606.08415."""
    if approximate == "tanh":
        return _blockwise(_gelu_tanh, X)
    if X.dtype == np.float32:
        return _blockwise(_gelu32, X)
    kind = X.dtype.type
    return X * (kind(0.5) * (kind(1) + Erf(X * kind(0.5**0.5))))


# Phi(x) = (1 + tanh(x * p(x**2))) / 2, Phi the normal distribution function: p by minimax approximation (a linear program
# with 60 digits), which gives x * Phi(x) within 2.3e-8 of max(|x|, 1); of tanh's argument, errors hardly count where tanh is 1.
_GELU_GATE = (
    1.8468007e-9,
    -1.3573170e-7,
    4.0126143e-6,
    -5.5603999e-5,
    -3.1741471e-5,
    0.036332065,
    0.79788531,
)


def _gelu32(x: np.ndarray) -> np.ndarray:
    """x * Phi(x), within 2e-7 of max(|x|, 1)."""
    gate = _polynomial(_GELU_GATE, x * x)
    gate *= x
    np.tanh(gate, out=gate)
    gate += np.float32(1)
    gate *= x
    gate *= np.float32(0.5)
    return gate


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    kind = x.dtype.type
    inner = kind((2 / np.pi) ** 0.5) * (x + kind(0.044715) * x * x * x)
    return kind(0.5) * x * (kind(1) + np.tanh(inner))


def Softmax(input: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    y = np.asarray(input - input.max(axis=axis, keepdims=True))  # exp must not overflow
    np.exp(y, out=y)
    y /= y.sum(axis=axis, keepdims=True)
    return y


def LogSoftmax(input: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    shifted = input - input.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def Hardmax(input: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    y = np.zeros_like(input)
    first = np.expand_dims(np.argmax(input, axis=axis), axis)
    np.put_along_axis(y, first, input.dtype.type(1), axis)
    return y


def Shrink(input: np.ndarray, /, *, bias: float = 0.0, lambd: float = 0.5) -> np.ndarray:
    kind = input.dtype.type
    zero = kind(0)
    upper = np.where(input > lambd, input - kind(bias), zero)
    return np.where(input < -lambd, input + kind(bias), upper)


def Clip(input: np.ndarray, min: np.ndarray | None = None, max: np.ndarray | None = None, /) -> np.ndarray:
    y = input if min is None else np.maximum(input, min)
    return y if max is None else np.minimum(y, max)
