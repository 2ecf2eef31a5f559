"""Tile -> Concat of the input with itself, one per dimension that is repeated.

Why     OpenCV 4.x gives wrong numbers for a Tile of more than one dimension; Concat runs right on every OpenCV measured
Before  y = Tile(x, repeats)
After   y = Concat<axis>(x, x, ...)      x itself where nothing is repeated
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, pass_on, rule

MAX_COPIES = 512


@rule("Tile", max_error=0.0)
def tile_by_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    repeats = [int(count) for count in constant(node.inputs[1], "repeats")]
    if min(repeats) < 1:
        raise Decline(f"repeats are {repeats}, so the result is empty")
    if max(repeats) > MAX_COPIES:
        raise Decline(f"a Concat of {max(repeats)} copies is too many; up to {MAX_COPIES} were measured")
    if max(repeats) == 1:
        return pass_on(node, tape, x)

    for axis in reversed(range(len(repeats))):  # the innermost first: the long copies are made once
        if repeats[axis] > 1:
            x = tape.op("Concat", [x] * repeats[axis], {"axis": axis})
    return x
