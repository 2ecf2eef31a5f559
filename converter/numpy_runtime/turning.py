"""Products with few rows: it is the weights that take time to read, so they are stored as BLAS likes to read them."""

from __future__ import annotations

import math

import numpy as np

from converter.numpy_runtime.network import Network, Step

_WEIGHTS = 1 << 16
"""Elements of smaller weights are laid out for BLAS in no time."""

_BLOCK, _UNIT = 128, 16
"""Filters in a block at most, and what they are a multiple of."""

_FEW = 100
"""So many rows or fewer: weights in blocks are read 1.2 to 1.3 times as fast. With twice as many it makes no difference."""

_VIEWS = ("Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")


def turn(network: Network) -> int:
    """Store what widening layers give so that each share of the features is one stretch of memory. How many do."""
    count = 0
    for step in network.steps:
        if step.op != "linear" or network.constants[step.inputs[1]].ndim != 2:
            continue
        weight = network.constants[step.inputs[1]]
        inside, width = weight.shape
        if not _FEW < _rows(network, step) < width or width < inside or weight.size < _WEIGHTS:
            continue
        if not _read_by_products(network, step):
            continue
        step.op = "linear_turned"
        step.inputs[1] = network.add_constant(f"{step.inputs[1]}.turned", np.ascontiguousarray(weight.T))
        count += 1
    network.drop_unused()
    return count


def block(network: Network) -> int:
    """Store the weights of products with few rows in blocks of filters. How many are."""
    count = 0
    for step in network.steps:
        if step.op not in ("linear", "pointwise", "columns"):
            continue
        weight = network.constants[step.inputs[1]]
        if step.op == "columns" and len(weight) > 1:
            continue  # groups
        inside, filters = weight.shape[-2], weight.shape[-1]
        widths = [n for n in range(_UNIT, _BLOCK + 1, _UNIT) if filters % n == 0 and n < filters]
        if not widths or weight.size < _WEIGHTS or not 1 < _rows(network, step) <= _FEW:
            continue
        blocks = np.ascontiguousarray(weight.reshape(inside, -1, widths[-1]).transpose(1, 0, 2))
        step.inputs[1] = network.add_constant(f"{step.inputs[1]}.blocks", blocks)
        count += 1
    network.drop_unused()
    return count


def _rows(network: Network, step: Step) -> int:
    """Rows of the product for one item: tokens, or pixels of the result."""
    shape = network.shapes.get(step.outputs[0], ())
    places = shape[:-1] if step.op == "linear" else shape[2:]
    return math.prod(n if isinstance(n, int) else 1 for n in places)


def _read_by_products(network: Network, layer: Step) -> bool:
    """Nothing reads the result, or a view of it, but matrix products, which take it either way."""
    same = set(layer.outputs)
    for step in network.steps[network.steps.index(layer) + 1 :]:
        if same.isdisjoint(step.reads()):
            continue
        if step.op in _VIEWS and not same & set(step.inputs[1:]):
            same.update(key for key in step.outputs if key)
        elif step.op in ("linear", "linear_turned"):
            if not same.isdisjoint(step.inputs[1:]):
                return False
        elif step.op != "attention" or not same.isdisjoint(step.inputs[3:]):
            return False
    return same.isdisjoint(network.results.values())
