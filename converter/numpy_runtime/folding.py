"""What is computed once, when the program is planned, instead of at every run.

Each function edits the network in place and returns how many places changed; `fold` repeats them until none does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels import KERNELS
from converter.numpy_runtime.network import Network, Step

LARGE = 1 << 22
"""A constant that grows beyond this many bytes is not worth its room in weights.npz: its step stays."""


def fold(network: Network) -> dict[str, int]:
    """Everything below, to a fixed point. How many places changed, by the function's name."""
    changes = {change.__name__: 0 for change in FOLDS}
    while True:
        before = sum(changes.values())
        for change in FOLDS:
            changes[change.__name__] += change(network)
        if sum(changes.values()) == before:
            break
    changes["split_batch_norms"] = split_batch_norms(network)
    changes["dead_steps"] = network.drop_unused()
    return changes


def constants(network: Network) -> int:
    """Evaluate the steps whose inputs are all known, with the very kernels that would run them."""
    count = 0
    for block in network.blocks():
        kept = []
        for step in block:
            found = _evaluate(network, step)
            if found is None:
                kept.append(step)
                continue
            count += 1
            for key, array in zip(step.outputs, found, strict=False):
                if key:
                    network.constants[key] = array
                    network.shapes[key], network.dtypes[key] = array.shape, array.dtype.name
        block[:] = kept
    return count


def _evaluate(network: Network, step: Step) -> list[np.ndarray] | None:
    if step.op == "Constant":
        return [_literal_constant(step)]
    if step.bodies or not all(key in network.constants for key in step.inputs if key):
        return None
    inputs = [network.constants[key] if key else None for key in step.inputs]
    with np.errstate(all="ignore"):
        result = KERNELS[step.op](*inputs, **step.attributes, **wanted_outputs(step))
    results = result if isinstance(result, tuple) else (result,)
    if any(array is None or isinstance(array, list) for array in results):
        return None  # a sequence, or an optional that is empty: weights.npz holds arrays
    arrays = [np.array(array) for array in results]
    size = sum(array.nbytes for array in arrays)
    if size > LARGE and size > sum(array.nbytes for array in inputs if array is not None):
        return None
    return arrays


def _literal_constant(step: Step) -> np.ndarray:
    ((name, value),) = step.attributes.items()
    dtypes = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    return np.asarray(value, dtypes.get(name))


def wanted_outputs(step: Step) -> dict[str, int]:
    """The keyword `outputs` for a kernel whose optional outputs are read."""
    last = max((number for number, key in enumerate(step.outputs, start=1) if key), default=1)
    return {"outputs": last} if last > 1 else {}


def identities(network: Network) -> int:
    """Drop steps that give their first input back."""
    count = 0
    for block in network.blocks():
        for step in list(block):
            if any(step.outputs[1:]) and any(network.uses()[key] for key in step.outputs[1:] if key):
                continue
            if _is_identity(network, step):
                block.remove(step)
                network.replace(step.outputs[0], step.inputs[0])
                count += 1
    return count


def branches(network: Network) -> int:
    """Put the branch of an If whose condition is known in its place: one at a time, as branches may hold others."""
    for block in network.blocks():
        for position, step in enumerate(block):
            if step.op != "If" or step.inputs[0] not in network.constants:
                continue
            body = step.bodies["then_branch" if network.constants[step.inputs[0]].any() else "else_branch"]
            block[position : position + 1] = body.steps
            for out, result in zip(step.outputs, body.results, strict=True):
                if out:
                    network.replace(out, result)
            return 1
    return 0


def _is_identity(network: Network, step: Step) -> bool:
    if step.op == "Identity":
        return True
    if step.op == "Dropout":
        training = step.inputs[2] if len(step.inputs) > 2 else ""
        return not training or (training in network.constants and not network.constants[training].any())
    if not step.inputs:
        return False
    before, after = network.dtypes.get(step.inputs[0]), network.dtypes.get(step.outputs[0])
    if step.op in ("Cast", "CastLike"):
        return before is not None and before == after
    if step.op == "Transpose":
        perm = step.attributes.get("perm")
        return perm is not None and perm == sorted(perm)
    if step.op in ("Concat", "Sum", "Max", "Min", "Mean"):
        return len(step.inputs) == 1
    return False


def batch_norms(network: Network) -> int:
    """Batch normalisation in inference is y = x * factor + shift: into the weights of the layer before it."""
    return _into_layers(network, _norm_as_affine)


def scales_and_shifts(network: Network) -> int:
    """The same for a product, sum, difference or quotient with one constant a channel."""
    return _into_layers(network, _arithmetic_as_affine)


Affine = tuple[str, np.ndarray, np.ndarray]
"""(value, factor, shift): the step computes value * factor + shift with one of each a channel, in float64."""


def _into_layers(network: Network, as_affine: Callable[[Network, Step], Affine | None]) -> int:
    uses, producers, count = network.uses(), network.producers(), 0
    for step in list(network.steps):
        affine = as_affine(network, step)
        if affine is None:
            continue
        key, factor, shift = affine
        layer = producers.get(key)
        if layer is None or uses[key] != 1 or layer.op not in SCALERS:
            continue
        if not SCALERS[layer.op](network, layer, factor, shift):
            continue
        network.steps.remove(step)
        layer.outputs[0] = step.outputs[0]
        producers[step.outputs[0]] = layer
        count += 1
    return count


def _norm_as_affine(network: Network, step: Step) -> Affine | None:
    if step.op != "BatchNormalization" or step.attributes.get("training_mode") or any(step.outputs[1:]):
        return None
    if not all(key in network.constants for key in step.inputs[1:]):
        return None
    scale, bias, mean, variance = (network.constants[key].astype(np.float64) for key in step.inputs[1:])
    factor = scale / np.sqrt(variance + step.attributes.get("epsilon", 1e-5))
    return step.inputs[0], factor, bias - mean * factor


def _arithmetic_as_affine(network: Network, step: Step) -> Affine | None:
    if step.op not in ("Add", "Sub", "Mul", "Div"):
        return None
    left, right = step.inputs
    if (left in network.constants) == (right in network.constants):
        return None
    key, other = (right, left) if left in network.constants else (left, right)
    rank, number = len(network.shapes.get(key, ())), network.constants[other]
    if rank < 2 or number.dtype.kind != "f" or network.shapes.get(step.outputs[0]) != network.shapes[key]:
        return None
    if number.ndim > rank or any(
        n != 1 for axis, n in enumerate((1,) * (rank - number.ndim) + number.shape) if axis != 1
    ):
        return None
    values = number.astype(np.float64).ravel()
    if step.op == "Mul":
        return key, values, np.zeros(1)
    if step.op == "Add":
        return key, np.ones(1), values
    if step.op == "Sub":
        return (key, np.ones(1), -values) if key == left else (key, -np.ones(1), values)
    if key == left and values.all():
        return key, 1 / values, np.zeros(1)
    return None


def _scale_conv(network: Network, layer: Step, factor: np.ndarray, shift: np.ndarray) -> bool:
    found = _weights(network, layer)
    if found is None:
        return False
    weight, bias = found
    channels = weight.shape[0]
    factor, shift = np.broadcast_to(factor, channels), np.broadcast_to(shift, channels)
    scaled = weight * factor.reshape((-1,) + (1,) * (weight.ndim - 1))
    _store(network, layer, scaled, (0.0 if bias is None else bias) * factor + shift)
    return True


def _scale_conv_transpose(network: Network, layer: Step, factor: np.ndarray, shift: np.ndarray) -> bool:
    found = _weights(network, layer)
    if found is None:
        return False
    weight, bias = found
    group = layer.attributes.get("group", 1)
    channels = weight.shape[1] * group
    factor, shift = np.broadcast_to(factor, channels), np.broadcast_to(shift, channels)
    by_group = weight.reshape((group, -1, *weight.shape[1:]))
    scaled = by_group * factor.reshape((group, 1, -1) + (1,) * (weight.ndim - 2))
    _store(network, layer, scaled.reshape(weight.shape), (0.0 if bias is None else bias) * factor + shift)
    return True


def _scale_gemm(network: Network, layer: Step, factor: np.ndarray, shift: np.ndarray) -> bool:
    found = _weights(network, layer)
    if found is None:
        return False
    weight, bias = found
    by_row = bool(layer.attributes.get("transB"))
    channels = weight.shape[0 if by_row else 1]
    if bias is not None and bias.size not in (1, channels):
        return False
    factor, shift = np.broadcast_to(factor, channels), np.broadcast_to(shift, channels)
    total = np.zeros(channels) if bias is None else bias.ravel() * layer.attributes.get("beta", 1.0)
    layer.attributes.pop("beta", None)
    _store(network, layer, weight * (factor[:, None] if by_row else factor), total * factor + shift)
    return True


SCALERS: dict[str, Callable[[Network, Step, np.ndarray, np.ndarray], bool]] = {
    "Conv": _scale_conv,
    "ConvTranspose": _scale_conv_transpose,
    "Gemm": _scale_gemm,
}


def _weights(network: Network, layer: Step) -> tuple[np.ndarray, np.ndarray | None] | None:
    """The layer's weight and bias in float64, when both are known."""
    keys = layer.inputs[1:]
    if not all(key in network.constants for key in keys if key):
        return None
    weight = network.constants[keys[0]].astype(np.float64)
    bias = network.constants[keys[1]].astype(np.float64) if len(keys) > 1 and keys[1] else None
    return weight, bias


def _store(network: Network, layer: Step, weight: np.ndarray, bias: np.ndarray) -> None:
    """Give the layer weights of its own: others may share the old ones."""
    dtype = network.constants[layer.inputs[1]].dtype
    old = layer.inputs[2] if len(layer.inputs) > 2 and layer.inputs[2] else _bias_name(layer.inputs[1])
    uses = network.uses()
    keys = []
    for key, array in ((layer.inputs[1], weight), (old, bias)):
        if uses[key] == 1:
            del network.constants[key], network.shapes[key], network.dtypes[key]  # its name is free again
        keys.append(network.add_constant(key, array.astype(dtype)))
    layer.inputs[1:] = keys


def _bias_name(weight: str) -> str:
    return weight[: -len("weight")] + "bias" if weight.endswith("weight") else f"{weight}.bias"


def split_batch_norms(network: Network) -> int:
    """A batch normalisation with no layer to go into becomes one product and one sum with constants."""
    count = 0
    for position, step in reversed(list(enumerate(network.steps))):
        affine = _norm_as_affine(network, step)
        shape = network.shapes.get(step.inputs[0]) if affine is not None else None
        if affine is None or shape is None:
            continue
        key, factor, shift = affine
        wide: Any = (-1,) + (1,) * (len(shape) - 2)
        dtype = network.constants[step.inputs[1]].dtype
        scaled = f"{step.outputs[0]}/scaled"
        factor_key = network.add_constant(f"{step.inputs[1]}.factor", factor.astype(dtype).reshape(wide))
        shift_key = network.add_constant(f"{step.inputs[2]}.shift", shift.astype(dtype).reshape(wide))
        network.shapes[scaled], network.dtypes[scaled] = shape, dtype.name
        network.steps[position : position + 1] = [
            Step("Mul", f"{step.name}/scale", [key, factor_key], [scaled]),
            Step("Add", f"{step.name}/shift", [scaled, shift_key], step.outputs[:1]),
        ]
        count += 1
    return count


FOLDS: tuple[Callable[[Network], int], ...] = (
    constants,  # first: a weight that is computed is a weight only now
    branches,
    identities,  # so that a layer and its normalisation are neighbours
    batch_norms,
    scales_and_shifts,
)
