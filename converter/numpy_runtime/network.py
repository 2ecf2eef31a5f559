"""What a plan works on: an ONNX graph as a list of steps, detached from the model that it came from."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from converter.errors import UnsupportedOpError
from converter.graph import WORKING_OPSET
from converter.numpy_runtime.kernels import KERNELS

Dims = tuple[int | str, ...]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the network. A dimension that may have any length carries a name."""

    name: str
    shape: Dims | None
    dtype: str


@dataclass
class Step:
    """One node: `op` names its kernel, inputs and outputs are keys of values ("" where absent)."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Network:
    """Steps in order. `results` maps the name of each output to the value that it is."""

    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    steps: list[Step]
    constants: dict[str, np.ndarray]
    results: dict[str, str]
    shapes: dict[str, Dims]
    dtypes: dict[str, str]

    def uses(self) -> Counter[str]:
        """How often each value is read, as an output of the network too."""
        return Counter([key for step in self.steps for key in step.inputs if key] + list(self.results.values()))

    def producers(self) -> dict[str, Step]:
        return {key: step for step in self.steps for key in step.outputs if key}

    def replace(self, old: str, new: str) -> None:
        """Let everything that reads `old` read `new`."""
        for step in self.steps:
            step.inputs = [new if key == old else key for key in step.inputs]
        self.results = {name: new if key == old else key for name, key in self.results.items()}

    def add_constant(self, like: str, array: np.ndarray) -> str:
        """Add a constant under a fresh key that resembles `like`, and give the key."""
        key, number = like, 1
        while key in self.constants or key in self.shapes:
            number += 1
            key = f"{like}_{number}"
        self.constants[key] = array
        self.shapes[key] = array.shape
        self.dtypes[key] = array.dtype.name
        return key

    def drop_unused(self) -> int:
        """Remove steps and constants that no output needs. Returns how many steps went."""
        needed = set(self.results.values())
        kept = []
        for step in reversed(self.steps):
            if needed.isdisjoint(step.outputs):
                continue
            kept.append(step)
            needed.update(key for key in step.inputs if key)
        dropped = len(self.steps) - len(kept)
        self.steps = kept[::-1]
        self.constants = {key: array for key, array in self.constants.items() if key in needed}
        return dropped


def read(model: ir.Model) -> Network:
    """The model's main graph. The model is not changed.

    Raises UnsupportedOpError for an operator, an attribute or an element type that the runtime does not know, and
    ValueError for another opset than the working one.
    """
    version = model.opset_imports.get("", model.opset_imports.get("ai.onnx"))
    if version != WORKING_OPSET:
        raise ValueError(f"the NumPy runtime reads opset {WORKING_OPSET}, this model has opset {version}")
    graph = model.graph
    constants = {value.name or "": _constant(value) for value in graph.initializers.values()}
    values = [*graph.inputs, *graph.initializers.values(), *(value for node in graph for value in node.outputs)]
    shapes = {value.name or "": shape for value in values if (shape := _shape(value)) is not None}
    dtypes = {value.name or "": dtype for value in values if (dtype := _dtype_name(value)) is not None}
    return Network(
        inputs=[_info(value) for value in graph.inputs if value.name not in constants],
        outputs=[_info(value) for value in graph.outputs],
        steps=[_step(node) for node in graph],
        constants=constants,
        results={value.name or "": value.name or "" for value in graph.outputs},
        shapes=shapes | {key: array.shape for key, array in constants.items()},
        dtypes=dtypes | {key: array.dtype.name for key, array in constants.items()},
    )


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
    if value.dtype is None:
        return None
    try:
        dtype = value.dtype.numpy()
    except TypeError:  # strings and other types that are no numbers
        return None
    return str(dtype.name)


def _info(value: ir.Value) -> TensorInfo:
    dtype = _dtype_name(value)
    if dtype is None or np.dtype(dtype).kind not in "fiubc":
        raise _strange_type(f"{value.name!r} holds {value.dtype}")
    return TensorInfo(value.name or "", _shape(value), dtype)


def _step(node: ir.Node) -> Step:
    title = f"{node.op_type} {node.name!r}"
    if node.domain not in ("", "ai.onnx") or node.op_type not in (*KERNELS, "Constant"):
        domain = f" of domain {node.domain!r}" if node.domain else ""
        raise _unsupported(
            f"{title}{domain} cannot run in NumPy", f"no kernel among the {len(KERNELS)} that exist", node.op_type
        )
    attributes = {name: _attribute(attribute) for name, attribute in node.attributes.items()}
    inputs = [value.name or "" if value is not None else "" for value in node.inputs]
    outputs = [value.name or "" for value in node.outputs]
    while inputs and not inputs[-1]:
        inputs.pop()
    if node.op_type != "Constant":
        known = inspect.signature(KERNELS[node.op_type]).parameters.values()
        if strange := sorted(set(attributes) - {found.name for found in known if found.kind is found.KEYWORD_ONLY}):
            raise _unsupported(
                f"{title} cannot run in NumPy", f"attribute {strange[0]} is none of opset {WORKING_OPSET}", node.op_type
            )
    return Step(node.op_type, node.name or "", inputs, outputs, attributes)


def _attribute(attribute: ir.Attr) -> Any:
    if attribute.type == ir.AttributeType.TENSOR:
        return np.asarray(attribute.as_tensor().numpy())
    if attribute.type in (ir.AttributeType.INTS, ir.AttributeType.FLOATS, ir.AttributeType.STRINGS):
        return list(attribute.value)
    return attribute.value


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
