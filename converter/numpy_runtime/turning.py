"""Linear layers with few rows and many features: their results are stored feature by feature."""

from __future__ import annotations

import math

import numpy as np

from converter.numpy_runtime.network import Network, Step

_WEIGHTS = 1 << 16
"""Elements of smaller weights are laid out for BLAS in no time."""

_VIEWS = ("Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")


def turn(network: Network) -> int:
    """Store what widening layers give so that each share of the features is one stretch of memory. How many do."""
    count = 0
    for step in network.steps:
        if step.op != "linear":
            continue
        weight = network.constants[step.inputs[1]]
        inside, width = weight.shape
        rows = math.prod(n if isinstance(n, int) else 1 for n in network.shapes[step.inputs[0]][:-1])
        if not 1 < rows < width or width < inside or weight.size < _WEIGHTS or not _read_by_products(network, step):
            continue
        step.op = "linear_turned"
        step.inputs[1] = network.add_constant(f"{step.inputs[1]}.turned", np.ascontiguousarray(weight.T))
        count += 1
    network.drop_unused()
    return count


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
