"""Activations in place: activation(x, spare, *numbers), x and spare contiguous float32 arrays of one shape.

A function here is named like the ONNX operator that it stands for, in small letters.
"""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.kernels.activations import _GELU_TAIL


def relu(x: np.ndarray, spare: np.ndarray) -> None:
    np.maximum(x, np.float32(0), out=x)


def clip(x: np.ndarray, spare: np.ndarray, low: float, high: float) -> None:
    np.clip(x, np.float32(low), np.float32(high), out=x)


def leaky_relu(x: np.ndarray, spare: np.ndarray, alpha: float) -> None:
    np.minimum(x, np.float32(0), out=spare)
    spare *= np.float32(alpha)
    np.maximum(x, np.float32(0), out=x)
    x += spare


def sigmoid(x: np.ndarray, spare: np.ndarray) -> None:
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += np.float32(1)
    np.reciprocal(x, out=x)


def tanh(x: np.ndarray, spare: np.ndarray) -> None:
    np.tanh(x, out=x)


def swish(x: np.ndarray, spare: np.ndarray) -> None:
    """x * sigmoid(x); where exp(-x) is infinite the quotient is the right limit, 0."""
    np.negative(x, out=spare)
    np.exp(spare, out=spare)
    spare += np.float32(1)
    x /= spare


def hard_sigmoid(x: np.ndarray, spare: np.ndarray, alpha: float, beta: float) -> None:
    x *= np.float32(alpha)
    x += np.float32(beta)
    np.clip(x, np.float32(0), np.float32(1), out=x)


def hard_swish(x: np.ndarray, spare: np.ndarray) -> None:
    """x * min(max(x + 3, 0), 6) / 6"""
    np.add(x, np.float32(3), out=spare)
    np.clip(spare, np.float32(0), np.float32(6), out=spare)
    x *= np.float32(1 / 6)
    x *= spare


# log(1 - Phi(t)), Phi the normal distribution function, as a polynomial of t in [0, 6]; the same numbers as in the kernel Gelu.
def gelu(x: np.ndarray, spare: np.ndarray) -> None:
    """x * Phi(x) = max(x, 0) - |x| * (1 - Phi(|x|)), within 2e-7 of max(|x|, 1)."""
    size = np.abs(x)
    np.minimum(size, np.float32(6), out=size)
    np.multiply(size, np.float32(_GELU_TAIL[0]), out=spare)
    for coefficient in _GELU_TAIL[1:-1]:
        spare += np.float32(coefficient)
        spare *= size
    spare += np.float32(_GELU_TAIL[-1])
    np.exp(spare, out=spare)
    spare *= size
    np.maximum(x, np.float32(0), out=x)
    x -= spare


def gelu_tanh(x: np.ndarray, spare: np.ndarray) -> None:
    np.multiply(x, x, out=spare)
    spare *= np.float32(0.044715 * (2 / np.pi) ** 0.5)
    spare += np.float32((2 / np.pi) ** 0.5)
    spare *= x
    np.tanh(spare, out=spare)
    spare += np.float32(1)
    x *= spare
    x *= np.float32(0.5)
