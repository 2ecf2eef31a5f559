"""Which of a network's outputs is which, and numbers that tasks refuse. Pasted into deploy.py: numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def choose_outputs(outputs: Mapping[str, np.ndarray], use: Any, count: int, what: str) -> list[tuple[str, np.ndarray]]:
    """(name, array) of `count` outputs: the first ones, or those that `use` gives by name or index, in its order.

    what: how the outputs are called in the error. Raises ValueError when there are fewer, or none of that name or index.
    """
    names = list(outputs)
    if use is None:
        if len(names) < count:
            raise ValueError(f"{what} needs {count} outputs, and the network has {len(names)}: {', '.join(names)}")
        return [(name, outputs[name]) for name in names[:count]]
    wanted: list[Any] = [use] if isinstance(use, (str, int)) else list(use)
    if len(wanted) != count:
        raise ValueError(f"{what} needs {count} outputs, and use_outputs names {len(wanted)}: {wanted}")
    found = []
    for one in wanted:
        name = names[one] if isinstance(one, int) and -len(names) <= one < len(names) else one
        if name not in outputs:
            raise ValueError(f"the network has no output {one!r}; its outputs, from index 0: {', '.join(names)}")
        found.append((str(name), outputs[name]))
    return found


def one_sample(name: str, array: np.ndarray, rank: int, form: str) -> np.ndarray:
    """`array` without its batch axis of 1. rank: of what is left; further axes of 1 before that are dropped too.

    form: the expected shape in words. Raises ValueError for another shape, or for NaN.
    """
    if array.ndim <= rank or any(size != 1 for size in array.shape[: array.ndim - rank]):
        raise ValueError(f"output {name!r} has shape {list(array.shape)}, expected {form}")
    return no_nan(name, array.reshape(array.shape[array.ndim - rank :]))


def no_nan(name: str, array: np.ndarray) -> np.ndarray:
    """The array itself. Raises ValueError where it holds NaN."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"output {name!r} holds NaN")
    return array


def sigmoid(numbers: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow, in float64."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(numbers, np.float64))))


def softmax(numbers: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(x) over its sum along `axis`, without overflow, in float64."""
    shifted = np.exp(numbers - np.max(numbers, axis=axis, keepdims=True).astype(np.float64))
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True))


def unchanged(numbers: np.ndarray) -> np.ndarray:
    """The numbers themselves: the network ends in an activation of its own."""
    return numbers


ACTIVATIONS: Mapping[str, Any] = {"none": unchanged, "sigmoid": sigmoid, "softmax": softmax}


def label_of(labels: Sequence[str] | None, index: int) -> str:
    """The class's name, or its index as text where it has none."""
    return labels[index] if labels is not None and 0 <= index < len(labels) else str(index)
