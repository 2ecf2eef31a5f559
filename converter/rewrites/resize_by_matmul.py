"""Resize in height and width -> a product with a constant matrix per axis.

Why     OpenCV 4.x and 5.0.0's classic engine refuse cubic interpolation; no OpenCV knows antialias; 5.0.0's new engine reads
        uninitialised memory in a linear Resize behind a convolution when height or width is 1. Interpolation along an axis
        is linear: one row of weights per output pixel
Before  y = Resize<mode="linear" or "cubic">(x, roi, scales, sizes)      x: [N, C, H, W]
After   w = MatMul(x, columns);  y = Transpose(MatMul(Transpose(w), rows));  nothing for an axis that keeps its size
        Weights as in ONNX's definition of Resize (https://onnx.ai/onnx/operators/onnx__Resize.html), cubic by
        R. Keys, Cubic convolution interpolation for digital image processing, 1981
Error   5e-6: sums in another order; positions are rounded to single precision in both
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, new_constant, optional_input, rule, shape_of


@rule("Resize", max_error=5e-6)
def resize_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    attributes = node.attributes
    mode = attributes.get_string("mode", "nearest")
    if mode not in ("linear", "cubic"):
        raise Decline(f"mode {mode} is not linear or cubic")
    if len(before) != 4 or before[:2] != after[:2]:
        raise Decline(f"it resizes {list(before)} to {list(after)}, not only height and width of four dimensions")
    if attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Decline("the aspect ratio is kept by a policy")
    if before == after:
        raise Decline("the size does not change")
    scales = _scales(node, before, after)
    place = attributes.get_string("coordinate_transformation_mode", "half_pixel") or ""
    sharpness = attributes.get_float("cubic_coeff_a", -0.75)
    antialias = bool(attributes.get_int("antialias", 0))
    exclude = bool(attributes.get_int("exclude_outside", 0))

    matrices = {}
    for axis in (3, 2):
        if before[axis] != after[axis]:
            positions = _positions(place, before[axis], after[axis], scales[axis])
            stretch = max(1.0, 1 / scales[axis]) if antialias else 1.0
            reach = (2 if mode == "cubic" else 1) * stretch
            distances = (np.arange(before[axis] + 2 * _margin(reach)) - _margin(reach) - positions[:, None]) / stretch
            weights = _cubic(distances, sharpness) if mode == "cubic" else np.maximum(0, 1 - np.abs(distances))
            matrices[axis] = _gathered(weights, _margin(reach), exclude)
    if 3 in matrices:
        x = tape.op("MatMul", [x, new_constant(tape, matrices[3].T.astype(np.float32))])
    if 2 in matrices:  # turned, for OpenCV 4.8.1 and older refuse a constant left operand
        turned = tape.op("Transpose", [x], {"perm": [0, 1, 3, 2]})
        turned = tape.op("MatMul", [turned, new_constant(tape, matrices[2].T.astype(np.float32))])
        x = tape.op("Transpose", [turned], {"perm": [0, 1, 3, 2]})
    return x


def _scales(node: ir.Node, before: tuple[int, ...], after: tuple[int, ...]) -> list[float]:
    """The scale of every axis: as given, else by the sizes."""
    given = array_of(optional_input(node, 2))
    if given is None or given.size == 0:
        return [new / old for old, new in zip(before, after, strict=True)]
    axes = node.attributes.get_ints("axes", range(len(before)))
    scales = [1.0] * len(before)
    for axis, scale in zip(axes, given, strict=True):
        scales[axis] = float(scale)
    return scales


def _positions(place: str, old: int, new: int, scale: float) -> np.ndarray:
    """Where each output pixel lies among the input's pixels: in single precision, as PyTorch and ONNX Runtime find it."""
    pixel, half, by = np.arange(new, dtype=np.float32), np.float32(0.5), np.float32(scale)
    if place == "half_pixel" or (place == "pytorch_half_pixel" and new > 1):
        found = (pixel + half) / by - half
    elif place == "asymmetric":
        found = pixel / by
    elif place == "align_corners" and new > 1:
        found = pixel * np.float32(old - 1) / np.float32(new - 1)
    elif place in ("align_corners", "pytorch_half_pixel"):
        found = np.zeros(1)
    else:
        raise Decline(f"coordinate_transformation_mode {place} was not measured")
    return found.astype(np.float64)


def _margin(reach: float) -> int:
    """How many pixels beyond the border the filter may touch."""
    return int(np.ceil(reach)) + 1


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    d = np.abs(distance)
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _gathered(weights: np.ndarray, margin: int, exclude: bool) -> np.ndarray:
    """Weights on pixels beyond the border go to the border's pixel, or are left out and the others scaled up."""
    inside = weights[:, margin:-margin].copy()
    if not exclude:
        inside[:, 0] += weights[:, :margin].sum(axis=1)
        inside[:, -1] += weights[:, -margin:].sum(axis=1)
    total: np.ndarray = inside / inside.sum(axis=1, keepdims=True)
    return total
