"""Graphs as one line of ONNX text, and ONNX Runtime without its optimiser: what the tests of rules and kernels share."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort

from converter.graph import IR_VERSION, WORKING_OPSET, infer_types

_DTYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
    "uint8": "uint8",
}


def _type(array: np.ndarray) -> str:
    """The array's type in ONNX text. Rank 0 has no brackets: empty ones stand for an unknown rank."""
    dims = ",".join(map(str, np.shape(array)))
    return _DTYPES[array.dtype.name] + (f"[{dims}]" if dims else "")


def graph(text: str, *, opset: int = WORKING_OPSET, **constants: np.ndarray) -> ir.Model:
    """A typed model from ONNX text such as `(float[2,3] x) => (float[2,3] y) { y = HardSwish(x) }`.

    Every keyword is a constant that the text may use by its name. Nodes are named n0, n1, ...
    """
    declared = "".join(f"{_type(array)} {name}, " for name, array in constants.items())
    text = text.replace("(", "(" + declared, 1).replace(", )", ")", 1)
    model = ir.from_onnx_text(f'<ir_version: {IR_VERSION}, opset_import: ["": {opset}]>\ng {text}')
    for name, array in constants.items():
        value = next(value for value in model.graph.inputs if value.name == name)
        model.graph.inputs.remove(value)
        value.const_value = ir.tensor(np.array(array), name=name)
        model.graph.register_initializer(value)
    for position, node in enumerate(model.graph):
        node.name = f"n{position}"
    infer_types(list(model.graph))
    return model


def ort_run(model: ir.Model | onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The model's outputs, in order, from ONNX Runtime with its optimiser off (it would fuse back what a rule split)."""
    proto = model if isinstance(model, onnx.ModelProto) else ir.to_proto(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)


def ops(model: ir.Model) -> list[str]:
    """The op types in graph order."""
    return [node.op_type for node in model.graph]
