"""The model cut around its islands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from converter.islands.nodes import Island, types_of
from converter.numpy_runtime import TensorInfo


@dataclass(frozen=True)
class Part:
    """What of the model lies between islands: a model of its own."""

    model: onnx.ModelProto
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def cut_around(model: onnx.ModelProto, islands: Sequence[Island]) -> tuple[Island | Part, ...]:
    """What runs after what. `model` is in the form that is to be written; every part holds only the constants it needs."""
    by_name = {island.node: island for island in islands}
    ready: dict[str, tuple[int, int]] = {}  # value -> the part after which it is there; 1 where an island makes it then
    parts: dict[int, list[int]] = {}
    between: dict[int, list[Island]] = {}
    for number, node in enumerate(model.graph.node):
        waits = [ready.get(name, (0, 0)) for name in node.input] or [(0, 0)]
        if node.name in by_name:
            stage = max(part for part, _ in waits)  # an island that reads another's output waits for no part
            between.setdefault(stage, []).append(by_name[node.name])
        else:
            stage = max(part + island for part, island in waits)
            parts.setdefault(stage, []).append(number)
        ready.update(dict.fromkeys(node.output, (stage, int(node.name in by_name))))
    steps: list[Island | Part] = []
    for stage in sorted({*parts, *between}):
        if stage in parts:
            steps.append(_part(model, parts[stage]))
        steps.extend(between.get(stage, ()))
    return tuple(steps)


def _part(model: onnx.ModelProto, numbers: Sequence[int]) -> Part:
    graph = model.graph
    wanted = set(numbers)
    inside: list[onnx.NodeProto] = []
    outside: list[onnx.NodeProto] = []
    for number, node in enumerate(graph.node):
        (inside if number in wanted else outside).append(node)
    needed = dict.fromkeys(name for node in inside for name in node.input if name)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    made = dict.fromkeys(name for node in inside for name in node.output if name)
    reads = [name for name in needed if name not in made.keys() | {tensor.name for tensor in constants}]
    elsewhere = {name for node in outside for name in node.input} | {value.name for value in graph.output}
    gives = [name for name in made if name in elsewhere]
    types = types_of(model, {*reads, *gives})
    part = onnx.ModelProto(
        ir_version=model.ir_version, producer_name=model.producer_name, opset_import=model.opset_import
    )
    part.graph.name = graph.name or "part"
    part.graph.node.extend(inside)
    part.graph.initializer.extend(constants)
    part.graph.input.extend(types[name] for name in reads)
    part.graph.output.extend(types[name] for name in gives)
    return Part(part, tuple(_info(types[name]) for name in reads), tuple(_info(types[name]) for name in gives))


def _info(value: onnx.ValueInfoProto) -> TensorInfo:
    kind = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    return TensorInfo(value.name, tuple(dim.dim_value for dim in kind.shape.dim), dtype.name)
