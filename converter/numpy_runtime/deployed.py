"""What every generated numpy_model.py needs besides kernels: pasted there, so numpy and the standard library only."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np


def check_inputs(feeds: Mapping[str, Any], inputs: Mapping[str, tuple[str, Any]]) -> dict[str, np.ndarray]:
    """`feeds` as arrays. `inputs` gives dtype and shape by name; a dimension that is no number may have any length.

    Raises ValueError for a wrong name, dtype, rank or length, and says which one is right.
    """
    if missing := [name for name in inputs if name not in feeds]:
        raise ValueError(f"the model needs the inputs {list(inputs)}, {missing} are missing")
    if strange := [name for name in feeds if name not in inputs]:
        raise ValueError(f"the model has no inputs {strange}, only {list(inputs)}")
    checked: dict[str, np.ndarray] = {}
    named: dict[str, int] = {}
    for name, (dtype, shape) in inputs.items():
        array = np.asarray(feeds[name])
        if array.dtype != np.dtype(dtype):
            raise ValueError(f"input {name!r} must be {dtype}, not {array.dtype}: use array.astype(np.{dtype})")
        checked[name] = array
        if shape is None:
            continue
        if array.ndim != len(shape):
            raise ValueError(
                f"input {name!r} must have {len(shape)} dimensions {shape}, not {array.ndim} {array.shape}"
            )
        for axis, (wanted, found) in enumerate(zip(shape, array.shape)):
            expected = named.setdefault(wanted, found) if isinstance(wanted, str) else wanted
            if expected != found:
                raise ValueError(
                    f"input {name!r} must have shape {shape}, not {array.shape}: axis {axis} has to be {expected}"
                )
    return checked


def channels_last(weight: np.ndarray) -> np.ndarray:
    """The same array, stored so that a convolution reads it as a matrix without copying."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(weight, 1, -1)), -1, 1)


def iterations(limit: Any = None, going: Any = True) -> Iterator[np.int64]:
    """The numbers of a loop's iterations: `limit` of them, or without end, and none where `going` is false."""
    number = 0
    while going and (limit is None or number < np.asarray(limit).item()):
        yield np.int64(number)
        number += 1


def slices(x: np.ndarray, axis: int = 0, reverse: bool = False) -> list[np.ndarray]:
    """The slices of an array along an axis, which they no longer have."""
    x = np.moveaxis(x, axis, 0)
    return [np.asarray(part) for part in (x[::-1] if reverse else x)]


def stacked(
    parts: list[np.ndarray], shape: Sequence[int], dtype: str, axis: int = 0, reverse: bool = False
) -> np.ndarray:
    """The parts side by side on a new axis. None at all give an empty array of this shape and type."""
    if not parts:
        return np.expand_dims(np.zeros(tuple(shape), dtype), axis).repeat(0, axis)
    return np.stack(parts[::-1] if reverse else parts, axis)


def each(value: Any, sequence: list[np.ndarray]) -> list[np.ndarray]:
    """What goes with each item of a sequence: an item of another sequence, or always the same array."""
    return value if isinstance(value, list) else [value] * len(sequence)
