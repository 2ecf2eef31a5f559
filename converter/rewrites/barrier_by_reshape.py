"""Why: OpenCV's importers and engines fuse neighbouring layers, and some of these fusions compute something else (a gate that
becomes a hard-swish; BatchNormalization behind an activation folded into the convolution before it). The layers are right
one by one.

Before: y = Op(a, b)
After:  y = Op(Reshape(a, shape of a), Reshape(b, shape of b)); an input that is a constant stays as it is.

A Reshape to the same shape costs nothing in cv2.dnn, and no pattern looks through it.

Error: none.
"""

from __future__ import annotations

import onnx_ir as ir

from converter.rewrites import ANY, Decline, indices, rule, shape_of


@rule(ANY, max_error=0.0)
def barrier_by_reshape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value | list[ir.Value]:
    inputs: list[ir.Value | None] = []
    fenced = 0
    for position, value in enumerate(node.inputs):
        if value is None or value.const_value is not None or value.producer() is None:
            inputs.append(value)
            continue
        if (producer := value.producer()) is not None and producer.op_type == "Reshape":
            raise Decline("there is a Reshape between the two already")
        shape = shape_of(value, f"input {position}")
        if not shape or 0 in shape:
            raise Decline(f"input {position} is a scalar or empty")
        inputs.append(tape.op("Reshape", [value, indices(tape, shape)]))
        fenced += 1
    if not fenced:
        raise Decline("no input of it comes from another node")
    return _copy(node, inputs, tape)


def _copy(node: ir.Node, inputs: list[ir.Value | None], tape: ir.tape.Tape) -> ir.Value | list[ir.Value]:
    """The same op with the same attributes on other inputs."""
    attributes = dict(node.attributes)
    if len(node.outputs) == 1:
        return tape.op(node.op_type, inputs, attributes=attributes, domain=node.domain)
    return list(
        tape.op_multi_out(
            node.op_type, inputs, num_outputs=len(node.outputs), attributes=attributes, domain=node.domain
        )
    )
