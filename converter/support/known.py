"""Patterns of several nodes that some OpenCV gets wrong: how they are recognised in a graph.

Whether a target gets a pattern wrong is measured (the cases of family "pattern"); here is only what it looks like. A
detector sees a region whose last node is the node in question, and answers for nodes of that region only: the node alone is
another question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from converter.graph import static_shape

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


DETECTORS: dict[str, Detector] = {"hard_swish_gate": hard_swish_gate, "resize_of_one_row": resize_of_one_row}
"""Pattern, as the cases are called -> how it is recognised."""


def patterns_in(nodes: Sequence[ir.Node]) -> list[str]:
    """The known patterns that end with the region's last node."""
    return [name for name, detect in DETECTORS.items() if detect(nodes)]
