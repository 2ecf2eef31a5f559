"""Reshape, Transpose, Slice, Squeeze and Unsqueeze by known numbers, as what one writes in NumPy: x.reshape(1, 384)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converter.numpy_runtime.network import Network, Step


def view_of(network: Network, step: Step) -> str | None:
    """What follows the name of the step's first input to give its output; None where its kernel has to look."""
    return VIEWS[step.op](network, step) if step.op in VIEWS else None


def _known(network: Network, step: Step, position: int) -> list[int] | None:
    """The numbers of an input; None where it is computed or absent."""
    key = step.inputs[position] if len(step.inputs) > position else ""
    return [int(n) for n in network.constants[key].ravel()] if key in network.constants else None


def _rank(network: Network, key: str) -> int | None:
    return len(network.shapes[key]) if key in network.shapes else None


def _reshape(network: Network, step: Step) -> str | None:
    shape = _known(network, step, 1)
    if shape is None or (0 in shape and not step.attributes.get("allowzero")):
        return None
    return f".reshape({', '.join(map(str, shape)) or '()'})"


def _transpose(network: Network, step: Step) -> str | None:
    perm = step.attributes.get("perm")
    return f".transpose({', '.join(map(str, perm))})" if perm else None


def _squeeze(network: Network, step: Step) -> str | None:
    axes = _known(network, step, 1)
    return None if axes is None else f".squeeze({tuple(axes)})"


def _unsqueeze(network: Network, step: Step) -> str | None:
    axes, rank = _known(network, step, 1), _rank(network, step.inputs[0])
    if axes is None or rank is None:
        return None
    new = {axis % (rank + len(axes)) for axis in axes}
    return f"[{', '.join('None' if axis in new else ':' for axis in range(max(new) + 1))}]"


def _slice(network: Network, step: Step) -> str | None:
    """With steps forwards: there Python clamps and counts from the end as ONNX does."""
    starts, ends = _known(network, step, 1), _known(network, step, 2)
    rank = _rank(network, step.inputs[0])
    if starts is None or ends is None or rank is None:
        return None
    axes = list(range(len(starts)))
    steps = [1] * len(starts)
    for position, found in ((3, axes), (4, steps)):
        if len(step.inputs) > position and step.inputs[position]:
            known = _known(network, step, position)
            if known is None:
                return None
            found[:] = known
    if min(steps) < 1:
        return None
    far = np.iinfo(np.int32).max
    index = [":"] * rank
    for axis, start, end, by in zip(axes, starts, ends, steps, strict=True):
        first, last = (str(start) if start else ""), ("" if end >= far else str(end))
        index[axis] = f"{first}:{last}" + (f":{by}" if by > 1 else "")
    while len(index) > 1 and index[-1] == ":":
        index.pop()
    return f"[{', '.join(index)}]"


VIEWS: dict[str, Callable[[Network, Step], str | None]] = {
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
