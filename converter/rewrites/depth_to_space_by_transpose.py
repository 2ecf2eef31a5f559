"""DepthToSpace -> Reshape, Transposes of four dimensions, Reshape.

Why     OpenCV 4.8.1 and older know no DepthToSpace (pixel shuffle)
Before  y = DepthToSpace<blocksize=b, mode>(x)      x: [N, C*b*b, H, W]
After   the channels' b rows go behind H, then its b columns behind W: Reshape, Transpose, Reshape, Transpose, Reshape.
        CRD: channel c*b*b + i*b + j becomes pixel (i, j) of channel c; DCR: (i*b + j)*C + c does
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import indices, rule, shape_of


@rule("DepthToSpace", max_error=0.0)
def depth_to_space_by_transpose(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    batch, depth, high, wide = shape_of(x, "the input")
    after = shape_of(node.outputs[0], "the output")
    b = int(node.attributes.get_int("blocksize") or 1)
    channels = depth // (b * b)
    assert x is not None
    y = x
    if node.attributes.get_string("mode", "DCR") == "DCR":
        y = tape.op("Reshape", [y, indices(tape, (batch, b * b, channels, high * wide))])
        y = tape.op("Transpose", [y], {"perm": [0, 2, 1, 3]})
    # [N*C, b (i), b (j), H*W] -> [N*C*i, H, W, j]: the columns' j goes last, then i between the rows
    y = tape.op("Reshape", [y, indices(tape, (batch * channels * b, b, high, wide))])
    y = tape.op("Transpose", [y], {"perm": [0, 2, 3, 1]})
    y = tape.op("Reshape", [y, indices(tape, (batch * channels, b, high, wide * b))])
    y = tape.op("Transpose", [y], {"perm": [0, 2, 1, 3]})
    return tape.op("Reshape", [y, indices(tape, after)])
