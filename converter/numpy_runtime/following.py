"""What follows a layer is computed on each part of its result while that is in the cache: biases, sums, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converter.numpy_runtime.fast import FORMS
from converter.numpy_runtime.network import Network, Step

_EASED = {"gelu": ("gelu_of_half", 0.5), "swish": ("swish_of_half", 0.5), "hard_swish": ("hard_swish_of_part", 6**-0.5)}
"""Activations that take a step less where the layer before them gives so much of its result."""

LAYERS = ("columns", "depthwise", "linear", "pointwise", "stem", "winograd")
"""Forms with the inputs x, weight, bias, plus and the keyword `then`."""


def swishes(network: Network) -> int:
    """x * sigmoid(x), as exporters write it, is one step."""
    producers, uses, count = network.producers(), network.uses(), 0
    for step in network.steps:
        if step.op != "Mul" or len(set(step.inputs)) != 2:
            continue
        for x, gate in (step.inputs, step.inputs[::-1]):
            source = producers.get(gate)
            if source is not None and source.op == "Sigmoid" and source.inputs[0] == x and uses[gate] == 1:
                step.op, step.inputs = "Swish", [x]
                count += 1
                break
    network.drop_unused()
    return count


def absorb(network: Network) -> dict[str, int]:
    """Move what follows each layer into it, as far as it goes. How many steps went, by what they were."""
    counts = {"biases": 0, "sums": 0, "activations": 0}
    position = 0
    while position < len(network.steps):
        step = network.steps[position]
        kind = _absorb(network, step) if step.op not in LAYERS else None
        if kind is None:
            position += 1
            continue
        counts[kind] += 1
        position = network.steps.index(network.producers()[step.outputs[0]])
    return counts


def ease(network: Network) -> int:
    """Give layers smaller weights where that saves their activation a step. How many have them."""
    count, uses = 0, network.uses()
    for step in network.steps:
        then = step.attributes.get("then", [""])
        if step.op not in LAYERS or then[0] not in _EASED or any(step.inputs[3:]):
            continue
        numbers = [key for key in step.inputs[1:3] if key]
        if any(uses[key] != 1 or key not in network.constants for key in numbers):
            continue
        name, part = _EASED[then[0]]
        for key in numbers:
            network.constants[key] = (network.constants[key] * np.float64(part)).astype(np.float32)
        step.attributes["then"] = [name]
        count += 1
    return count


def _absorb(network: Network, step: Step) -> str | None:
    """Let the layer before this step do what it does, if it can. The layer takes the step's place."""
    if len(step.outputs) != 1 or step.bodies:
        return None
    producers = network.producers()
    layers = [producers[key] for key in step.inputs if key in producers and producers[key].op in LAYERS]
    layers.sort(key=network.steps.index, reverse=True)
    for layer in layers:
        result = layer.outputs[0]
        if network.uses()[result] != 1 or network.dtypes.get(result) != "float32" or "then" in layer.attributes:
            continue
        if step.op == "Add":
            kind = _add(network, layer, step)
        else:
            kind = _activate(network, layer, step)
        if kind is not None:
            network.steps.remove(layer)
            layer.outputs = step.outputs
            network.steps[network.steps.index(step)] = layer
            return kind
    return None


def _add(network: Network, layer: Step, step: Step) -> str | None:
    result = layer.outputs[0]
    left, right = step.inputs
    other = right if left == result else left
    layer.inputs += [""] * (4 - len(layer.inputs))
    _, weight, bias, plus = layer.inputs
    shape = network.shapes.get(result)
    if plus or shape is None or other == result:
        return None
    if other in network.constants and not bias and layer.op == "linear":
        array, width = network.constants[other], network.constants[weight].shape[1]
        if array.dtype == np.float32 and array.size == width and array.shape[-1:] == (width,):
            layer.inputs[2] = network.add_constant(other, array.reshape(-1)) if array.ndim > 1 else other
            return "biases"
    if network.shapes.get(other) != shape or network.dtypes.get(other) != "float32":
        return None
    layer.inputs[3] = other
    return "sums"


def _activate(network: Network, layer: Step, step: Step) -> str | None:
    then = activation(network, step)
    if then is None:
        return None
    layer.attributes["then"] = then
    return "activations"


def activation(network: Network, step: Step) -> list[Any] | None:
    """The activation in place that does what the step does, and its numbers; None when there is none."""
    return ACTIVATORS[step.op](network, step) if step.op in ACTIVATORS else None


def _plain(name: str) -> Callable[[Network, Step], list[Any] | None]:
    return lambda network, step: [name]


def _clip(network: Network, step: Step) -> list[Any] | None:
    bounds = []
    for position, missing in ((1, -np.inf), (2, np.inf)):
        key = step.inputs[position] if len(step.inputs) > position else ""
        if key and (key not in network.constants or network.constants[key].size != 1):
            return None
        bounds.append(float(network.constants[key].item()) if key else missing)
    if bounds == [0.0, np.inf]:
        return ["relu"]
    return ["clip", *bounds] if np.isfinite(bounds).all() else None


def _swish(network: Network, step: Step) -> list[Any] | None:
    return ["swish"] if step.attributes.get("alpha", 1.0) == 1.0 else None


def _gelu(network: Network, step: Step) -> list[Any] | None:
    return ["gelu_tanh" if step.attributes.get("approximate", "none") == "tanh" else "gelu"]


def _hard_sigmoid(network: Network, step: Step) -> list[Any] | None:
    return ["hard_sigmoid", step.attributes.get("alpha", 0.2), step.attributes.get("beta", 0.5)]


def _leaky_relu(network: Network, step: Step) -> list[Any] | None:
    return ["leaky_relu", step.attributes.get("alpha", 0.01)]


ACTIVATORS: dict[str, Callable[[Network, Step], list[Any] | None]] = {
    "Clip": _clip,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain("hard_swish"),
    "LeakyRelu": _leaky_relu,
    "Relu": _plain("relu"),
    "Sigmoid": _plain("sigmoid"),
    "Swish": _swish,
    "Tanh": _plain("tanh"),
}

assert set(LAYERS) <= set(FORMS)
