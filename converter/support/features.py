"""What decides whether an OpenCV computes a node right: two keys, a fine one and a coarse one, from the node alone.

The fine key holds the op, its attributes (defaults left out), each input's dtype, rank, extents of 1 and constness, and what
small constant parameters mean (which axes, which way, up or down). The coarse key drops extents and exact numbers, and keeps
classes: ranks, "last axis", "symmetric pads", "broadcast of both operands". Sizes and weights are in neither: cases vary in
them, and the table says so where verdicts of one key differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import onnx
import onnx_ir as ir

from converter.forms import in_form
from converter.graph import WORKING_OPSET, cut, static_shape
from converter.support.feature_ops import DETAILS, mask, plain

DTYPES = {
    "FLOAT": "f", "DOUBLE": "d", "FLOAT16": "h", "BFLOAT16": "bf", "INT64": "i", "INT32": "j", "INT16": "s", "INT8": "c",
    "UINT8": "B", "UINT16": "S", "UINT32": "J", "UINT64": "I", "BOOL": "b",
}  # fmt: skip


WRITTEN = {("Softmax", "axis"), ("LogSoftmax", "axis"), ("Hardmax", "axis")}
"""Attributes whose default is another thing when it is written: 4.8.1 and older read an absent axis as 1, as opset 12 said."""


@dataclass(frozen=True)
class Features:
    """The op and its two keys."""

    op: str
    fine: str
    coarse: str


def features(node: ir.Node) -> Features:
    """The keys of a node whose inputs carry dtypes and shapes."""
    attributes = _attributes(node)
    describe = DETAILS.get(node.op_type, plain)
    entries = describe(node, attributes)
    used = sum(1 for value in node.outputs if value.uses() or value.is_graph_output())
    outputs = "" if used <= 1 else f"->{used}"
    domain = f"{node.domain}." if node.domain else ""
    fine = ",".join(_operand(value) for value in node.inputs)
    coarse = _coarse_operands(node)
    fine_detail = ";".join(f"{name}={value}" for name, value, _ in entries if value is not None)
    coarse_detail = ";".join(f"{name}={value}" for name, _, value in entries if value is not None)
    op = f"{domain}{node.op_type}"
    return Features(op, f"{op}({fine}){outputs}[{fine_detail}]", f"{op}({coarse}){outputs}[{coarse_detail}]")


def features_in(node: ir.Node, opset: int) -> Features:
    """The keys of the node as it is written in an older opset; those of the working one where its form is the same.

    Raises NotExpressible when the older opset has no such form.
    """
    if opset == WORKING_OPSET or node.domain:
        return features(node)
    used = [value for value in node.outputs if value.uses() or value.is_graph_output()]
    (older,) = ir.from_proto(in_form(cut((node,), used or list(node.outputs[:1])), opset)).graph
    keys, form = features(older), older_form(node.op_type, opset)
    return Features(keys.op, form + keys.fine, form + keys.coarse)


def older_form(op: str, opset: int) -> str:
    """ "@11 " for an op whose form in that opset is older than the working opset's, and came with 11; else nothing."""
    try:
        since = onnx.defs.get_schema(op, min(opset, WORKING_OPSET)).since_version
        current = onnx.defs.get_schema(op, WORKING_OPSET).since_version
    except onnx.defs.SchemaError:
        return ""  # newer than the working opset: its only form
    return "" if since == current else f"@{since} "


# --- operands --------------------------------------------------------------------------------------------------------


def _dtype(value: ir.Value) -> str:
    return DTYPES.get(value.dtype.name, value.dtype.name) if value.dtype is not None else "?"


def _operand(value: ir.Value | None) -> str:
    if value is None:
        return "-"
    constant = "c" if value.const_value is not None else "v"
    return f"{_dtype(value)}{constant}{mask(static_shape(value))}"


def _coarse_operands(node: ir.Node) -> str:
    parts = []
    for value in node.inputs:
        if value is None:
            parts.append("-")
            continue
        shape = static_shape(value)
        rank = "?" if shape is None else str(len(shape))
        parts.append(f"{_dtype(value)}{'c' if value.const_value is not None else 'v'}{rank}")
    if node.op_type in ("Conv", "ConvTranspose") and len(parts) > 2 and parts[2][1] == "c":
        parts.pop()  # a constant bias decides nothing
    while parts and parts[-1] == "-":
        parts.pop()
    if node.op_type in _VARIADIC and len(parts) > 2:
        return ",".join(sorted(set(parts))) + ",..."
    return ",".join(parts)


_VARIADIC = {"Concat", "Sum", "Max", "Min", "Mean", "Einsum"}


# --- attributes ------------------------------------------------------------------------------------------------------


def _attributes(node: ir.Node) -> dict[str, Any]:
    """Attribute name -> plain value, without those that say what the schema says by default."""
    found: dict[str, Any] = {}
    defaults = _defaults(node.op_type) if not node.domain else {}
    for name, attribute in node.attributes.items():
        value = _value(attribute)
        if name in defaults and defaults[name] == value and (node.op_type, name) not in WRITTEN:
            continue
        if name in ("strides", "dilations") and set(value) <= {1}:
            continue
        if name in ("pads", "output_padding") and set(value) <= {0} and node.op_type != "Pad":
            continue
        found[name] = value
    return found


def _value(attribute: ir.Attr) -> Any:
    if attribute.type == ir.AttributeType.TENSOR:
        array = attribute.as_tensor().numpy()
        return f"{array.dtype}{array.shape}"
    if attribute.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS):
        return "graph"
    value = attribute.value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list | tuple):
        return tuple(float(f"{v:.4g}") if isinstance(v, float) else v for v in value)
    return value


@cache
def _defaults(op: str) -> dict[str, Any]:
    try:
        schema = onnx.defs.get_schema(op, WORKING_OPSET)
    except onnx.defs.SchemaError:
        return {}
    found = {}
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type:
            value = onnx.helper.get_attribute_value(attribute.default_value)
            value = value.decode() if isinstance(value, bytes) else value
            found[name] = float(f"{value:.4g}") if isinstance(value, float) else value
    return found
