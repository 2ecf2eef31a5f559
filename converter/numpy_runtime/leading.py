"""Linear layers take any leading dimensions: no Reshape to a matrix before them, none back behind them."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.network import Network, Step


def free_linears(network: Network) -> int:
    """Let each linear layer give the shape that a Reshape behind it makes. How many Reshapes went.

    What then stands directly behind the layer can be computed with it.
    """
    before = sum(step.op == "Reshape" for step in network.steps)
    for step in list(network.steps):
        if step.op == "linear":
            _free(network, step)
    network.drop_unused()
    return before - sum(step.op == "Reshape" for step in network.steps)


def _free(network: Network, layer: Step) -> None:
    result, x = layer.outputs[0], layer.inputs[0]
    readers = [step for step in network.steps if result in step.reads()]
    if len(readers) != 1 or network.uses()[result] != 1 or readers[0].op != "Reshape" or readers[0].inputs[0] != result:
        return
    behind = readers[0]
    wanted = _wanted(network, behind)
    given, rows = network.shapes.get(behind.outputs[0], ()), network.shapes.get(x, ())
    inside, width = network.constants[layer.inputs[1]].shape
    if wanted is None or len(given) < 2 or given[-1] != width or rows[-1:] != (inside,):
        return
    source = network.producers().get(x)
    if source is not None and source.op == "Reshape" and _wanted(network, source) is not None:
        x = source.inputs[0]
    shape = (*given[:-1], inside)
    if network.shapes.get(x) != shape:
        target = network.add_constant(f"{x}.shape", np.array([*wanted[:-1], inside], np.int64))
        matrix = f"{result}.rows"
        before = Step("Reshape", f"{layer.name}_rows", [x, target], [matrix], {"allowzero": 1})
        network.steps.insert(network.steps.index(layer), before)
        network.shapes[matrix], network.dtypes[matrix] = shape, "float32"
        x = matrix
    layer.inputs[0] = x
    network.steps.remove(behind)
    layer.outputs = behind.outputs


def _wanted(network: Network, reshape: Step) -> list[int] | None:
    """The shape that a Reshape asks for; None where it is computed or takes lengths over from its input."""
    shape = network.constants.get(reshape.inputs[1])
    return None if shape is None or (shape == 0).any() else [int(length) for length in shape]
