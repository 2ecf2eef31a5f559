"""What may go into the network: every mistake that is commonly made with a blob gets a sentence that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


def check_feeds(blob: Any, inputs: Sequence[Any], other_batch: bool) -> dict[str, np.ndarray]:
    """`blob`, an array or {name: array}, as {name: array} in the inputs' order.

    inputs: (name, shape, dtype) of each. other_batch: axis 0 may have another length than recorded, the same for all.
    Raises ValueError that says what is wrong and what to do.
    """
    names = [name for name, _, _ in inputs]
    if not isinstance(blob, Mapping):
        if len(inputs) != 1:
            raise ValueError(f"the network has {len(inputs)} inputs: give a dict with arrays for {', '.join(names)}")
        blob = {names[0]: blob}
    if set(blob) != set(names):
        raise ValueError(f"the network's inputs are {', '.join(names)}, not {', '.join(map(str, blob)) or 'none'}")
    feeds = {name: _checked(blob[name], name, shape, dtype, other_batch) for name, shape, dtype in inputs}
    if other_batch and len({len(array) for array in feeds.values()}) > 1:
        found = ", ".join(f"{name} {len(array)}" for name, array in feeds.items())
        raise ValueError(f"the inputs have different batch sizes: {found}")
    return feeds


def _checked(array: Any, name: str, shape: Any, dtype: str, other_batch: bool) -> np.ndarray:
    is_array = isinstance(array, np.ndarray)
    if not is_array:
        raise ValueError(f"input {name!r} is a {type(array).__name__}, not a NumPy array")
    expected = f"the network takes {dtype}" + (
        "" if shape is None else f" {['any' if n is None else n for n in shape]}"
    )
    if array.dtype != np.dtype(dtype):
        hint = f"convert it with .astype(np.{dtype})"
        if array.dtype == np.uint8:
            hint = "is it a picture? model.preprocess(image) makes the blob"
        raise ValueError(f"input {name!r} is {array.dtype}, {expected}: {hint}")
    if shape is None or (array.ndim == len(shape) and array.size):
        wanted = (
            array.shape if shape is None else tuple(found if n is None else n for n, found in zip(shape, array.shape))
        )
        if array.shape == wanted or (other_batch and array.shape[1:] == wanted[1:]):
            return np.asarray(array, order="C")
    raise ValueError(f"input {name!r} has shape {list(array.shape)}, {expected}{_shape_hint(array.shape, shape)}")


def _shape_hint(found: tuple[int, ...], wanted: Any) -> str:
    wanted = tuple(wanted)
    if len(wanted) == 4 and len(found) == 3 and (*found[2:], *found[:2]) == wanted[1:]:
        return ": this is height, width, channels; model.preprocess(image) makes the blob"
    if found == wanted[1:]:
        return ": the batch axis is missing, give blob[None]"
    if len(found) != len(wanted):
        return f": {len(found)} axes, expected {len(wanted)}"
    if len(wanted) != 4:
        return ""
    if (found[3], found[1], found[2]) == wanted[1:]:
        return ": this is batch, height, width, channels; give blob.transpose(0, 3, 1, 2)"
    if found[1] != wanted[1]:
        return f": {found[1]} channels, expected {wanted[1]}"
    if found[2:] != wanted[2:]:
        if (found[3], found[2]) == wanted[2:]:
            return ": height and width are swapped"
        return f": height x width is {found[2]}x{found[3]}, expected {wanted[2]}x{wanted[3]}"
    return f": batch size {found[0]}, expected {wanted[0]}"
