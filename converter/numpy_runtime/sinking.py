"""What follows the Transpose behind a linear layer is done before it, by the layer: the Transpose itself costs nothing."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.network import Network, Step


def sink(network: Network) -> dict[str, int]:
    """Let linear layers multiply by known numbers, and add, what is multiplied and added behind their Transposes."""
    counts = {"scales": 0, "sums_behind": 0}
    for step in list(network.steps):
        layer_and_move = _behind(network, step)
        if layer_and_move is None:
            continue
        if step.op == "Mul" and _scale(network, step, *layer_and_move):
            counts["scales"] += 1
        elif step.op == "Add" and _add(network, step, *layer_and_move):
            counts["sums_behind"] += 1
    network.drop_unused()
    return counts


def _behind(network: Network, step: Step) -> tuple[Step, Step, str] | None:
    """The layer and the Transpose that nothing but this step reads, and what else it reads."""
    if step.op not in ("Mul", "Add") or len(set(step.inputs)) != 2:
        return None
    producers, uses = network.producers(), network.uses()
    for key, other in (step.inputs, step.inputs[::-1]):
        move = producers.get(key)
        if move is None or move.op != "Transpose" or uses[key] != 1:
            continue
        layer = producers.get(move.inputs[0])
        if layer is None or layer.op != "linear" or uses[move.inputs[0]] != 1 or "then" in layer.attributes:
            continue
        if not any(layer.inputs[3:]) and network.shapes.get(key) == network.shapes.get(step.outputs[0]):
            return layer, move, other
    return None


def _order(network: Network, move: Step) -> list[int]:
    rank = len(network.shapes[move.outputs[0]])
    return list(move.attributes.get("perm") or range(rank)[::-1])


def _scale(network: Network, step: Step, layer: Step, move: Step, other: str) -> bool:
    """Numbers along what was the layer's last axis go into its weights."""
    order, numbers = _order(network, move), network.constants.get(other)
    if numbers is None or numbers.dtype != np.float32 or numbers.ndim > len(order):
        return False
    width = network.constants[layer.inputs[1]].shape[1]
    before = np.transpose(numbers.reshape((1,) * (len(order) - numbers.ndim) + numbers.shape), np.argsort(order))
    if before.shape[-1] not in (1, width) or before.size != before.shape[-1]:
        return False
    scale = before.reshape(-1).astype(np.float64)
    for position in (1, 2):
        if len(layer.inputs) > position and layer.inputs[position]:
            scaled = (network.constants[layer.inputs[position]] * scale).astype(np.float32)
            layer.inputs[position] = network.add_constant(layer.inputs[position], scaled)
    network.steps.remove(step)
    move.outputs = step.outputs
    return True


def _add(network: Network, step: Step, layer: Step, move: Step, other: str) -> bool:
    """The layer adds what is added, moved the other way."""
    if other in network.constants or network.dtypes.get(other) != "float32":
        return False
    if network.shapes.get(other) != network.shapes.get(move.outputs[0]):
        return False
    back = f"{layer.outputs[0]}.plus"
    order = [int(axis) for axis in np.argsort(_order(network, move))]
    network.shapes[back], network.dtypes[back] = network.shapes[layer.outputs[0]], "float32"
    x, weight, bias = [*layer.inputs, ""][:3]
    layer.inputs = [x, weight, bias, back]
    move.outputs = step.outputs
    for moved in (layer, move):
        network.steps.remove(moved)
    place = network.steps.index(step)
    network.steps[place : place + 1] = [
        Step("Transpose", f"{step.name}_plus", [other], [back], {"perm": order}), layer, move,
    ]  # fmt: skip
    return True
