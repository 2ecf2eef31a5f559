"""Resize to the nearest pixel -> Gather of the chosen pixels, axis by axis.

Why     OpenCV takes another pixel than ONNX for several coordinate modes and roundings, without an error; which pixel ONNX
        takes is known beforehand. OpenCV resizes four dimensions only
Before  y = Resize<mode="nearest">(x, roi, scales, sizes)
After   y = Gather<axis>(x, pixels)      for each axis that changes its size, the last one first
        Positions as in ONNX's definition of Resize (https://onnx.ai/onnx/operators/onnx__Resize.html), in single precision
        as ONNX Runtime computes them
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, optional_input, rule, shape_of

ONE, HALF = np.float32(1), np.float32(0.5)


@rule("Resize", max_error=0.0)
def resize_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    attributes = node.attributes
    mode = attributes.get_string("mode", "nearest")
    if mode != "nearest":
        raise Decline(f"mode {mode} is not nearest")
    if attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Decline("the aspect ratio is kept by a policy")
    if before == after:
        raise Decline("the size does not change")
    place = attributes.get_string("coordinate_transformation_mode", "half_pixel") or ""
    rounding = attributes.get_string("nearest_mode", "round_prefer_floor") or ""
    scales = _scales(node, before, after)

    for axis in reversed(range(len(before))):
        if before[axis] != after[axis]:
            positions = _positions(place, before[axis], after[axis], scales[axis])
            pixels = np.clip(_rounded(rounding, positions), 0, before[axis] - 1).astype(np.int64)
            x = tape.op("Gather", [x, indices(tape, pixels)], {"axis": axis})
    return x


def _scales(node: ir.Node, before: tuple[int, ...], after: tuple[int, ...]) -> list[np.float32]:
    """The scale of every axis: as given, else by the sizes."""
    given = array_of(optional_input(node, 2))
    if given is None or given.size == 0:
        return [np.float32(new) / np.float32(old) for old, new in zip(before, after, strict=True)]
    scales = [ONE] * len(before)
    for axis, scale in zip(node.attributes.get_ints("axes", range(len(before))), given, strict=True):
        scales[axis] = np.float32(scale)
    return scales


def _positions(place: str, old: int, new: int, scale: np.float32) -> np.ndarray:
    """Where each output pixel lies among the input's pixels."""
    pixel = np.arange(new, dtype=np.float32)
    found: np.ndarray
    if place == "half_pixel" or (place == "pytorch_half_pixel" and new > 1):
        found = (pixel + HALF) / scale - HALF
    elif place == "asymmetric":
        found = pixel / scale
    elif place == "align_corners" and new > 1:
        found = pixel * np.float32(old - 1) / np.float32(new - 1)
    elif place in ("align_corners", "pytorch_half_pixel"):
        found = np.zeros(1, np.float32)
    else:
        raise Decline(f"coordinate_transformation_mode {place} was not measured")
    return found


def _rounded(rounding: str, positions: np.ndarray) -> np.ndarray:
    down: np.ndarray = np.floor(positions)
    if rounding == "floor":
        return down
    if rounding == "ceil":
        return down + (positions > down)
    rest: np.ndarray = positions - down  # exact, where adding a half may round
    half = HALF if rounding == "round_prefer_floor" else HALF - 2 * np.spacing(positions)  # that the division lost
    return down + (rest > half if rounding == "round_prefer_floor" else rest >= half)
