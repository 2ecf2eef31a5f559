"""Several steps that together are one fast form: attention, layer normalisation."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.network import Network, Step


def layer_norms(network: Network) -> int:
    """LayerNormalization over the last axis with known numbers."""
    count = 0
    for step in network.steps:
        if step.op != "LayerNormalization" or any(step.outputs[1:]):
            continue
        shape = network.shapes.get(step.inputs[0], ())
        keys = [key for key in step.inputs if key]
        if step.attributes.get("axis", -1) not in (-1, len(shape) - 1) or len(shape) < 2:
            continue
        if any(network.dtypes.get(key) != "float32" for key in keys):
            continue
        if any(key not in network.constants or network.constants[key].ndim != 1 for key in keys[1:]):
            continue
        step.op = "layer_norm"
        step.attributes = {"epsilon": step.attributes.get("epsilon", 1e-5)}
        count += 1
    return count


def attentions(network: Network) -> int:
    """MatMul(Softmax(MatMul(q, k) * scale + mask), v), in any order of scale and masks, of four dimensions."""
    count = 0
    for step in list(network.steps):
        if step.op == "MatMul" and step in network.steps and _attention(network, step):
            count += 1
    network.drop_unused()
    return count


def _attention(network: Network, last: Step) -> bool:
    producers, uses = network.producers(), network.uses()
    softmax = producers.get(last.inputs[0])
    if softmax is None or softmax.op != "Softmax" or uses[softmax.outputs[0]] != 1:
        return False
    found = _scores(network, producers, softmax)
    if found is None:
        return False
    product, scale, masks = found
    shapes = [network.shapes.get(key, ()) for key in (*product.inputs, last.inputs[1], product.outputs[0])]
    everything = [*product.inputs, last.inputs[1], *masks]
    if any(len(shape) != 4 for shape in shapes) or len({shape[:2] for shape in shapes}) != 1:
        return False
    if softmax.attributes.get("axis", -1) not in (-1, len(network.shapes[softmax.outputs[0]]) - 1) or len(masks) > 2:
        return False
    if any(network.dtypes.get(key) != "float32" for key in everything):
        return False
    q, first = _unscaled(network, producers, product.inputs[0])
    k, second = _unscaled(network, producers, product.inputs[1])
    last.op, last.inputs = "attention", [q, k, last.inputs[1], *masks]
    last.attributes = {"scale": float(scale * first * second)}
    return True


def _scores(network: Network, producers: dict[str, Step], softmax: Step) -> tuple[Step, float, list[str]] | None:
    """The product that the softmax's input comes from, and by what it is multiplied and what is added on the way."""
    uses, scale = network.uses(), 1.0
    masks: list[str] = []
    key = softmax.inputs[0]
    while uses[key] == 1 and (step := producers.get(key)) is not None:
        if step.op == "MatMul":
            return step, scale, masks
        if step.op == "Reshape":
            before, after = network.shapes.get(step.inputs[0]), network.shapes.get(key)
            if before is None or after is None or _core(before) != _core(after):
                return None
            key = step.inputs[0]
        elif step.op == "Add":
            on_way = [name for name in step.inputs if name in producers and producers[name].op in _ON_THE_WAY]
            if len(on_way) != 1:
                return None
            (other,) = (name for name in step.inputs if name != on_way[0])
            mask = _mask(network, other, network.shapes.get(key))
            if mask is None or scale != 1:
                return None
            masks.append(mask)
            key = on_way[0]
        elif step.op in ("Mul", "Div"):
            number = network.constants.get(step.inputs[1])
            if number is None or number.size != 1 or number.ndim > 4:
                return None
            scale *= float(number.item()) if step.op == "Mul" else 1 / float(number.item())
            key = step.inputs[0]
        else:
            return None
    return None


_ON_THE_WAY = ("MatMul", "Reshape", "Add", "Mul", "Div")


def _core(shape: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The shape without ones in front."""
    return _core(shape[1:]) if len(shape) > 4 and shape[0] == 1 else shape


def _mask(network: Network, key: str, shape: tuple[int | str, ...] | None) -> str | None:
    """The mask as one that broadcasts to four dimensions, where it is added to scores of this shape."""
    own = network.shapes.get(key)
    if own is None or shape is None or len(own) > len(shape):
        return None
    if len(shape) == 4:
        return key
    if key in network.constants and len(shape) == 5 and shape[0] == 1 and (len(own) < 5 or own[0] == 1):
        array = network.constants[key]
        return key if array.ndim < 5 else network.add_constant(key, np.ascontiguousarray(array[0]))
    return None


def _unscaled(network: Network, producers: dict[str, Step], key: str) -> tuple[str, float]:
    """What is multiplied by one known number to give the value, and the number."""
    step = producers.get(key)
    if step is None or step.op != "Mul":
        return key, 1.0
    for value, number in (step.inputs, step.inputs[::-1]):
        array = network.constants.get(number)
        same = network.shapes.get(value) == network.shapes.get(key)
        if array is not None and array.size == 1 and same and value not in network.constants:
            return value, float(array.item())
    return key, 1.0
