"""GRU -> one forward GRU per direction with its state written out, the other direction's sequence turned round.

Why     OpenCV 4.x and 5.0.0's classic engine take a GRU with an initial state only, and compute the reverse direction as if it
        were forward, without an error
Before  y, h = GRU<direction, linear_before_reset=1>(x, w, r, b, , h0)
After   y = Concat<axis=1>(GRU(x, w0, r0, b0, , h00), Gather<axis=0>(GRU(Gather<axis=0>(x, backwards), ...), backwards));
        h is the last step of each before it is turned round
Error   1e-6: the sums may be in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, optional_input, rule, shape_of
from converter.rewrites.lstm_by_directions import DIRECTIONS, UNUSUAL


@rule("GRU", max_error=1e-6)
def gru_by_directions(node: ir.Node, tape: ir.tape.Tape) -> list[ir.Value]:
    x = float32(node.inputs[0], "the input")
    steps, batch, _ = shape_of(x, "the input")
    directions = DIRECTIONS[node.attributes.get_string("direction", "forward") or "forward"]
    hidden = int(node.attributes.get_int("hidden_size") or 0)
    if node.attributes.get_int("layout", 0) or any(name in node.attributes for name in UNUSUAL):
        raise Decline("the layout is batch first, or the activations are others or clipped")
    if optional_input(node, 4) is not None:
        raise Decline("it has sequence lengths")
    before_reset = node.attributes.get_int("linear_before_reset", 0)
    weights = (constant(node.inputs[1], "the input's weights"), constant(node.inputs[2], "the recurrent weights"))
    bias, state = optional_input(node, 3), optional_input(node, 5)
    biases = np.zeros((len(directions), 6 * hidden), np.float32) if bias is None else constant(bias, "the bias")
    states = np.zeros((len(directions), batch, hidden), np.float32) if state is None else constant(state, "the state")
    backwards = range(steps - 1, -1, -1)

    sequences, ends = [], []
    for position, direction in enumerate(directions):
        parts = [array[position : position + 1] for array in (*weights, biases, states)]
        w, r, b, h = (new_constant(tape, part) for part in parts)
        turned = tape.op("Gather", [x, indices(tape, backwards)], {"axis": 0}) if direction == "reverse" else x
        attributes = {"hidden_size": hidden, "linear_before_reset": before_reset}
        y = tape.op("GRU", [turned, w, r, b, None, h], attributes)
        if len(node.outputs) > 1:
            last = tape.op("Slice", [y, *(indices(tape, (n,)) for n in (steps - 1, steps, 0, 1))])
            ends.append(tape.op("Reshape", [last, indices(tape, (1, batch, hidden))]))
        sequences.append(tape.op("Gather", [y, indices(tape, backwards)], {"axis": 0}) if direction == "reverse" else y)
    joined = [(sequences, 1), (ends, 0)][: len(node.outputs)]
    return [v[0] if len(v) == 1 else tape.op("Concat", v, {"axis": axis}) for v, axis in joined]
