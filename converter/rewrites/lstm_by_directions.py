"""LSTM -> one LSTM per direction with its states written out, their sequences joined.

Why     OpenCV 4.5.5 takes an LSTM with initial states and one output only, and computes both directions of one wrongly; 4.6.0
        and later, 5.0.0 too, give a wrong last state (Y_h) of a reverse one. One direction's sequence is right everywhere
Before  y, h = LSTM<direction>(x, w, r, b, , h0, c0)
After   y = Concat<axis=1>(LSTM<forward>(x, w0, r0, b0, , h00, c00), LSTM<reverse>(...));  h from y: the last step of the
        forward direction, the first of the other
Error   1e-6: the sums may be in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, optional_input, rule, shape_of

DIRECTIONS = {"forward": ("forward",), "reverse": ("reverse",), "bidirectional": ("forward", "reverse")}
UNUSUAL = ("activations", "activation_alpha", "activation_beta", "clip")


@rule("LSTM", max_error=1e-6)
def lstm_by_directions(node: ir.Node, tape: ir.tape.Tape) -> list[ir.Value]:
    x = float32(node.inputs[0], "the input")
    steps, batch, _ = shape_of(x, "the input")
    directions = DIRECTIONS[node.attributes.get_string("direction", "forward") or "forward"]
    hidden = int(node.attributes.get_int("hidden_size") or 0)
    if node.attributes.get_int("layout", 0) or any(name in node.attributes for name in UNUSUAL):
        raise Decline("the layout is batch first, or the activations are others or clipped")
    if node.attributes.get_int("input_forget", 0) or optional_input(node, 4) or optional_input(node, 7):
        raise Decline("its gates are coupled, or it has sequence lengths or peepholes")
    if len(node.outputs) > 2 and (node.outputs[2].uses() or node.outputs[2].is_graph_output()):
        raise Decline("the last cell state (Y_c) is used")
    states = (len(directions), batch, hidden)
    parts = {
        "w": constant(node.inputs[1], "the input's weights"),
        "r": constant(node.inputs[2], "the recurrent weights"),
        "b": _constant_or(node, 3, np.zeros((len(directions), 8 * hidden), np.float32)),
        "h": _constant_or(node, 5, np.zeros(states, np.float32)),
        "c": _constant_or(node, 6, np.zeros(states, np.float32)),
    }

    sequences = []
    for position, direction in enumerate(directions):
        w, r, b, h, c = (new_constant(tape, array[position : position + 1]) for array in parts.values())
        attributes = {"direction": direction, "hidden_size": hidden}
        sequences.append(tape.op("LSTM", [x, w, r, b, None, h, c], attributes))
    if len(node.outputs) == 1:
        return [_joined(sequences, 1, tape)]
    ends = []
    for sequence, direction in zip(sequences, directions, strict=True):
        last = steps - 1 if direction == "forward" else 0
        step = tape.op("Slice", [sequence, *(indices(tape, (n,)) for n in (last, last + 1, 0, 1))])
        ends.append(tape.op("Reshape", [step, indices(tape, (1, batch, hidden))]))
    # the cell state is not asked for: any value may stand in its place
    return [_joined(sequences, 1, tape), *([_joined(ends, 0, tape)] * (len(node.outputs) - 1))]


def _constant_or(node: ir.Node, position: int, otherwise: np.ndarray) -> np.ndarray:
    value = optional_input(node, position)
    return otherwise if value is None else constant(value, "a bias or state")


def _joined(values: list[ir.Value], axis: int, tape: ir.tape.Tape) -> ir.Value:
    return values[0] if len(values) == 1 else tape.op("Concat", values, {"axis": axis})
