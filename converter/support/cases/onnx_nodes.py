"""ONNX's own cases of its operators, in two forms: all inputs fed at run time, and parameters as constants.

Of the cases of the onnx package those count whose inputs and outputs are tensors of types that NumPy itself has (no
strings, no sequences or optionals, no bfloat16, float8 or 4-bit types), each given as an array: 1,619 in onnx 1.23.2.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from converter.support.cases import Case

NUMPY_HAS = {
    *("FLOAT", "DOUBLE", "FLOAT16", "BOOL", "COMPLEX64", "COMPLEX128"),
    *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
}

WEIGHTS = {
    "Conv": "W B",
    "ConvTranspose": "W B",
    "ConvInteger": "w x_zero_point w_zero_point",
    "DeformConv": "W B",
    "Gemm": "B C",
    "MatMul": "B",
    "MatMulInteger": "B a_zero_point b_zero_point",
    "BatchNormalization": "scale B input_mean input_var s bias mean var",
    "InstanceNormalization": "scale B",
    "LayerNormalization": "Scale B",
    "GroupNormalization": "scale bias",
    "RMSNormalization": "scale",
    "PRelu": "slope",
    "Clip": "min max",
    "Pad": "pads constant_value axes",
    "Resize": "roi scales sizes",
    "Upsample": "scales",
    "OneHot": "depth values",
    "Dropout": "ratio training_mode",
    "NonMaxSuppression": "max_output_boxes_per_class iou_threshold score_threshold",
    "QuantizeLinear": "y_scale y_zero_point",
    "DequantizeLinear": "x_scale x_zero_point",
    "QLinearConv": "x_scale x_zero_point w w_scale w_zero_point y_scale y_zero_point B",
    "QLinearMatMul": "a_scale a_zero_point b b_scale b_zero_point y_scale y_zero_point",
    "LSTM": "W R B P sequence_lens",
    "GRU": "W R B sequence_lens",
    "RNN": "W R B sequence_lens",
    "DFT": "dft_length axis",
    "RotaryEmbedding": "cos_cache sin_cache",
}
"""Inputs that are parameters although their type does not say so, by their names in the operator's schema."""

INDICES_ARE_DATA = {"MaxUnpool", "Range", "RandomUniformLike", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"}
"""Operators whose integer inputs come from the network."""


def parameters(node: onnx.NodeProto, opset: int) -> set[str]:
    """The node's inputs that exporters write as constants: weights, and integers beside the data (axes, shapes, indices)."""
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return set()
    named = WEIGHTS.get(node.op_type, "").split()
    found = set()
    for position, name in enumerate(node.input):
        formal = schema.inputs[min(position, len(schema.inputs) - 1)]
        types = formal.types  # every type that this input may have
        beside = position > 0 and node.op_type not in INDICES_ARE_DATA
        if name and (formal.name in named or (beside and all(re.match(r"tensor\(u?int", kind) for kind in types))):
            found.add(name)
    return found


def plain(case: Any) -> bool:
    """Arrays in, arrays out, and NumPy has their types."""
    (inputs, outputs), *_ = case.data_sets
    if not all(isinstance(array, np.ndarray | np.generic) for array in (*inputs, *outputs)):
        return False
    for info in (*case.model.graph.input, *case.model.graph.output):
        kind = onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type)
        if info.type.WhichOneof("value") != "tensor_type" or kind not in NUMPY_HAS:
            return False
    return True


def collected() -> list[Any]:
    """ONNX's own cases, with plain tensors, in the order of their names."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # they overflow and divide by zero on purpose
        from onnx.backend.test.case.node import collect_testcases

        state = np.random.get_state()
        found = collect_testcases(None)
        np.random.set_state(state)
    return sorted((case for case in found if plain(case)), key=lambda case: str(case.name))


def as_constants(model: onnx.ModelProto, feeds: dict[str, np.ndarray], names: set[str]) -> onnx.ModelProto:
    """The model with the named inputs as initializers."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    kept = [info for info in copy.graph.input if info.name not in names]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.ir_version = max(copy.ir_version, 4)  # before it, initializers had to be among the inputs
    copy.graph.initializer.extend(numpy_helper.from_array(feeds[name], name) for name in feeds if name in names)
    return copy


def cases() -> Iterator[Case]:
    found = collected()
    alone = {case.name: case.model.graph.node[0] for case in found if len(case.model.graph.node) == 1}
    for case in found:
        (inputs, outputs), *_ = case.data_sets
        model = case.model
        feeds = {info.name: np.asarray(a) for info, a in zip(model.graph.input, inputs, strict=True)}
        expected = {info.name: np.asarray(a) for info, a in zip(model.graph.output, outputs, strict=True)}
        name = f"onnx/{case.name.removeprefix('test_')}"
        yield Case(f"{name}/inputs", model, [feeds], [expected])

        # an operator spelled out as its function: its parameters are those of the operator
        node = alone.get(re.sub(r"_expanded(_ver\d+)?$", "", case.name))
        opset = {entry.domain: entry.version for entry in model.opset_import}
        constant = parameters(node, opset[node.domain]) & set(feeds) if node is not None else set()
        if constant and constant < set(feeds):
            rest = {key: array for key, array in feeds.items() if key not in constant}
            yield Case(f"{name}/constants", as_constants(model, feeds, constant), [rest], [expected])
