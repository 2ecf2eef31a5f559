"""Small tools on onnx_ir graphs that several rooms share: cutting a region out, naming its signature, inferring types.

A *region* is a set of nodes of one graph, in graph order. Cut out, it is an ONNX model of its own: what it reads from
outside becomes a graph input, constants come along, what is read outside of it becomes a graph output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import onnx
import onnx_ir as ir

from converter.wire import is_large, placeholder

WORKING_OPSET = 20
"""The one opset inside the pipeline: both exporters write it, and HardSwish, LayerNormalization and Gelu are ops in it."""

IR_VERSION = 9


def is_constant(value: ir.Value | None) -> bool:
    """True when the value is known before the model runs."""
    return value is not None and value.const_value is not None


def array_of(value: ir.Value | None) -> np.ndarray | None:
    """The constant's array, or None when the value is absent or comes from a node."""
    if value is None or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())


def static_shape(value: ir.Value) -> tuple[int, ...] | None:
    """The value's shape when every dimension is a known integer, else None."""
    if value.shape is None or not all(isinstance(dim, int) for dim in value.shape):
        return None
    return tuple(int(dim) for dim in value.shape)


def region_inputs(nodes: Sequence[ir.Node]) -> list[ir.Value]:
    """What the region reads from outside and is not constant, in order of first use."""
    inside = {value for node in nodes for value in node.outputs}
    seen: dict[ir.Value, None] = {}
    for node in nodes:
        for value in node.inputs:
            if value is not None and value not in inside and not is_constant(value):
                seen[value] = None
    return list(seen)


def region_outputs(nodes: Sequence[ir.Node]) -> list[ir.Value]:
    """What is read outside of the region, or is an output of the whole graph."""
    members = set(nodes)
    return [
        value
        for node in nodes
        for value in node.outputs
        if value.is_graph_output() or any(use.node not in members for use in value.uses())
    ]


def cut(
    nodes: Sequence[ir.Node],
    outputs: Sequence[ir.Value] | None = None,
    weights: dict[str, ir.TensorProtocol] | None = None,
) -> onnx.ModelProto:
    """The region as a model of its own. `outputs` default to `region_outputs(nodes)`.

    Where `weights` are given, large constants are put there, and a placeholder into the model (see `wire`).
    """
    inside = {value for node in nodes for value in node.outputs}
    constants: dict[ir.Value, None] = {}
    for node in nodes:
        for value in node.inputs:
            if value is not None and value not in inside and is_constant(value):
                constants[value] = None
    graph = onnx.GraphProto(name="region")
    graph.node.extend(ir.serde.serialize_node(node) for node in nodes)
    graph.input.extend(ir.serde.serialize_value(value) for value in region_inputs(nodes))
    for value in constants:
        constant = value.const_value
        assert constant is not None and value.name is not None
        if weights is not None and is_large(constant):
            weights[value.name] = constant
            constant = placeholder(value.name, constant)
        tensor = ir.serde.serialize_tensor(constant)
        tensor.name = value.name
        graph.initializer.append(tensor)
    graph.output.extend(ir.serde.serialize_value(value) for value in (outputs or region_outputs(nodes)))
    opsets = {"": WORKING_OPSET, **{node.domain: 1 for node in nodes if node.domain}}
    return onnx.ModelProto(
        ir_version=IR_VERSION,
        producer_name="torch2cv",
        graph=graph,
        opset_import=[onnx.OperatorSetIdProto(domain=domain, version=version) for domain, version in opsets.items()],
    )


def infer_types(nodes: Sequence[ir.Node]) -> None:
    """Set dtype and shape of every output of the region from those of its inputs, in place."""
    values = {value.name: value for node in nodes for value in node.outputs}
    model = cut(nodes, outputs=[value for node in nodes for value in node.outputs])
    for output in model.graph.output:
        output.ClearField("type")
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for info in (*inferred.graph.output, *inferred.graph.value_info):
        if (value := values.get(info.name)) is not None and info.type.HasField("tensor_type"):
            fresh = ir.serde.deserialize_value_info_proto(info, None)
            value.type = fresh.type
            value.shape = fresh.shape


def window(node: ir.Node, depth: int = 2) -> list[ir.Node]:
    """The node with its producers, `depth` levels up, in graph order.

    OpenCV fuses and re-lays-out neighbours, so a node that is right alone can be wrong behind another.
    """
    members = {node}
    frontier = [node]
    for _ in range(depth):
        frontier = [
            producer
            for member in frontier
            for value in member.inputs
            if value is not None and (producer := value.producer()) is not None and producer not in members
        ]
        members.update(frontier)
    return _in_order(node, members)


def _in_order(last: ir.Node, members: set[ir.Node]) -> list[ir.Node]:
    """The members, each after its producers; `last` is reachable from all of them."""
    ordered: dict[ir.Node, None] = {}

    def visit(node: ir.Node) -> None:
        for value in node.inputs:
            producer = value.producer() if value is not None else None
            if producer in members and producer not in ordered:
                visit(producer)
        ordered[node] = None

    visit(last)
    return list(ordered)


def signature(nodes: Sequence[ir.Node]) -> str:
    """A hash that is equal for regions of equal ops, attributes, wiring, shapes, dtypes and small integer constants.

    Weights count by shape and dtype only: which numbers they hold does not decide whether an importer accepts them.
    """
    names: dict[ir.Value, str] = {}
    parts: list[str] = []
    for node in nodes:
        inputs = []
        for value in node.inputs:
            if value is None:
                inputs.append("-")
                continue
            names.setdefault(value, f"v{len(names)}")
            inputs.append(f"{names[value]}:{_describe(value)}")
        for value in node.outputs:
            names.setdefault(value, f"v{len(names)}")
        attributes = sorted(f"{name}={_attribute(attribute)}" for name, attribute in node.attributes.items())
        outputs = [f"{names[value]}:{value.dtype}{static_shape(value)}" for value in node.outputs]
        parts.append(f"{node.domain}:{node.op_type}({','.join(inputs)})[{';'.join(attributes)}]->{','.join(outputs)}")
    parts.append(",".join(names[value] for value in region_outputs(nodes)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _describe(value: ir.Value) -> str:
    text = f"{value.dtype}{static_shape(value)}"
    array = array_of(value)
    if array is None:
        return text
    if array.dtype.kind in "iub" and array.size <= 64:
        return f"{text}={array.tolist()}"
    # whether a scalar is 0, 1 or something else can decide which fusion applies
    return f"{text}={array.ravel()[0]!r}" if array.size == 1 else f"{text}=const"


def _attribute(attribute: ir.Attr) -> str:
    if attribute.type == ir.AttributeType.TENSOR:
        array = attribute.as_tensor().numpy()
        return f"tensor{array.shape}{array.dtype}{hashlib.sha256(array.tobytes()).hexdigest()[:8]}"
    return repr(attribute.value)


def insert_before(anchor: ir.Node, nodes: Iterable[ir.Node]) -> None:
    """Put nodes into the anchor's graph, just before it."""
    graph = anchor.graph
    assert graph is not None, f"{anchor.name} is in no graph"
    graph.insert_before(anchor, list(nodes))


def standalone(nodes: Sequence[ir.Node], outputs: Sequence[ir.Value] | None = None) -> ir.Model:
    """A typed copy of the region as a model of its own: edits of it leave the graph alone."""
    model = ir.from_proto(cut(nodes, outputs))
    infer_types(list(model.graph))
    return model
