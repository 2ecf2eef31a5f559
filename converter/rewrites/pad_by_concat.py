"""Pad that reflects, repeats or wraps -> Slices of the input and Concat.

Why     OpenCV reflects the last two of four dimensions only, and knows no edge or wrap; a padding that repeats numbers is
        made of parts of the input
Before  y = Pad<mode="reflect", "edge" or "wrap">(x, pads)
After   y = Concat<axis>(parts before, x, parts behind)      axis by axis; a reflection is one Slice per row
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, optional_input, rule, shape_of
from converter.rewrites.gather_by_concat import MAX_RUNS, runs

MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


@rule("Pad", max_error=0.0)
def pad_by_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    mode = node.attributes.get_string("mode", "constant") or ""
    if mode not in MODES:
        raise Decline(f"mode {mode} does not repeat the input")
    pads = constant(node.inputs[1], "pads")
    axes_input = optional_input(node, 3)
    axes = np.arange(len(shape)) if axes_input is None else constant(axes_input, "axes") % len(shape)
    if pads.min() < 0:
        raise Decline("an amount is negative")
    if not pads.any():
        raise Decline("nothing is padded")

    for start, end, axis in zip(*pads.reshape(2, -1), axes, strict=True):
        if not start and not end:
            continue
        if mode == "reflect" and max(start, end) >= shape[axis]:
            raise Decline(f"axis {axis} is padded by more than it is long")
        around = np.pad(np.arange(shape[axis]), (int(start), int(end)), mode=MODES[mode])  # type: ignore[call-overload]
        found = [run for part in _parts(around, int(start), int(end)) for run in part]
        if len(found) > MAX_RUNS:
            raise Decline(f"axis {axis} would be joined of {len(found)} parts, more than {MAX_RUNS}")
        slices: dict[tuple[int, int, int], ir.Value] = {(0, shape[axis], 1): x}
        for run in found:
            if run not in slices:
                slices[run] = tape.op("Slice", [x, *(indices(tape, (n,)) for n in (run[0], run[1], int(axis), run[2]))])
        x = tape.op("Concat", [slices[run] for run in found], {"axis": int(axis)})
    return x


def _parts(around: np.ndarray, start: int, end: int) -> list[list[tuple[int, int, int]]]:
    """The runs of the front, of the input itself and of the back."""
    inner = len(around) - start - end
    return [runs(around[:start]), [(0, inner, 1)], runs(around[start + inner :])]
