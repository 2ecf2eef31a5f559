"""PyTorch's tensor resize (torch.nn.functional.interpolate, align_corners=False). Pasted into deploy.py: numpy only.

uint8 tensors: PyTorch's integer kernels, bit for bit: coefficients of 16 bits, with as many fractional bits as fit, rounded
to bytes after each pass, the horizontal one first. float32 tensors: the same windows with weights in single precision;
PyTorch's order of additions is not known, so results agree to some units in the last place. "float32_rounded" is how
torchvision's first transforms (and its second on processors without vector units) resize uint8 tensors: in float32,
rounded to the nearest level at the end.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from converter.preprocess.resampling import AxisPass, separable

TORCH_TAPS = {"bilinear": 2, "bicubic": 4}


def torch_resample(
    planes: np.ndarray, height: int, width: int, interpolation: str, antialias: bool, window: Any = None
) -> np.ndarray:
    """uint8 or float32 (C, H, W) to the same dtype (C, height, width), as a tensor of that dtype is resized.

    window: (top, left, bottom, right) of the result, where only that part of it is wanted.
    interpolation: "nearest", "nearest-exact", "bilinear" or "bicubic".
    """
    top, left, bottom, right = window or (0, 0, height, width)
    if interpolation not in TORCH_TAPS:
        half = 0.5 if interpolation == "nearest-exact" else 0.0
        rows = torch_nearest_index(planes.shape[1], height, half)[top:bottom]
        columns = torch_nearest_index(planes.shape[2], width, half)[left:right]
        return planes[:, rows][:, :, columns]
    passes = [
        None if size == new_size else torch_pass(size, new_size, interpolation, antialias, exact, first, last)
        for size, new_size, first, last in (
            (planes.shape[1], height, top, bottom),
            (planes.shape[2], width, left, right),
        )
        for exact in (planes.dtype == np.uint8,)
    ]
    return separable(planes, passes[0], passes[1], False, (top, left, bottom, right))


def torch_resample_rounded(
    planes: np.ndarray, height: int, width: int, interpolation: str, antialias: bool, window: Any = None
) -> np.ndarray:
    """uint8 (C, H, W) to uint8 (C, height, width) through float32, rounded to the nearest level, halves to even."""
    if interpolation not in TORCH_TAPS:
        return torch_resample(planes, height, width, interpolation, antialias, window)
    found = torch_resample(planes.astype(np.float32), height, width, interpolation, antialias, window)
    return np.asarray(np.clip(np.rint(found), 0, 255).astype(np.uint8))


def torch_nearest_index(size: int, new_size: int, half: float) -> np.ndarray:
    """The input position for each output position, in single precision as PyTorch computes it."""
    scale = np.float32(size) / np.float32(new_size)
    positions = np.floor((np.arange(new_size, dtype=np.float32) + np.float32(half)) * scale)
    return np.asarray(np.minimum(positions.astype(np.int64), size - 1))


@lru_cache(maxsize=32)
def torch_pass(
    size: int, new_size: int, interpolation: str, antialias: bool, integer: bool, first: int, last: int
) -> AxisPass:
    """The sums of outputs first..last. integer: the 16-bit coefficients of uint8 tensors, else single precision."""
    number = float if integer else np.float32
    window = _antialiased if antialias else _interpolated
    # all of them, because the largest weight decides how many fractional bits the integer ones have
    found = [window(position, size, new_size, TORCH_TAPS[interpolation], number) for position in range(new_size)]
    starts, weights = np.array([start for start, _, _ in found]), [taps for _, taps, _ in found]
    if integer:
        bits, largest = 0, max(peak for _, _, peak in found)
        while bits < 22 and int(0.5 + largest * (1 << (bits + 1))) < 1 << 15:
            bits += 1
        weights = [[int(math.copysign(0.5, tap) + tap * (1 << bits)) / (1 << bits) for tap in taps] for taps in weights]
    arrays = [np.array(taps, np.float64) for taps in weights]
    return AxisPass(starts[first:last], arrays[first:last], size / new_size)


def _antialiased(position: int, size: int, new_size: int, taps: int, number: Any) -> tuple[int, list[Any], Any]:
    """(first input position, weights, the largest): the window widens as the picture shrinks; bicubic has a = -0.5 here."""
    scale = number(size) / number(new_size)
    widening = scale if scale >= 1 else number(1)
    support = number(taps * 0.5) * widening
    inverse = number(1) / widening
    center = scale * number(position + 0.5)
    start, stop = max(int(center - support + number(0.5)), 0), min(int(center + support + number(0.5)), size)
    weights = [
        _torch_filter((number(x) - center + number(0.5)) * inverse, taps, number(-0.5)) for x in range(start, stop)
    ]
    total = number(0)
    for weight in weights:
        total += weight
    weights = [weight / total for weight in weights] if total != 0 else weights
    return start, weights, max(weights)


def _interpolated(position: int, size: int, new_size: int, taps: int, number: Any) -> tuple[int, list[Any], Any]:
    """(first input position, weights, the largest) of 2 or 4 neighbours; bicubic has a = -0.75 here.

    Beyond an edge stands its pixel, whose weights are added up; the largest is that of before and after.
    """
    center = number(float(number(size) / number(new_size)) * (position + 0.5) - 0.5)  # a fused multiply-add
    if taps == 2:
        center = max(center, number(0))
    index = min(math.floor(center), size - 1)
    rest = min(max(center - number(index), number(0)), number(1))
    summed: dict[int, Any] = {}
    one = number(1)
    distances = (rest + one, rest, one - rest, (one - rest) + one) if taps == 4 else (rest, one - rest)
    weights = [_torch_filter(distance, taps, number(-0.75)) for distance in distances]
    for tap, weight in enumerate(weights):
        position_of_tap = min(max(index + tap - taps // 2 + 1, 0), size - 1)
        summed[position_of_tap] = summed.get(position_of_tap, number(0)) + weight
    return min(summed), [summed[x] for x in sorted(summed)], max(*weights, *summed.values())


def _torch_filter(x: Any, taps: int, a: Any) -> Any:
    """The weight at distance x, of its type: a triangle for 2 taps, Keys' cubic convolution for 4."""
    number = type(a)  # NumPy 1 would make float64 of a float32 and an int
    x = abs(x)
    if taps == 2:
        return max(number(1) - x, number(0))
    if x < 1:
        return ((a + number(2)) * x - (a + number(3))) * x * x + number(1)
    if x < 2:
        return ((a * x - number(5) * a) * x + number(8) * a) * x - number(4) * a
    return number(0)
