"""Activations in place: activation(x, spare, *numbers), x and spare contiguous float32 arrays of one shape.

A function here is named like the ONNX operator that it stands for, in small letters.
"""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.kernels.activations import _GELU_GATE

_ZEROS = [np.zeros(1 << 15, np.float32)]


def _zeros(x: np.ndarray) -> np.ndarray:
    """As many zeros: NumPy's maximum of an array and a number takes five times as long as that of two arrays."""
    zeros = _ZEROS[0]  # held on to: another thread may put a shorter one there
    if zeros.size < x.size:
        zeros = _ZEROS[0] = np.zeros(x.size, np.float32)
    return zeros[: x.size].reshape(x.shape)


def relu(x: np.ndarray, spare: np.ndarray) -> None:
    np.maximum(x, _zeros(x), out=x)


def clip(x: np.ndarray, spare: np.ndarray, low: float, high: float) -> None:
    np.clip(x, np.float32(low), np.float32(high), out=x)


def leaky_relu(x: np.ndarray, spare: np.ndarray, alpha: float) -> None:
    np.multiply(x, np.float32(alpha), out=spare)
    (np.maximum if alpha <= 1 else np.minimum)(x, spare, out=x)


def sigmoid(x: np.ndarray, spare: np.ndarray) -> None:
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += np.float32(1)
    np.reciprocal(x, out=x)


def tanh(x: np.ndarray, spare: np.ndarray) -> None:
    np.tanh(x, out=x)


def swish(x: np.ndarray, spare: np.ndarray) -> None:
    """x * sigmoid(x) = x / 2 + x / 2 * tanh(x / 2), because NumPy's tanh takes half as long as its exp."""
    x *= np.float32(0.5)
    np.tanh(x, out=spare)
    spare *= x
    x += spare


def swish_of_half(x: np.ndarray, spare: np.ndarray) -> None:
    """swish(2 * x)"""
    np.tanh(x, out=spare)
    spare *= x
    x += spare


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


def hard_swish_of_part(x: np.ndarray, spare: np.ndarray) -> None:
    """hard_swish(x * 6**0.5): x * min(max(x + 3 / 6**0.5, 0), 6**0.5)"""
    np.add(x, np.float32(3 / 6**0.5), out=spare)
    np.clip(spare, np.float32(0), np.float32(6**0.5), out=spare)
    x *= spare


def gelu(x: np.ndarray, spare: np.ndarray) -> None:
    """x * Phi(x)"""
    x *= np.float32(0.5)
    gelu_of_half(x, spare)


def gelu_of_half(x: np.ndarray, spare: np.ndarray) -> None:
    """gelu(2 * x) = x + x * tanh(...), within 2e-7 of max(|x|, 1); the same polynomial as in the kernel Gelu."""
    square = np.multiply(x, x)
    degree = len(_GELU_GATE) - 1
    np.multiply(square, np.float32(_GELU_GATE[0] * 2.0 ** (2 * degree + 1)), out=spare)
    for power, coefficient in zip(range(degree - 1, 0, -1), _GELU_GATE[1:-1]):
        spare += np.float32(coefficient * 2.0 ** (2 * power + 1))
        spare *= square
    spare += np.float32(2 * _GELU_GATE[-1])
    spare *= x
    np.tanh(spare, out=spare)
    spare *= x
    x += spare


def gelu_tanh(x: np.ndarray, spare: np.ndarray) -> None:
    np.multiply(x, x, out=spare)
    spare *= np.float32(0.044715 * (2 / np.pi) ** 0.5)
    spare += np.float32((2 / np.pi) ** 0.5)
    spare *= x
    np.tanh(spare, out=spare)
    x *= np.float32(0.5)
    spare *= x
    x += spare
