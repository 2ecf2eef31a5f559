"""A node as a small JSON record: what harvests of real models keep, and what `seen.py` and the benchmarks rebuild.

A record is {"op", "domain", "attributes", "inputs", "outputs"}. An input is None where it is left out, else {"dtype", "shape"},
with "as": the position of an earlier input that is the same value, and for constants "constant" and what is known of the
numbers: "values" (integers and booleans up to `EXACT` elements, scalars, Resize's scales), else "range" of integers or
"sign" of floats. An output is {"dtype", "shape", "used"}.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.graph import WORKING_OPSET, array_of, static_shape

Record = dict[str, Any]

EXACT = 64
"""Constants of integers up to this many elements are kept number by number."""


def describe(node: ir.Node) -> Record:
    """The record of a node in a model whose shapes are known. Raises ValueError when one of them is not."""
    inputs: list[Record | None] = []
    for position, value in enumerate(node.inputs):
        if value is None:
            inputs.append(None)
            continue
        entry = _type(value)
        earlier = node.inputs.index(value)
        if earlier < position:
            entry["as"] = earlier
        elif (array := array_of(value)) is not None:
            exact = node.op_type == "Resize" or array.size <= 1
            entry |= {"constant": True, **_numbers(array, exact=exact)}
        inputs.append(entry)
    outputs = [{**_type(value), "used": bool(value.uses() or value.is_graph_output())} for value in node.outputs]
    attributes = {name: _plain(attribute) for name, attribute in sorted(node.attributes.items())}
    return {
        "op": node.op_type,
        "domain": node.domain,
        "attributes": attributes,
        "inputs": inputs,
        "outputs": outputs,
    }


def identity(record: Record) -> str:
    """Equal for records that say the same."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def _type(value: ir.Value) -> Record:
    shape = static_shape(value)
    if value.dtype is None or shape is None:
        raise ValueError(f"{value.name} has no static shape: {value.dtype} {value.shape}")
    return {"dtype": value.dtype.name, "shape": list(shape)}


def _numbers(array: np.ndarray, *, exact: bool) -> Record:
    if array.dtype.kind in "iub":
        if array.size <= EXACT:
            return {"values": array.ravel().tolist()}
        return {"range": [int(array.min()), int(array.max())]}
    numbers = array.astype(np.float64)
    if exact and array.size <= 8:
        return {"values": [_json_number(number) for number in numbers.ravel()]}
    if not np.isfinite(numbers).all():
        return {"sign": "infinite"}
    low, high = float(numbers.min()), float(numbers.max())
    if low == high == 0:
        return {"sign": "zero"}
    return {"sign": "positive" if low > 0 else ("not negative" if low == 0 else "any")}


def _json_number(number: float) -> float | str:
    """JSON has no infinity and no NaN: they go as text, which float() reads back."""
    return float(number) if np.isfinite(number) else str(float(number))


def _plain(attribute: ir.Attr) -> Any:
    if attribute.type == ir.AttributeType.TENSOR:
        array = np.asarray(attribute.as_tensor().numpy())
        return {
            "tensor": [_json_number(n) if array.dtype.kind == "f" else int(n) for n in array.ravel()[:EXACT]],
            "dtype": array.dtype.name,
            "shape": list(array.shape),
        }
    if attribute.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS):
        raise ValueError(f"the attribute {attribute.name} is a graph")
    value = attribute.value
    return list(value) if isinstance(value, list | tuple) else value


def attribute_proto(op: str, domain: str, name: str, value: Any) -> onnx.AttributeProto:
    """The attribute that `describe` wrote as `value`. Its type is the schema's: an empty list does not tell it."""
    if isinstance(value, dict):
        array = np.array([float(n) if isinstance(n, str) else n for n in value["tensor"]], value["dtype"])
        return onnx.helper.make_attribute(name, onnx.numpy_helper.from_array(array.reshape(value["shape"])))
    try:
        schema = onnx.defs.get_schema(op, WORKING_OPSET, domain).attributes.get(name)
    except onnx.defs.SchemaError:
        schema = None
    kind = int(schema.type) if schema is not None else None
    return onnx.helper.make_attribute(name, value, attr_type=kind)
