"""Which nodes become islands, with all that their kernels need."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.errors import UnsupportedOpError
from converter.graph import IR_VERSION
from converter.numpy_runtime import TensorInfo
from converter.numpy_runtime.folding import wanted_outputs
from converter.numpy_runtime.kernels import KERNELS
from converter.numpy_runtime.network import Network, Step
from converter.numpy_runtime.reading import read


@dataclass(frozen=True)
class Island:
    """A node with all that its kernel needs.

    inputs: what the net computes as a tensor, a constant as its array, None where one is left out. outputs: None where
    nobody reads one.
    """

    node: str
    op: str
    attributes: Mapping[str, Any]
    inputs: tuple[TensorInfo | np.ndarray | None, ...]
    outputs: tuple[TensorInfo | None, ...]


def islands_of(model: onnx.ModelProto, names: Collection[str]) -> tuple[Island, ...]:
    """The nodes of these names in a model in the working opset, in graph order.

    Raises UnsupportedOpError for a node without a kernel or without fixed shapes, ValueError for a name that is not there or
    not the only one.
    """
    found = [node for node in model.graph.node if node.name in names]
    if len(found) != len(set(names)) or len({node.name for node in found}) != len(found):
        raise ValueError(f"{len(found)} nodes are called {sorted(names)}")
    network = read(ir.from_proto(_excerpt(model, found)))
    return tuple(_island(step, network) for step in network.steps)


def _excerpt(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> onnx.ModelProto:
    """These nodes alone, with their constants and types. What nobody reads of their outputs has no name."""
    graph = model.graph
    types = types_of(model, {name for node in nodes for name in (*node.input, *node.output)})
    read_names = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    wanted = {name for node in nodes for name in node.input}
    excerpt = onnx.GraphProto(name="islands")
    for node in nodes:
        copy = excerpt.node.add()
        copy.CopyFrom(node)
        del copy.output[:]
        copy.output.extend(name if name in read_names else "" for name in node.output)
    excerpt.initializer.extend(tensor for tensor in graph.initializer if tensor.name in wanted)
    constants = {tensor.name for tensor in excerpt.initializer}
    made = {name for node in excerpt.node for name in node.output}
    excerpt.input.extend(types[name] for name in sorted(wanted - constants - made) if name in types)
    excerpt.value_info.extend(types[name] for name in sorted(made) if name in types)
    return onnx.ModelProto(ir_version=IR_VERSION, graph=excerpt, opset_import=model.opset_import)


def types_of(model: onnx.ModelProto, names: set[str]) -> dict[str, onnx.ValueInfoProto]:
    """The types of these values, inferred where the model does not say them."""

    def known(graph: onnx.GraphProto) -> dict[str, onnx.ValueInfoProto]:
        return {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}

    constants = {tensor.name for tensor in model.graph.initializer}
    types = known(model.graph)
    if names - types.keys() - constants - {""}:
        types |= known(onnx.shape_inference.infer_shapes(model, data_prop=True).graph)
    return types


def _island(step: Step, network: Network) -> Island:
    several = wanted_outputs(step)
    takes = inspect.signature(KERNELS[step.op]).parameters
    return Island(
        node=step.name,
        op=step.op,
        attributes={**step.attributes, **(several if "outputs" in takes else {})},
        inputs=tuple(
            None if not key else network.constants[key] if key in network.constants else _tensor(key, step, network)
            for key in step.inputs
        ),
        outputs=tuple(_tensor(key, step, network) if key else None for key in step.outputs),
    )


def _tensor(key: str, step: Step, network: Network) -> TensorInfo:
    shape, dtype = network.shapes.get(key), network.dtypes.get(key)
    if shape is None or dtype is None or not all(isinstance(size, int) for size in shape):
        raise UnsupportedOpError(
            f"{step.op} {step.name!r} cannot be an island",
            measured=f"its tensor {key!r} has the shape {shape} and the type {dtype}",
            do=("fix the shapes: --input",),
        )
    return TensorInfo(key, shape, dtype)
