"""Patterns of several nodes that some OpenCV gets wrong: how they are recognised in a graph.

Whether a target gets a pattern wrong is measured (the cases of family "pattern"); here is only what it looks like. A
detector sees a region whose last node is the node in question, and answers for nodes of that region only: the node alone is
another question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from converter.graph import is_constant, static_shape

Detector = Callable[[Sequence[ir.Node]], bool]


def hard_swish_gate(nodes: Sequence[ir.Node]) -> bool:
    """Mul(x, HardSigmoid(g)) with g other than x, both attributes written out: the importer takes it for HardSwish(g)."""
    node = nodes[-1]
    if node.op_type != "Mul":
        return False
    for value, other in zip(node.inputs, reversed(node.inputs), strict=True):
        producer = value.producer() if value is not None else None
        if producer is None or producer not in nodes or producer.op_type != "HardSigmoid":
            continue
        if producer.inputs[0] is not other and {"alpha", "beta"} <= set(producer.attributes):
            alpha, beta = producer.attributes["alpha"].as_float(), producer.attributes["beta"].as_float()
            return bool(abs(alpha - 1 / 6) < 1e-4 and abs(beta - 0.5) < 1e-6)
    return False


def resize_of_one_row(nodes: Sequence[ir.Node]) -> bool:
    """A linear Resize of a map with one row or column: 5.0.0's new engine reads beyond its end behind a convolution.

    29 of 32 runs were wrong, by 5e-4 to 1e31 or NaN; the others read harmless memory. So a probe alone does not find it.
    """
    node = nodes[-1]
    mode = node.attributes.get("mode")
    if node.op_type != "Resize" or mode is None or mode.as_string() != "linear" or node.inputs[0] is None:
        return False
    before = static_shape(node.inputs[0])
    return before is not None and len(before) == 4 and 1 in before[2:]


def matmul_activation(nodes: Sequence[ir.Node]) -> bool:
    """An activation behind a product of two computed operands: 4.8.1 and older give the product itself."""
    node = nodes[-1]
    return node.op_type in ACTIVATIONS and _is_product(node.inputs[0], nodes)


def matmul_scalar(nodes: Sequence[ir.Node]) -> bool:
    """A constant scalar behind a product of two computed operands: some old versions drop it."""
    node = nodes[-1]
    if node.op_type not in SCALED or len(node.inputs) != 2:
        return False
    return any(
        _is_product(value, nodes) and other is not None and is_constant(other) and static_shape(other) in ((), (1,))
        for value, other in (tuple(node.inputs), tuple(reversed(node.inputs)))
    )


def conv_activation_norm(nodes: Sequence[ir.Node]) -> bool:
    """A normalisation behind an activation (not Relu) behind a convolution: 5.0.0 folds it into the convolution."""
    norm = nodes[-1]
    if norm.op_type != "BatchNormalization":
        return False
    activation = _producer(norm.inputs[0], nodes)
    if activation is None or activation.op_type not in ACTIVATIONS - {"Relu"}:
        return False
    convolution = _producer(activation.inputs[0], nodes)
    return convolution is not None and convolution.op_type == "Conv"


ACTIVATIONS = frozenset(
    {
        *(
            "Relu",
            "LeakyRelu",
            "Sigmoid",
            "Tanh",
            "HardSigmoid",
            "HardSwish",
            "Elu",
            "Selu",
            "Celu",
            "Mish",
            "Softplus",
        ),
        *("Gelu", "Clip", "Exp", "Abs", "Erf", "Neg", "Sqrt", "Log"),
    }
)
SCALED = frozenset({"Mul", "Div", "Add", "Sub", "Pow"})


def _producer(value: ir.Value | None, nodes: Sequence[ir.Node]) -> ir.Node | None:
    """The node of the region that makes the value."""
    producer = value.producer() if value is not None else None
    return producer if producer in nodes else None


def _is_product(value: ir.Value | None, nodes: Sequence[ir.Node]) -> bool:
    producer = _producer(value, nodes)
    return producer is not None and producer.op_type == "MatMul" and not any(is_constant(v) for v in producer.inputs)


DETECTORS: dict[str, Detector] = {
    "hard_swish_gate": hard_swish_gate,
    "resize_of_one_row": resize_of_one_row,
    "matmul_activation": matmul_activation,
    "matmul_scalar": matmul_scalar,
    "conv_relu_bn": conv_activation_norm,
}
"""Pattern, as the cases are called -> how it is recognised."""


def patterns_in(nodes: Sequence[ir.Node]) -> list[str]:
    """The known patterns that end with the region's last node."""
    return [name for name, detect in DETECTORS.items() if detect(nodes)]
