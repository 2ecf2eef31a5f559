"""The opset in which a model is written: one working opset inside, an older form for an OpenCV that wants one.

cv2.dnn reads many ops in one form only: 4.5.5 knows a ReduceMean by its axes attribute, which opset 18 made an input. The
graph stays in the working opset; what a target is given, in a probe or in the bundle, is written in the form that measured
best there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import onnx

from converter.graph import WORKING_OPSET

FORMS: tuple[int, ...] = (WORKING_OPSET, 17, 13, 12)
"""Opsets to write in, newest first: 17 is the last with the axes of most reductions as an attribute, 12 with those of all,
and of Squeeze, Unsqueeze and Split."""


class NotExpressible(Exception):  # noqa: N818 - it is an answer, not an error
    """A node means something that the older opset has no words for."""


class _Written:
    """A model on its way to an older form: its constants by name, and where new ones go."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._types = {
            value.name: value.type.tensor_type
            for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)
        }

    def constant(self, node: onnx.NodeProto, position: int, what: str) -> np.ndarray | None:
        """The constant at an input; None where the input is left out."""
        name = node.input[position] if len(node.input) > position else ""
        if not name:
            return None
        if name not in self._constants:
            raise NotExpressible(f"{node.op_type} {node.name!r}: its {what} come from another node")
        return np.asarray(onnx.numpy_helper.to_array(self._constants[name]))

    def extents(self, name: str) -> list[int] | None:
        """The shape of a value, where every extent is known."""
        if name in self._constants:
            return list(self._constants[name].dims)
        kind = self._types.get(name)
        if kind is None or not kind.HasField("shape") or not all(d.HasField("dim_value") for d in kind.shape.dim):
            return None
        return [d.dim_value for d in kind.shape.dim]

    def new_constant(self, name: str, array: np.ndarray) -> str:
        if name not in self._constants:
            self._constants[name] = onnx.numpy_helper.from_array(array, name)
            self.graph.initializer.append(self._constants[name])
        return name


Adapt = Callable[[onnx.NodeProto, int, _Written], None]


def in_form(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The same model in an older opset, `model` itself in the working one. The argument is left as it was.

    Raises NotExpressible, naming the node, where the older opset has no such op or no such form of it.
    """
    if opset == WORKING_OPSET:
        return model
    changed = [node for node in model.graph.node if not node.domain and _changes(node.op_type, opset)]
    written = onnx.ModelProto()
    written.CopyFrom(model)
    for entry in written.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = opset
    if not changed:
        return written
    context = _Written(written)
    for node in written.graph.node:
        if not node.domain and _changes(node.op_type, opset):
            if (adapt := ADAPTERS.get(node.op_type)) is not None:
                adapt(node, opset, context)
            _drop_defaults(node, opset)
            _hold(node, opset)
    _drop_unread(written.graph)
    return written


def expressible(model: onnx.ModelProto, opset: int) -> str:
    """ "" when the model can be written in that opset, else why it cannot."""
    try:
        in_form(model, opset)
    except NotExpressible as reason:
        return str(reason)
    return ""


@cache
def _changes(op: str, opset: int) -> bool:
    """True when the op has another form in that opset, or none."""
    try:
        return _schema(op, opset).since_version != _schema(op, WORKING_OPSET).since_version  # type: ignore[no-any-return]
    except onnx.defs.SchemaError:
        return True


@cache
def _schema(op: str, opset: int) -> onnx.defs.OpSchema:
    return onnx.defs.get_schema(op, opset)


def _drop_defaults(node: onnx.NodeProto, opset: int) -> None:
    """Attributes that the older form does not know, where they say what it does anyway."""
    try:
        known = _schema(node.op_type, opset).attributes
    except onnx.defs.SchemaError as unknown:
        raise NotExpressible(f"opset {opset} has no {node.op_type} ({node.name!r})") from unknown
    neutral = NEUTRAL.get(node.op_type, {})
    kept = [a for a in node.attribute if a.name in known or onnx.helper.get_attribute_value(a) != neutral.get(a.name)]
    if len(kept) < len(node.attribute):
        del node.attribute[:]
        node.attribute.extend(kept)


def _hold(node: onnx.NodeProto, opset: int) -> None:
    """Raise NotExpressible when the node is not what the older schema allows."""
    schema = _schema(node.op_type, opset)
    if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute):
        raise NotExpressible(f"{node.op_type} {node.name!r} holds a graph of its own")
    strange = [a.name for a in node.attribute if a.name not in schema.attributes]
    if strange:
        raise NotExpressible(f"opset {opset}'s {node.op_type} has no attribute {strange[0]!r} ({node.name!r})")
    while node.input and not node.input[-1]:
        node.input.pop()
    if len(node.input) > schema.max_input or len(node.output) > schema.max_output:
        raise NotExpressible(
            f"opset {opset}'s {node.op_type} takes {schema.max_input} inputs, not {len(node.input)} ({node.name!r})"
        )


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    if len(kept) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(kept)


# --- one function for each op whose form changed ----------------------------------------------------------------------


def _attribute(node: onnx.NodeProto, name: str, default: object = None) -> object:
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def _set(node: onnx.NodeProto, name: str, value: object) -> None:
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, *([] if value is None else [onnx.helper.make_attribute(name, value)])])


def _input_to_attribute(node: onnx.NodeProto, position: int, name: str, written: _Written) -> None:
    array = written.constant(node, position, name)
    if array is not None:
        _set(node, name, [int(n) for n in array.ravel()])
    del node.input[position:]


def reduction(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """The axes as an attribute: before 18, for ReduceSum before 13."""
    if opset >= (13 if node.op_type == "ReduceSum" else 18):
        return
    axes = written.constant(node, 1, "axes")
    if (axes is None or not axes.size) and _attribute(node, "noop_with_empty_axes", 0):
        raise NotExpressible(f"{node.op_type} {node.name!r} over no axes")
    _input_to_attribute(node, 1, "axes", written)
    _set(node, "noop_with_empty_axes", None)


def axes(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Squeeze and Unsqueeze: the axes as an attribute before 13, and not negative."""
    if opset >= 13:
        return
    _input_to_attribute(node, 1, "axes", written)
    found = _attribute(node, "axes")
    shape = written.extents(node.input[0])
    if isinstance(found, list) and any(axis < 0 for axis in found):
        if shape is None:
            raise NotExpressible(f"{node.op_type} {node.name!r}: a negative axis of an unknown rank")
        rank = len(shape) + (len(found) if node.op_type == "Unsqueeze" else 0)
        _set(node, "axes", [axis % rank for axis in found])


def split(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Sizes in place of num_outputs before 18, as an attribute before 13."""
    if _attribute(node, "num_outputs") is not None:
        shape = written.extents(node.input[0])
        if shape is None:
            raise NotExpressible(f"Split {node.name!r}: the shape of its input is not known")
        extent, parts = shape[int(_attribute(node, "axis", 0))], len(node.output)  # type: ignore[call-overload]
        size = -(-extent // parts)
        sizes = np.array([size] * (parts - 1) + [extent - size * (parts - 1)], np.int64)
        _set(node, "num_outputs", None)
        del node.input[1:]
        node.input.append(written.new_constant(f"{node.name or node.output[0]}/split", sizes))
    if opset < 13:
        _input_to_attribute(node, 1, "split", written)


def softmax(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Before 13 all axes from `axis` on count as one: the same for the last one only, and that by its number."""
    if opset >= 13:
        return
    shape = written.extents(node.input[0])
    if shape is None:
        raise NotExpressible(f"{node.op_type} {node.name!r}: the rank of its input is not known")
    axis = int(_attribute(node, "axis", -1)) % max(len(shape), 1)  # type: ignore[call-overload]
    if any(extent != 1 for extent in shape[axis + 1 :]):
        raise NotExpressible(f"{node.op_type} {node.name!r} along axis {axis} of {len(shape)}")
    _set(node, "axis", axis)


def pad(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Before 18 there is a pad for every axis."""
    if opset >= 18 or len(node.input) < 4 or not node.input[3]:
        return
    chosen, pads = written.constant(node, 3, "axes"), written.constant(node, 1, "pads")
    shape = written.extents(node.input[0])
    if chosen is None or pads is None or shape is None:
        raise NotExpressible(f"Pad {node.name!r}: its axes, pads or rank are not known")
    every = np.zeros((2, len(shape)), np.int64)
    every[:, [int(axis) for axis in chosen]] = pads.reshape(2, -1)
    node.input[1] = written.new_constant(f"{node.name or node.output[0]}/pads", every.ravel())
    del node.input[3:]


def resize(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Before 13 no input may be left out: one that says nothing is an empty constant."""
    for position in range(min(len(node.input), 4) if opset < 13 else 0):
        if not node.input[position]:
            kind = np.int64 if position == 3 else np.float32
            node.input[position] = written.new_constant(f"empty/{np.dtype(kind).name}", np.zeros(0, kind))


def grid_sample(node: onnx.NodeProto, opset: int, written: _Written) -> None:
    """Before 20 the modes had torch's names."""
    mode = _attribute(node, "mode", b"linear")
    _set(node, "mode", {b"linear": "bilinear", b"cubic": "bicubic"}.get(mode, mode))  # type: ignore[call-overload]


REDUCTIONS = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip

ADAPTERS: dict[str, Adapt] = {
    **dict.fromkeys(REDUCTIONS, reduction),
    **dict.fromkeys(("Squeeze", "Unsqueeze"), axes),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), softmax),
    "Split": split,
    "Pad": pad,
    "GridSample": grid_sample,
    "Resize": resize,
}
"""Op -> what turns the working opset's form into an older one."""

NEUTRAL: dict[str, dict[str, object]] = {
    "AveragePool": {"dilations": [1, 1]},
    "BatchNormalization": {"training_mode": 0},
    "Cast": {"saturate": 1},
    "GRU": {"layout": 0},
    "LSTM": {"layout": 0},
    "Reshape": {"allowzero": 0},
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
    "RNN": {"layout": 0},
    "ScatterElements": {"reduction": b"none"},
    "ScatterND": {"reduction": b"none"},
    "Shape": {"start": 0},
}
"""Op -> attributes of newer forms, with the value that says what older forms do anyway."""
