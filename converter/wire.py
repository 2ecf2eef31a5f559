"""Models with large weights, taken apart and written without a copy of them all: a proto of the structure, and the arrays.

A proto that holds its weights costs them twice more while it is serialized. What `chunks` gives is byte for byte what
protobuf would write, one tensor at a time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import onnx
import onnx_ir as ir

LARGE = 4096
"""Bytes above which a constant is a weight: smaller ones stay, importers and ONNX Runtime read shapes and axes from them."""

Weights = Mapping[str, ir.TensorProtocol]


def is_large(tensor: ir.TensorProtocol) -> bool:
    """Whether the constant is a weight, and its bytes are numbers."""
    return bool(tensor.nbytes > LARGE and tensor.dtype != ir.DataType.STRING)


def placeholder(name: str, tensor: ir.TensorProtocol) -> ir.ExternalTensor:
    """A tensor of the same name, type and shape whose data are elsewhere."""
    return ir.ExternalTensor("weights", 0, tensor.nbytes, tensor.dtype, shape=tensor.shape, name=name)


def weightless(model: ir.Model) -> tuple[onnx.ModelProto, dict[str, ir.TensorProtocol]]:
    """The model as a proto with placeholders for its weights, and these by name, as they are."""
    initializers = model.graph.initializers
    constants = {name: value.const_value for name, value in initializers.items()}
    weights = {name: tensor for name, tensor in constants.items() if tensor is not None and is_large(tensor)}
    for name, tensor in weights.items():
        initializers[name].const_value = placeholder(name, tensor)
    try:
        return ir.to_proto(model), weights
    finally:
        for name, tensor in weights.items():
            initializers[name].const_value = tensor


def chunks(model: onnx.ModelProto, weights: Weights) -> Iterator[bytes]:
    """The serialized model in pieces, each placeholder with its weight: what protobuf writes, fields in their order.

    Source of the form: the Protocol Buffers encoding guide (a field is its number and wire type, then its length, then its
    bytes), field numbers from onnx.proto.
    """
    graph = model.graph
    before, after = onnx.GraphProto(node=graph.node, name=graph.name), onnx.GraphProto()
    after.CopyFrom(graph)
    for field in ("node", "name", "initializer"):
        after.ClearField(field)
    start, end = onnx.ModelProto(), onnx.ModelProto()
    for part in (start, end):
        part.CopyFrom(model)
    for descriptor, _ in model.ListFields():
        (start if descriptor.number >= _GRAPH else end).ClearField(descriptor.name)
    end.ClearField("graph")
    heads = [_head(tensor, weights) for tensor in graph.initializer]
    lengths = [
        len(head) + (weights[tensor.name].nbytes if tensor.name in weights else 0)
        for tensor, head in zip(graph.initializer, heads, strict=True)
    ]
    framed = [_field(_INITIALIZER, length) for length in lengths]
    first, last = before.SerializeToString(deterministic=True), after.SerializeToString(deterministic=True)
    total = len(first) + len(last) + sum(len(frame) + length for frame, length in zip(framed, lengths, strict=True))
    yield start.SerializeToString(deterministic=True) + _field(_GRAPH, total) + first
    for tensor, frame, head in zip(graph.initializer, framed, heads, strict=True):
        yield frame + head
        if tensor.name in weights:
            yield weights[tensor.name].tobytes()
    yield last + end.SerializeToString(deterministic=True)


def join(model: onnx.ModelProto, weights: Weights) -> bytes:
    """The serialized model."""
    file = io.BytesIO()
    file.writelines(chunks(model, weights))
    return file.getvalue()


_GRAPH = onnx.ModelProto.DESCRIPTOR.fields_by_name["graph"].number
_INITIALIZER = onnx.GraphProto.DESCRIPTOR.fields_by_name["initializer"].number
_RAW_DATA = onnx.TensorProto.DESCRIPTOR.fields_by_name["raw_data"].number


def _head(tensor: onnx.TensorProto, weights: Weights) -> bytes:
    """A tensor up to where its data begin; all of it when they are inside."""
    if tensor.name not in weights:
        return bytes(tensor.SerializeToString(deterministic=True))
    bare = onnx.TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
    return bytes(bare.SerializeToString(deterministic=True)) + _field(_RAW_DATA, weights[tensor.name].nbytes)


def _field(number: int, length: int) -> bytes:
    """The beginning of a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
