"""Where the points of a GridSample lie among the image's pixels, as numbers and as nodes; and what sizes it has.

Formulas: ONNX's definition of GridSample (https://onnx.ai/onnx/operators/onnx__GridSample.html). Positions are rounded as
ONNX Runtime and PyTorch round them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, scalar, shape_of


@dataclass(frozen=True)
class Sampling:
    """A GridSample of an image: x [N, C, H, W], grid [N, P..., 2], `points` of them."""

    x: ir.Value
    grid: ir.Value
    batch: int
    channels: int
    height: int
    width: int
    points: int
    mode: str
    padding: str
    aligned: bool

    def range_of(self, extent: int) -> tuple[float, float]:
        """From where to where a reflected position may lie."""
        return (0.0, extent - 1.0) if self.aligned else (-0.5, extent - 0.5)


def sampling_of(node: ir.Node) -> Sampling:
    """What the node does; declines for volumes and for empty tensors."""
    x, grid = float32(node.inputs[0], "the input"), float32(node.inputs[1], "the grid")
    shape, points = shape_of(x, "the input"), shape_of(grid, "the grid")
    if len(shape) != 4:
        raise Decline(f"the input has {len(shape)} axes, not the four of an image")
    if 0 in shape or 0 in points:
        raise Decline("the input or the grid is empty")
    attributes = node.attributes
    return Sampling(
        x,
        grid,
        *shape,
        points=points[1] * points[2],
        mode=attributes.get_string("mode", "linear") or "linear",
        padding=attributes.get_string("padding_mode", "zeros") or "zeros",
        aligned=bool(attributes.get_int("align_corners", 0)),
    )


def positions(grid: np.ndarray, extent: int, aligned: bool) -> np.ndarray:
    """From -1..1 to pixels, in single precision."""
    one, half, size = np.float32(1), np.float32(0.5), np.float32(extent)
    found = (grid + one) * half * (size - one) if aligned else ((grid + one) * size - one) * half
    return np.asarray(found, np.float32)


def reflected(position: np.ndarray, low: float, high: float) -> np.ndarray:
    """Positions folded at `low` and `high` until they lie between."""
    span = high - low
    if span == 0:
        return np.full_like(position, low)
    away = np.mod(position - low, 2 * span)
    return np.asarray(low + np.where(away > span, 2 * span - away, away), position.dtype)


def position_nodes(tape: ir.tape.Tape, grid: ir.Value, extent: int, found: Sampling) -> ir.Value:
    """`positions` of a computed grid's coordinate, then the border or the reflection; by numbers alone, any shape."""

    def op(kind: str, value: ir.Value, number: float) -> ir.Value:
        return tape.op(kind, [value, scalar(tape, number)])

    moved = op("Add", grid, 1.0)
    if found.aligned:
        at = op("Mul", moved, 0.5 * (extent - 1))
    else:
        at = op("Add", op("Mul", moved, 0.5 * extent), -0.5)
    if found.mode == "nearest":
        at = tape.op("Round", [at])
    if found.padding == "zeros":
        return at
    if found.padding == "reflection":
        at = _fold(tape, at, *found.range_of(extent))
    return tape.op("Clip", [at, scalar(tape, 0.0), scalar(tape, extent - 1.0)])


def _fold(tape: ir.tape.Tape, at: ir.Value, low: float, high: float) -> ir.Value:
    """span - |r - span| + low, where r is the rest of (at - low) after whole periods of two spans."""
    span = high - low
    if span == 0:
        return tape.op("Mul", [at, scalar(tape, 0.0)])
    away = tape.op("Sub", [at, scalar(tape, low)])
    periods = tape.op("Floor", [tape.op("Mul", [away, scalar(tape, 0.5 / span)])])
    rest = tape.op("Sub", [away, tape.op("Mul", [periods, scalar(tape, 2 * span)])])
    turned = tape.op("Abs", [tape.op("Sub", [rest, scalar(tape, span)])])
    return tape.op("Sub", [scalar(tape, span + low), turned])
