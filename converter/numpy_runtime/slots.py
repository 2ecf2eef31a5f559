"""Which results may lie in the same memory: those that are never needed at the same time."""

from __future__ import annotations

import inspect

import numpy as np

from converter.numpy_runtime.fast import FORMS
from converter.numpy_runtime.network import Network, Step

_FRESH = {
    "Add", "Conv", "Div", "Erf", "Exp", "Gelu", "Gemm", "HardSigmoid", "HardSwish", "LayerNormalization", "MatMul", "Mul",
    "Relu", "Sigmoid", "Softmax", "Sqrt", "Sub", "Swish", "Tanh",
}  # fmt: skip
"""Kernels whose results are always memory of their own. Every other result may be a view of what its step reads."""


def assign(network: Network) -> int:
    """Give results of fast forms numbered slots. Returns how many slots there are.

    Results of unknown size, and those of bodies, get memory of their own. Lengths that are free count as one: all grow alike.
    """
    deaths = _deaths(network)
    sizes: dict[int, int] = {}  # slot -> elements of the largest result in it
    taken: dict[int, int] = {}  # slot -> the last step that needs what is in it
    for position, step in enumerate(network.steps):
        if not has_slot(step):
            continue
        shape = network.shapes.get(step.outputs[0])
        if shape is None:
            continue
        size = int(np.prod([n if isinstance(n, int) else 1 for n in shape]))
        free = [slot for slot in sizes if taken[slot] < position]
        large = [slot for slot in free if sizes[slot] >= size]
        if large:
            slot = min(large, key=lambda number: sizes[number])
        elif free:
            slot = max(free, key=lambda number: sizes[number])
        else:
            slot = len(sizes)
        sizes[slot] = max(sizes.get(slot, 0), size)
        taken[slot] = deaths[step.outputs[0]]
        step.attributes["slot"] = slot
    return len(sizes)


def has_slot(step: Step) -> bool:
    """Does the step's form put its result where it is told?"""
    return step.op in FORMS and "slot" in inspect.signature(FORMS[step.op]).parameters


def _deaths(network: Network) -> dict[str, int]:
    """For each result with a slot, the last step that reads it or what may be a view of it."""
    roots: dict[str, frozenset[str]] = {}
    deaths: dict[str, int] = {}
    for position, step in enumerate(network.steps):
        read = frozenset().union(*(roots.get(key, frozenset()) for key in step.reads()))
        deaths.update(dict.fromkeys(read, position))
        for key in step.outputs:
            if has_slot(step):
                roots[key], deaths[key] = frozenset([key]), position
            elif step.op not in FORMS and step.op not in _FRESH:
                roots[key] = read
    for key in network.results.values():
        deaths.update(dict.fromkeys(roots.get(key, ()), len(network.steps)))
    return deaths
