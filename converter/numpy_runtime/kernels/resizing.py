"""Resize: one axis after the other, each output element a weighted sum of a few inputs."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _along, _axes


def Resize(
    X: np.ndarray,
    roi: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
    /,
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> np.ndarray:
    """Any rank. The cubic: Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981, equation 4."""
    along = tuple(range(X.ndim)) if axes is None else _axes(axes, X.ndim)
    lengths = [X.shape[axis] for axis in along]
    factors, wanted = _targets(lengths, scales, sizes, keep_aspect_ratio_policy)
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    edges = np.asarray(roi, np.float32).ravel().tolist() if crop else [0.0] * len(along) + [1.0] * len(along)
    y, outside = X, np.zeros((1,) * X.ndim, np.bool_)
    for position, (axis, length, factor, size) in enumerate(zip(along, lengths, factors, wanted)):
        if size == length and factor == 1 and not crop:
            continue
        place = _coordinates(
            coordinate_transformation_mode, size, length, factor, edges[position], edges[position + len(along)]
        )
        y = _resample(y, axis, place, factor, mode, nearest_mode, antialias, cubic_coeff_a, exclude_outside)
        if crop:
            outside = outside | _along((place < 0) | (place > length - 1), axis, X.ndim)
    if outside.any():
        y = np.where(outside, X.dtype.type(extrapolation_value), y)
    return y.astype(X.dtype, copy=False)


def _targets(lengths: list[int], scales: Any, sizes: Any, policy: str) -> tuple[list[float], list[int]]:
    """Scale factors and output extents of the axes."""
    if sizes is None or np.size(sizes) == 0:
        factors = [float(scale) for scale in np.asarray(scales, np.float32)]
        return factors, [int(np.floor(length * factor)) for length, factor in zip(lengths, factors)]
    wanted = [int(size) for size in np.asarray(sizes)]
    factors = [size / length for size, length in zip(wanted, lengths)]
    if policy != "stretch":
        factor = min(factors) if policy == "not_larger" else max(factors)
        factors = [factor] * len(lengths)
        wanted = [int(np.floor(length * factor + 0.5)) for length in lengths]
    return factors, wanted


def _coordinates(mode: str, size: int, length: int, factor: float, start: float, end: float) -> np.ndarray:
    """Where each output element lies on the input's axis."""
    x = np.arange(size, dtype=np.float64)
    if mode == "asymmetric":
        return x / factor
    if mode == "align_corners":
        # size, rounded down, as in PyTorch and ONNX Runtime; ONNX's reference has length * factor here
        return x * ((length - 1) / (size - 1)) if size > 1 else np.zeros(size)
    if mode == "tf_crop_and_resize":
        # in float32, as ONNX Runtime: in it a start of 0.1 of 6 elements is 0.5, which rounds to the lower one
        low, high, last = np.float32(start), np.float32(end), np.float32(length - 1)
        if size > 1:
            return np.asarray(
                low * last + x.astype(np.float32) * ((high - low) * last / np.float32(size - 1)), np.float64
            )
        return np.full(size, np.float32(0.5) * (low + high) * last, np.float64)
    if mode == "tf_half_pixel_for_nn":  # opset 11 and 12 had it
        return (x + 0.5) / factor
    if mode == "pytorch_half_pixel" and size == 1:
        return np.zeros(size)
    if mode == "half_pixel_symmetric":  # centred, when the scale does not give a whole number of elements
        adjustment = size / (factor * length)
        return length / 2 * (1 - adjustment) + (x + 0.5) / factor - 0.5
    if mode not in ("half_pixel", "pytorch_half_pixel"):
        raise ValueError(f"Resize: nobody knows the coordinate_transformation_mode {mode!r}")
    return (x + 0.5) / factor - 0.5


def _resample(
    x: np.ndarray,
    axis: int,
    place: np.ndarray,
    factor: float,
    mode: str,
    nearest_mode: str,
    antialias: int,
    cubic_coeff_a: float,
    exclude_outside: int,
) -> np.ndarray:
    """x with its `axis` sampled at `place`."""
    length = x.shape[axis]
    if mode == "nearest":
        return np.take(x, np.clip(_nearest(place, nearest_mode), 0, length - 1), axis=axis)
    reach = 1 if mode == "linear" else 2
    shrink = min(factor, 1.0) if antialias else 1.0  # antialiasing stretches the filter
    if shrink < 1:
        first = np.floor(place - reach / shrink).astype(np.int64) + 1
        taps = int(np.ceil(2 * reach / shrink)) + 1
    else:
        first, taps = np.floor(place).astype(np.int64) - (reach - 1), 2 * reach
    index = first[:, None] + np.arange(taps)
    distance = np.abs(index - place[:, None]) * shrink
    weights = np.maximum(1 - distance, 0) if mode == "linear" else _cubic(distance, cubic_coeff_a)
    if exclude_outside:
        weights = np.where((index < 0) | (index >= length), 0, weights)
    if exclude_outside or shrink < 1:
        weights = weights / weights.sum(axis=1, keepdims=True)
    index = np.clip(index, 0, length - 1)
    kind = x.dtype if x.dtype.kind == "f" and x.dtype != np.float16 else np.dtype(np.float32)
    weights = weights.astype(kind)
    y = np.take(x, index[:, 0], axis=axis) * _along(weights[:, 0], axis, x.ndim)
    for tap in range(1, taps):
        if weights[:, tap].any():
            y += np.take(x, index[:, tap], axis=axis) * _along(weights[:, tap], axis, x.ndim)
    return np.asarray(y)


def _nearest(place: np.ndarray, mode: str) -> np.ndarray:
    place = place.astype(np.float32)  # as PyTorch and ONNX Runtime: 3 / 0.6 is 5 there, not a little less
    if mode == "round_prefer_floor":
        return np.ceil(place - 0.5).astype(np.int64)
    if mode == "round_prefer_ceil":
        return np.floor(place + 0.5).astype(np.int64)
    return (np.floor(place) if mode == "floor" else np.ceil(place)).astype(np.int64)


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel: 1 at 0, 0 at 1 and beyond 2."""
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
