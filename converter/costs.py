"""What a node costs to run, roughly: enough to choose between alternatives that compute the same."""

from __future__ import annotations

import math
from collections.abc import Iterable

import onnx_ir as ir

from converter.graph import static_shape

NODE = 2_000.0
"""What a layer costs beside its numbers, in the time of moving one: cv2.dnn's overhead of some microseconds."""

MULTIPLY = 1 / 8
"""A multiplication in a matrix product, against moving a number from layer to layer."""

FREE = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})
"""Ops that hand their input on as it is."""

DEAR = {
    "Erf": 10.0,
    "Exp": 4.0,
    "Tanh": 6.0,
    "Sigmoid": 5.0,
    "Pow": 10.0,
    "Softmax": 5.0,
    "Sqrt": 2.0,
    "Gelu": 8.0,
    "InstanceNormalization": 6.0,
}
"""How much dearer than a copy an element is."""


def cost(nodes: Iterable[ir.Node]) -> float:
    """The sum over the nodes, in numbers moved. What has no static shape costs its overhead."""
    return sum(_cost(node) for node in nodes)


def _cost(node: ir.Node) -> float:
    if node.op_type in FREE and not node.domain:
        return NODE
    made = sum(_elements(value) for value in node.outputs)
    read = sum(_elements(value) for value in node.inputs if value is not None)  # constants come from memory as well
    return NODE + read + made * DEAR.get(node.op_type, 1.0) + MULTIPLY * _products(node, made)


def _products(node: ir.Node, made: float) -> float:
    """How many multiplications a matrix product or a convolution does."""
    shapes = [static_shape(value) if value is not None else None for value in node.inputs[:2]]
    if len(shapes) < 2 or shapes[0] is None or shapes[1] is None:
        return 0.0
    if node.op_type in ("MatMul", "Gemm") and shapes[0]:
        transposed = node.attributes.get("transA")
        return made * shapes[0][0 if transposed is not None and transposed.as_int() else -1]
    if node.op_type == "Conv":
        return made * math.prod(shapes[1][1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shapes[0]) * math.prod(shapes[1][1:])
    return 0.0


def _elements(value: ir.Value) -> float:
    shape = static_shape(value)
    return float(math.prod(shape)) if shape is not None else 0.0
