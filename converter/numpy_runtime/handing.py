"""The scale and bias of a normalisation go into the linear layers that follow it: two passes less over its result."""

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.network import Network, Step

MOVERS = ("Concat", "Gather", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")
"""Steps that only move values about."""


def hand_on(network: Network) -> int:
    """Leave normalisations that nothing but linear layers read, moved about or not, without numbers of their own."""
    count = 0
    for norm in network.steps:
        if norm.op == "layer_norm" and len(norm.inputs) > 1:
            readers = _linears(network, norm)
            if readers:
                scale, bias = [*norm.inputs[1:], "", ""][:2]
                for reader in readers:
                    _take(network, reader, scale, bias)
                norm.inputs = norm.inputs[:1]
                count += 1
    network.drop_unused()
    return count


def _linears(network: Network, norm: Step) -> list[Step]:
    """The linear layers that read the result, if nothing else does."""
    width = network.shapes.get(norm.outputs[0], (None,))[-1]
    found: list[Step] = []
    same = {norm.outputs[0]}
    for step in network.steps[network.steps.index(norm) + 1 :]:
        if same.isdisjoint(step.reads()):
            continue
        if step.op == "linear" and step.inputs[0] in same and same.isdisjoint(step.inputs[1:]):
            found.append(step)
        elif step.op in MOVERS and _moves_rows(network, step, same, width):
            same.update(key for key in step.outputs if key)
        else:
            return []
    return [] if same & set(network.results.values()) else found


def _moves_rows(network: Network, step: Step, same: set[str], width: int | str | None) -> bool:
    """It moves whole rows, of this width, and nothing else goes in between."""
    data = step.inputs if step.op == "Concat" else step.inputs[:1]
    if not same.issuperset(data) or step.bodies or not isinstance(width, int):
        return False
    if any(network.shapes.get(key, (None,))[-1:] != (width,) for key in step.outputs if key):
        return False
    rank = len(network.shapes[data[0]])
    if step.op == "Transpose":
        order = step.attributes.get("perm", list(range(rank))[::-1])
        return bool(order[-1] == rank - 1)
    if step.op in ("Concat", "Gather", "Split"):
        return bool(step.attributes.get("axis", 0) % rank != rank - 1)
    if step.op == "Slice":
        axes = network.constants.get(step.inputs[3]) if len(step.inputs) > 3 and step.inputs[3] else None
        return axes is not None and bool((axes % rank != rank - 1).all())
    return True  # a new shape whose last length is the same


def _take(network: Network, linear: Step, scale: str, bias: str) -> None:
    """(x * scale + bias) @ weight + b = x @ (scale * weight) + (bias @ weight + b)"""
    weight = network.constants[linear.inputs[1]].astype(np.float64)
    linear.inputs += [""] * (3 - len(linear.inputs))
    if bias:
        shift = network.constants[bias].astype(np.float64) @ weight
        if linear.inputs[2]:
            shift += network.constants[linear.inputs[2]]
        linear.inputs[2] = network.add_constant(
            linear.inputs[2] or f"{linear.inputs[1]}.bias", shift.astype(np.float32)
        )
    if scale:
        weight *= network.constants[scale].astype(np.float64)[:, None]
        linear.inputs[1] = network.add_constant(linear.inputs[1], weight.astype(np.float32))
