"""SpaceToDepth -> Reshape, Transposes of four dimensions, Reshape.

Why     OpenCV 4.8.1 and older know no SpaceToDepth
Before  y = SpaceToDepth<blocksize=b>(x)      x: [N, C, H*b, W*b]
After   pixel (i, j) of a block goes to channel (i*b + j)*C + c: first i in front of the rows, then j in front of the
        columns, then both in front of the channels, each a Transpose between Reshapes
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import Decline, indices, rule, shape_of


@rule("SpaceToDepth", max_error=0.0)
def space_to_depth_by_transpose(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    batch, channels, _, _ = shape_of(node.inputs[0], "the input")
    after = shape_of(node.outputs[0], "the output")
    if node.attributes.get_string("mode", "DCR") != "DCR":
        raise Decline("mode is not DCR")
    b = int(node.attributes.get_int("blocksize") or 1)
    high, wide = after[2:]
    y = tape.op("Reshape", [node.inputs[0], indices(tape, (batch * channels, high, b, wide * b))])
    y = tape.op("Transpose", [y], {"perm": [0, 2, 1, 3]})
    y = tape.op("Reshape", [y, indices(tape, (batch * channels * b, high, wide, b))])
    y = tape.op("Transpose", [y], {"perm": [0, 3, 1, 2]})
    y = tape.op("Reshape", [y, indices(tape, (batch, channels, b * b, high * wide))])
    y = tape.op("Transpose", [y], {"perm": [0, 2, 1, 3]})
    return tape.op("Reshape", [y, indices(tape, after)])
