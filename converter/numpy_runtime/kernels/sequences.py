"""Sequences, which are Python lists of arrays, and optionals, which are None where they are empty."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _ints


def _position(position: np.ndarray) -> int:
    return _ints(position)[0]


def SequenceConstruct(*inputs: np.ndarray) -> list[np.ndarray]:
    return list(inputs)


def SequenceEmpty(*, dtype: int | None = None) -> list[np.ndarray]:
    return []


def SequenceAt(input_sequence: list[np.ndarray], position: np.ndarray, /) -> np.ndarray:
    return input_sequence[_position(position)]


def SequenceInsert(
    input_sequence: list[np.ndarray], tensor: np.ndarray, position: np.ndarray | None = None, /
) -> list[np.ndarray]:
    """Before `position`, which counts from the end when it is negative; at the end without one."""
    at = len(input_sequence) if position is None else _position(position)
    found = list(input_sequence)
    found.insert(at, tensor)
    return found


def SequenceErase(input_sequence: list[np.ndarray], position: np.ndarray | None = None, /) -> list[np.ndarray]:
    """Without the item at `position`, the last one by default."""
    found = list(input_sequence)
    del found[-1 if position is None else _position(position)]
    return found


def SequenceLength(input_sequence: list[np.ndarray], /) -> np.ndarray:
    return np.array(len(input_sequence), np.int64)


def ConcatFromSequence(input_sequence: list[np.ndarray], /, *, axis: int, new_axis: int = 0) -> np.ndarray:
    return np.stack(input_sequence, axis) if new_axis else np.concatenate(input_sequence, axis)


def SplitToSequence(
    input: np.ndarray, split: np.ndarray | None = None, /, *, axis: int = 0, keepdims: int = 1
) -> list[np.ndarray]:
    """In slices of one element without `split`, of `split` elements (the last may have fewer), or of those lengths.

    `keepdims` concerns the slices of one element without `split`.
    """
    length = input.shape[axis]
    if split is not None and np.ndim(split):
        sizes = _ints(split)
    else:
        size = 1 if split is None else _position(split)
        sizes = [min(size, length - start) for start in range(0, length, size)]
    parts = np.split(input, np.cumsum(sizes[:-1], dtype=np.int64), axis=axis) if sizes else []
    return [np.squeeze(part, axis) for part in parts] if split is None and not keepdims else list(parts)


def Optional(input: Any = None, /, *, type: str | None = None) -> Any:
    return input


def OptionalHasElement(input: Any = None, /) -> np.ndarray:
    return np.array(input is not None)


def OptionalGetElement(input: Any, /) -> Any:
    """Raises ValueError for an optional that is empty."""
    if input is None:
        raise ValueError("OptionalGetElement: the optional is empty; ask OptionalHasElement first")
    return input
