"""read(): an ONNX model as a Network, its nodes in the form that the kernels take, whichever opset they are in."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.errors import UnsupportedOpError
from converter.graph import WORKING_OPSET
from converter.numpy_runtime.kernels import KERNELS
from converter.numpy_runtime.network import Body, Dims, Network, Step, TensorInfo
from converter.numpy_runtime.older import modernise

BODIES = {"If": ("then_branch", "else_branch"), "Loop": ("body",), "Scan": ("body",), "SequenceMap": ("body",)}
"""The operators that are no kernels but Python's own `if` and `for`, and the attributes that hold their subgraphs."""

_OTHER_ATTRIBUTES = {
    "Scan": {
        "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions",
    },
}  # fmt: skip


def read(model: ir.Model) -> Network:
    """The model's main graph with the subgraphs of its nodes. The model is not changed.

    Raises UnsupportedOpError for an operator, an attribute or an element type that the runtime does not know, and
    ValueError for an opset newer than the onnx package.
    """
    version = model.opset_imports.get("", model.opset_imports.get("ai.onnx", WORKING_OPSET))
    newest = onnx.defs.onnx_opset_version()
    if version > newest:
        raise ValueError(f"this onnx package knows opsets up to {newest}, the model has opset {version}")
    graph = model.graph
    reader = _Reader(version)
    reader.declare([*graph.inputs, *graph.initializers.values()])
    network = reader.network
    reader.steps_of(graph, network.steps)
    constants = set(graph.initializers)
    network.inputs = [_info(value) for value in graph.inputs if value.name not in constants]
    network.outputs = [_info(value) for value in graph.outputs]
    network.results = {value.name or "": reader.key(value) for value in graph.outputs}
    return network


class _Reader:
    """Gives every value a key: its name, or one like it where another subgraph has that name already."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.network = Network([], [], [], {}, {}, {}, {}, max(version, WORKING_OPSET))
        self._keys: dict[ir.Value, str] = {}
        self._taken: set[str] = set()

    def key(self, value: ir.Value | None) -> str:
        return "" if value is None else self._keys.get(value, "")

    def declare(self, values: list[ir.Value]) -> list[str]:
        """New keys for values that the graph at hand defines, with all that is known of them."""
        return [self._declare(value) if value.name else "" for value in values]

    def _declare(self, value: ir.Value) -> str:
        if value in self._keys:  # an initializer that is an input too
            return self._keys[value]
        name = value.name or ""
        key, number = name, 1
        while key in self._taken:
            number += 1
            key = f"{name}_{number}"
        self._taken.add(key)
        self._keys[value] = key
        if (shape := _shape(value)) is not None:
            self.network.shapes[key] = shape
        if (dtype := _dtype_name(value)) is not None:
            self.network.dtypes[key] = dtype
        if value.const_value is not None and value.is_initializer():
            array = _constant(value)
            self.network.constants[key] = array
            self.network.shapes[key], self.network.dtypes[key] = array.shape, array.dtype.name
        return key

    def steps_of(self, graph: ir.Graph, steps: list[Step]) -> None:
        for node in graph:
            self.declare(list(node.outputs))
            for step in modernise(self._step(node), self.version, self.network):
                _check_attributes(step, self.version)
                steps.append(step)

    def body(self, graph: ir.Graph) -> Body:
        inputs = self.declare(list(graph.inputs))
        self.declare(list(graph.initializers.values()))
        body = Body(inputs, [], [])
        self.steps_of(graph, body.steps)
        body.results = [self.key(value) for value in graph.outputs]
        return body

    def _step(self, node: ir.Node) -> Step:
        if node.domain not in ("", "ai.onnx"):
            raise _no_kernel(node.op_type, node.name or "", f" of domain {node.domain!r}")
        inputs = [self.key(value) for value in node.inputs]
        while inputs and not inputs[-1]:
            inputs.pop()
        graphs = {name: attribute for name, attribute in node.attributes.items() if _holds_graph(attribute)}
        return Step(
            node.op_type,
            node.name or "",
            inputs,
            [self.key(value) for value in node.outputs],
            {name: _attribute(found) for name, found in node.attributes.items() if name not in graphs},
            {name: self.body(attribute.as_graph()) for name, attribute in graphs.items()},
        )


def _check_attributes(step: Step, version: int) -> None:
    if step.op in BODIES:
        known = _OTHER_ATTRIBUTES.get(step.op, set())
    elif step.op == "Constant":
        return
    elif step.op in KERNELS:
        parameters = inspect.signature(KERNELS[step.op]).parameters.values()
        known = {found.name for found in parameters if found.kind is found.KEYWORD_ONLY}
    else:
        raise _no_kernel(step.op, step.name)
    if strange := sorted(set(step.attributes) - known):
        raise _unsupported(
            f"{step.op} {step.name!r} cannot run in NumPy",
            f"attribute {strange[0]} is none of opset {version}",
            step.op,
        )


def _holds_graph(attribute: ir.Attr) -> bool:
    return bool(attribute.type == ir.AttributeType.GRAPH)


def _constant(value: ir.Value) -> np.ndarray:
    assert value.const_value is not None, f"initializer {value.name} holds no tensor"
    array = np.asarray(value.const_value.numpy())
    if array.dtype.kind not in "fiubc":
        raise _strange_type(f"constant {value.name!r} holds {value.const_value.dtype}")
    return array


def _shape(value: ir.Value) -> Dims | None:
    if value.shape is None:
        return None
    return tuple(dim if isinstance(dim, int) else str(dim.value or f"axis_{n}") for n, dim in enumerate(value.shape))


def _dtype_name(value: ir.Value) -> str | None:
    if value.dtype is None or isinstance(value.type, ir.SequenceType | ir.OptionalType):
        return None
    try:
        dtype = value.dtype.numpy()
    except TypeError:  # strings and other types that are no numbers
        return None
    return str(dtype.name)


def _info(value: ir.Value) -> TensorInfo:
    if isinstance(value.type, ir.SequenceType | ir.OptionalType):
        raise UnsupportedOpError(
            f"{value.name!r} holds {value.type}",
            measured="inputs and outputs of a program are arrays",
            do=("let the model take and give tensors",),
        )
    dtype = _dtype_name(value)
    if dtype is None or np.dtype(dtype).kind not in "fiubc":
        raise _strange_type(f"{value.name!r} holds {value.dtype}")
    return TensorInfo(value.name or "", _shape(value), dtype)


def _attribute(attribute: ir.Attr) -> Any:
    if attribute.type == ir.AttributeType.TENSOR:
        return np.asarray(attribute.as_tensor().numpy())
    if attribute.type in (ir.AttributeType.INTS, ir.AttributeType.FLOATS, ir.AttributeType.STRINGS):
        return list(attribute.value)
    if attribute.type == ir.AttributeType.TYPE_PROTO:
        return str(attribute.value)
    return attribute.value


def _no_kernel(op: str, name: str, domain: str = "") -> UnsupportedOpError:
    return _unsupported(
        f"{op} {name!r}{domain} cannot run in NumPy", f"no kernel among the {len(KERNELS)} that exist", op
    )


def _strange_type(what: str) -> UnsupportedOpError:
    return UnsupportedOpError(
        what,
        measured="NumPy has no such element type",
        do=("export the model in float32 or float16",),
    )


def _unsupported(what: str, measured: str, subject: str) -> UnsupportedOpError:
    return UnsupportedOpError(
        what,
        measured=measured,
        do=(
            f"write the kernel of {subject}: one function in converter/numpy_runtime/kernels/",
            "or change the model so that it does without",
        ),
    )
