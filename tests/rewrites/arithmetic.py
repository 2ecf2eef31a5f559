"""Operands of many shapes for the rules of arithmetic, and axes of many kinds for those of reductions."""

from __future__ import annotations

import numpy as np

OLD = ["4.5.5", "4.6.0", "4.7.0", "4.8.1", "4.10.0"]

TENSORS = [
    ((4, 17, 9), (4, 17, 1), (1, 68, 9)),
    ((2, 6, 7, 9), (2, 6, 1, 1), (1, 12, 63)),
    ((1, 6, 7, 9), (7, 9), (6, 63)),
    ((1, 17, 9), (9,), (17, 9)),
    ((1, 2, 6, 7, 9), (1, 2, 6, 1, 1), (1, 12, 63)),
    ((17, 9), (17, 1), (1, 17, 9)),
]
"""A tensor, a smaller one, and the larger one's shape with axes merged: forms that every OpenCV computes right."""

CONSTANTS = [
    ((1, 17, 9), (9,)),
    ((1, 6, 7, 9), (1, 1, 7, 9)),
    ((4, 17, 9), (4, 17, 9)),
    ((4, 17, 9), (4, 1, 1)),
    ((1, 2, 6, 7, 9), (1, 1, 6, 1, 9)),
    ((17, 9), (17, 1)),
    ((4, 6, 9, 9), (1, 6, 9, 9)),
    ((2, 3, 4), (1, 1, 1)),
    ((7,), (7,)),
]
"""A tensor and a constant that is broadcast to it, or has its shape."""

REDUCED = [
    ((2, 3, 4, 5, 6), [2, 3, 4]),
    ((2, 3, 4, 5, 6), [1]),
    ((4, 9), [0]),
    ((4, 9), [-1]),
    ((1, 16, 7, 7), [1, 2]),
    ((1, 16, 7, 5), [1]),
    ((1, 16, 7, 5), [-1]),
    ((3, 5, 6), [0]),
    ((2, 5, 1, 6), [2]),
]
"""Shapes and axes, neighbours all."""

APART = [((2, 3, 4, 5), [0, 2]), ((2, 3, 4, 5), [1, 3]), ((2, 3, 4, 5, 6), [0, 2, 4])]
"""Axes with others between them."""


def kind(shape: tuple[int, ...]) -> str:
    """The type of a float tensor in ONNX text."""
    return f"float[{','.join(map(str, shape))}]" if shape else "float"


def two(op: str, left: tuple[int, ...], right: tuple[int, ...]) -> str:
    """A graph of one op on two tensors, a and b."""
    return f"({kind(left)} a, {kind(right)} b) => ({kind(np.broadcast_shapes(left, right))} y) {{ y = {op}(a, b) }}"


def with_constant(op: str, shape: tuple[int, ...], call: str = "x, c") -> str:
    """A graph of one op on a tensor x and a constant c that does not expand it."""
    return f"({kind(shape)} x) => ({kind(shape)} y) {{ y = {op}({call}) }}"


def reduction(op: str, shape: tuple[int, ...], axes: list[int], keep: int = 1) -> str:
    """A graph of one reduction of x over the axes in the constant a."""
    gone = {axis % len(shape) for axis in axes}
    after = tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keep or axis not in gone)
    return f"({kind(shape)} x) => ({kind(after)} y) {{ y = {op}<keepdims={keep}>(x, a) }}"


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from 1/2 to 3/2: they may divide."""
    return np.asarray(rng.random(shape) + 0.5, np.float32)
