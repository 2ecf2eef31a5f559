"""Any op behind others -> the same op behind Reshapes that change nothing.

Why     OpenCV fuses neighbouring layers, and some fusions compute something else: a gate becomes a hard-swish, a norm behind
        an activation goes into the convolution before it, an activation behind a MatMul is dropped (4.8.1 and older)
Before  y = Op(a, b)
After   y = Op(Reshape(a, a.shape), Reshape(b, b.shape)); a constant stays as it is, and what a Reshape makes
Error   0: the same numbers; a Reshape to the same shape costs nothing in cv2.dnn, and no pattern looks through it
"""

from __future__ import annotations

import onnx_ir as ir

from converter.rewrites import ANY, Decline, indices, rule, shape_of


@rule(ANY, max_error=0.0)
def barrier_by_reshape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value | list[ir.Value]:
    inputs: list[ir.Value | None] = []
    fenced = fenced_before = 0
    for position, value in enumerate(node.inputs):
        if value is None or value.const_value is not None:
            inputs.append(value)
            continue
        if (producer := value.producer()) is not None and producer.op_type == "Reshape":
            inputs.append(value)  # nothing is fused through that one
            fenced_before += 1
            continue
        shape = shape_of(value, f"input {position}")
        if not shape or 0 in shape:
            raise Decline(f"input {position} is a scalar or empty")
        inputs.append(tape.op("Reshape", [value, indices(tape, shape)]))
        fenced += 1
    if not fenced:
        reason = "there is a Reshape before it already" if fenced_before else "all its inputs are constant"
        raise Decline(reason)
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
