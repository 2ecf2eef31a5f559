"""Conv of groups -> a Conv that makes a multiple of eight channels in each group, without the surplus.

Why     5.0.0's new engine keeps channels in blocks of eight; with a kernel of 1x1 and stride 1, where groups read 60 channels
        or more and make 9 to 15 (or 28), it writes beyond its buffer: wrong numbers, or the process ends
Before  y = Conv<group=G>(x, w, b)      w: [G*M, K, ...]
After   y = Reshape(Slice(Reshape(Conv<group=G>(x, w', b'), [N*G, M', ...]), 0:M), y.shape)
        M' is the next multiple of eight, the rows from M on are zeros
Error   1e-6: the products may be summed in another order
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of

BLOCK = 8


@rule("Conv", max_error=1e-6)
def conv_pad_group_outputs(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    groups = node.attributes.get_int("group", 1)
    weights = constant(float32(node.inputs[1], "the weight"), "the weight")
    made, surplus = len(weights) // groups, -(len(weights) // groups) % BLOCK
    if groups == 1 or made == 1 or not surplus:
        raise Decline("every group makes one channel, or a multiple of eight")
    after = shape_of(node.outputs[0], "the output")

    def padded(array: np.ndarray) -> ir.Value:
        rows = array.reshape(groups, made, *array.shape[1:])
        wide = np.pad(rows, [(0, 0), (0, surplus), *[(0, 0)] * (array.ndim - 1)])
        return new_constant(tape, wide.reshape(-1, *array.shape[1:]))

    inputs = [node.inputs[0], padded(weights)]
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = array_of(node.inputs[2])
        if bias is None:
            raise Decline("the bias is computed")
        inputs.append(padded(bias))
    y = tape.op("Conv", inputs, node.attributes)
    y = tape.op("Reshape", [y, indices(tape, (after[0] * groups, made + surplus, *after[2:]))])
    y = tape.op("Slice", [y, indices(tape, (0,)), indices(tape, (made,)), indices(tape, (1,))])
    return tape.op("Reshape", [y, indices(tape, after)])
