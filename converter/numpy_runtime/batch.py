"""Can the program run another number of items than the model was exported with?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converter.graph import IR_VERSION
from converter.numpy_runtime.network import Network, Step, TensorInfo

_BATCH = "batch"


def free_batch(network: Network) -> bool:
    """Make the first axis of every input and output free, where it is 1 and ONNX's own shape inference proves it.

    The proof: with a name instead of the 1, every step that reads a value of that many items gives such values, and is
    none of those that let the items of their first axis know of each other.
    A Reshape that spells the 1 out is changed to copy it. Nothing is proven of networks with branches or loops.
    Returns whether the first axis is free now (or was before).
    """
    firsts = [info.shape[0] if info.shape else None for info in (*network.inputs, *network.outputs)]
    if firsts and all(isinstance(first, str) for first in firsts):
        return True
    if not firsts or any(first != 1 for first in firsts) or network.bodies():
        return False
    reshapes = {key: shape for step in network.steps if (found := _copying(network, step)) for key, shape in [found]}
    if not _proven(network, reshapes):
        return False
    for step in network.steps:
        if step.op == "Reshape" and step.outputs[0] in reshapes:
            step.inputs[1] = network.add_constant(step.inputs[1], reshapes[step.outputs[0]])
            step.attributes.pop("allowzero", None)
    network.inputs = [_freed(info) for info in network.inputs]
    network.outputs = [_freed(info) for info in network.outputs]
    return True


def _freed(info: TensorInfo) -> TensorInfo:
    assert info.shape is not None
    return replace(info, shape=(_BATCH, *info.shape[1:]))


def _copying(network: Network, step: Step) -> tuple[str, np.ndarray] | None:
    """For a Reshape of one item to one item: its output and the shape with 0, "as before", in front."""
    if step.op != "Reshape" or step.inputs[1] not in network.constants:
        return None
    before, after = network.shapes.get(step.inputs[0]), network.shapes.get(step.outputs[0])
    if not before or not after or before[0] != 1 or after[0] != 1 or 0 in before:
        return None
    shape = network.constants[step.inputs[1]].copy()
    shape[0] = 0
    return step.outputs[0], shape


def _proven(network: Network, reshapes: dict[str, np.ndarray]) -> bool:
    model = _as_onnx(network, reshapes)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return False  # the shapes contradict each other: something counts on one item
    axes = {
        value.name: [dim.dim_param == _BATCH for dim in value.type.tensor_type.shape.dim]
        for value in (*inferred.graph.output, *inferred.graph.value_info, *inferred.graph.input)
    }
    free = {name for name, found in axes.items() if sum(found) == 1}
    for step in network.steps:
        if free.intersection(step.inputs) and not free.issuperset(key for key in step.outputs if key):
            return False
        if free.intersection(step.inputs) and _mixes_items(network, step, free):
            return False
    return all(key in free and axes[key][0] for key in network.results.values())


_BY_AXIS = {"Hardmax": -1, "LayerNormalization": -1, "LogSoftmax": -1, "LpNormalization": -1, "RMSNormalization": -1,
            "Softmax": -1}  # fmt: skip
"""Operators that look along `axis`, which is this by default."""

_BY_AXIS_INPUT = {"CumProd": 1, "CumSum": 1, "DFT": 2}
"""Operators that look along the axis that this input gives."""

_MIXING = {"DynamicQuantizeLinear", "EyeLike", "GRU", "LSTM", "RNN", "ScatterND"}
"""Operators that keep the first axis's length but not its items apart: time, flat places, or the extremes of all."""


def _mixes_items(network: Network, step: Step, free: set[str]) -> bool:
    """Does what the step gives for one item depend on the others, or on which of them it is?"""
    rank, attributes = len(network.shapes.get(step.inputs[0], ())), step.attributes
    if step.op in _BY_AXIS:
        return attributes.get("axis", _BY_AXIS[step.op]) in (0, -rank)
    if step.op in _BY_AXIS_INPUT:
        key = step.inputs[_BY_AXIS_INPUT[step.op]] if len(step.inputs) > _BY_AXIS_INPUT[step.op] else ""
        axis = network.constants.get(key, np.array(-2) if not key else None)
        return axis is None or int(axis.ravel()[0]) in (0, -rank)
    if step.op in ("ScatterElements", "TensorScatter"):
        return attributes.get("axis") in (None, 0, -rank) or not free.issuperset(key for key in step.inputs if key)
    if step.op == "MeanVarianceNormalization":
        return bool({0, -rank}.intersection(attributes.get("axes", (0, 2, 3))))
    if step.op == "BatchNormalization":
        return bool(attributes.get("training_mode"))
    if step.op == "ReverseSequence":
        return bool(attributes.get("batch_axis", 1) != 0)
    return step.op in _MIXING or (step.op == "Trilu" and rank == 2)


def _as_onnx(network: Network, reshapes: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The network with a free batch; large constants become inputs, as their numbers do not matter."""
    nodes, inputs, initializers = [], [], []
    for info in network.inputs:
        assert info.shape is not None
        inputs.append(_typed(info.name, info.dtype, [_BATCH, *info.shape[1:]]))
    for key, array in network.constants.items():
        if array.size <= 64:
            initializers.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), key))
        else:
            inputs.append(_typed(key, array.dtype.name, list(array.shape)))
    for position, step in enumerate(network.steps):
        keys, attributes = list(step.inputs), _onnx_attributes(step.attributes)
        if step.outputs[0] in reshapes:
            attributes.pop("allowzero", None)
            keys[1] = f"{keys[1]}/{position}/copying"
            initializers.append(numpy_helper.from_array(reshapes[step.outputs[0]], keys[1]))
        nodes.append(helper.make_node(step.op, keys, step.outputs, **attributes))
    outputs = [onnx.ValueInfoProto(name=key) for key in dict.fromkeys(network.results.values())]
    graph = helper.make_graph(nodes, "batch", inputs, outputs, initializers)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", network.opset)])


def _typed(name: str, dtype: str, shape: list[Any]) -> onnx.ValueInfoProto:
    kind: TensorProto.DataType = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape)


def _onnx_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in attributes.items()
    }
