"""Separable resampling, exact to the bit. Pasted verbatim into deploy.py, so this file imports numpy only.

`resample` gives the bytes of Pillow's `Image.resize` for 8-bit pictures: windows of the filter's support, coefficients
in fixed point with 22 fractional bits, one pass a direction, each rounded to bytes. The sums of products are formed as
float64 matrix products: every term and partial sum is a multiple of 2**-22 below 2**31, so they are exact in any order.
A pass is cut into blocks of output positions, narrow enough that few of a block's coefficients are zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

PRECISION_BITS = 22  # of Pillow's 8-bit coefficients: 32 - 8 - 2
STRIP_ELEMENTS = 400_000  # of float64 work at a time: about what a processor caches
STRIP_ROWS = 48  # of the picture at a time, at most


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _bilinear(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _hamming(x: float) -> float:
    """Pillow writes 0.54 and 0.46 in single precision, which moves a pixel in a million."""
    x = abs(x)
    if x == 0.0:
        return 1.0
    if x >= 1.0:
        return 0.0
    x = x * math.pi
    return math.sin(x) / x * (0.5400000214576721 + 0.46000000834465027 * math.cos(x))


def _bicubic(x: float) -> float:
    """Keys' cubic convolution with a = -0.5."""
    a = -0.5
    x = abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    if x < 2.0:
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return 0.0


def _lanczos(x: float) -> float:
    if not -3.0 <= x < 3.0:
        return 0.0
    if x == 0.0:
        return 1.0
    a, b = x * math.pi, x / 3.0 * math.pi
    return (math.sin(a) / a) * (math.sin(b) / b)


# name: (filter, half the width of its window); nearest has no window
FILTERS: Mapping[str, Any] = {
    "nearest": None,
    "box": (_box, 0.5),
    "bilinear": (_bilinear, 1.0),
    "hamming": (_hamming, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}


def resample(
    planes: np.ndarray, height: int, width: int, interpolation: str, pillow: int = 13, window: Any = None
) -> np.ndarray:
    """uint8 (C, H, W) to uint8 (C, height, width), byte for byte what Pillow's Image.resize gives for each plane.

    window: (top, left, bottom, right) of the result, where only that part of it is wanted.
    Up to Pillow 12 the horizontal pass comes first. Pillow 13 begins with the vertical one where the height loses more
    than twice the pixels that the width loses; the rounding between the passes makes that visible.
    """
    top, left, bottom, right = window or (0, 0, height, width)
    if interpolation == "nearest":
        rows, columns = nearest_index(planes.shape[1], height), nearest_index(planes.shape[2], width)
        return planes[:, rows[top:bottom]][:, :, columns[left:right]]
    lost_rows, lost_columns = planes.shape[1] - height, planes.shape[2] - width
    rows_first = pillow >= 13 and lost_rows > max(0, 2 * lost_columns)
    along_rows = None if lost_rows == 0 else pillow_pass(planes.shape[1], height, interpolation, top, bottom)
    along_columns = None if lost_columns == 0 else pillow_pass(planes.shape[2], width, interpolation, left, right)
    return separable(planes, along_rows, along_columns, rows_first, (top, left, bottom, right))


def separable(planes: np.ndarray, along_rows: Any, along_columns: Any, rows_first: bool, window: Any) -> np.ndarray:
    """uint8 or float32 (C, H, W) through one pass a direction; None for a direction that only is cut to the window."""
    top, left, bottom, right = window
    if along_rows is None:
        planes = planes[:, top:bottom]
    elif not rows_first:  # rows that no output needs are not filtered
        planes = planes[:, along_rows.low : along_rows.high]
    if along_columns is None:
        planes = planes[:, :, left:right]
    elif rows_first:
        planes = planes[:, :, along_columns.low : along_columns.high]
    for vertical in (True, False) if rows_first else (False, True):
        if vertical and along_rows is not None:
            planes = _vertical(planes, along_rows, 0 if rows_first else along_rows.low)
        elif not vertical and along_columns is not None:
            planes = _horizontal(planes, along_columns, along_columns.low if rows_first else 0)
    return planes


class AxisPass:
    """One direction's sums, as (first, last, low, high, matrix): outputs first..last of inputs low..high."""

    def __init__(self, starts: np.ndarray, taps: Any, scale: float) -> None:
        """For each output position the first input position and the weights; `scale` is inputs per output."""
        stops = starts + np.array([len(weights) for weights in taps])
        self.count = len(taps)
        self.low, self.high = int(starts.min()), int(stops.max())
        self.clips = any(float(weights.min()) < 0.0 for weights in taps)
        self.step, self.means = _means(starts, taps)
        width = int(min(max(max(map(len, taps)) / scale, 16), 64))  # about as many inputs as a window has
        self.blocks = []
        for first in range(0, self.count, width):
            last = min(first + width, self.count)
            low, high = int(starts[first:last].min()), int(stops[first:last].max())
            matrix = np.zeros((high - low, last - first))
            for position in range(first, last):
                matrix[starts[position] - low : stops[position] - low, position - first] = taps[position]
            self.blocks.append((first, last, low, high, matrix))


def _means(starts: np.ndarray, taps: Any) -> Any:
    """(k, the level that each sum of k levels becomes) where every output is the plain mean of its own k inputs, as with
    a box and a whole ratio; (0, None) elsewhere."""
    step = len(taps[0])
    weights = {float(weight) for tap in taps for weight in tap}
    even = len(weights) == 1 and all(len(tap) == step for tap in taps) and bool((np.diff(starts) == step).all())
    if not even or not 2 <= step <= 256:
        return 0, None
    return step, np.floor(np.arange(255 * step + 1) * weights.pop() + 0.5).astype(np.uint8)


def _mean_of(groups: np.ndarray, means: np.ndarray) -> np.ndarray:
    """uint8 (k, ...) to uint8 (...): the sums of the first axis, rounded by the table."""
    sums = groups[0].astype(np.uint16)
    for part in groups[1:]:
        sums += part
    return np.asarray(means[sums])


def _horizontal(planes: np.ndarray, along: AxisPass, offset: int) -> np.ndarray:
    """(C, H, W) to (C, H, along.count), of the same dtype; the planes begin at input column `offset`."""
    channels, height, width = planes.shape
    if along.step and planes.dtype == np.uint8:
        groups = planes[:, :, along.low - offset : along.high - offset].reshape(channels, height, -1, along.step)
        return _mean_of(groups.transpose(3, 0, 1, 2), along.means)
    result = np.empty((channels, height, along.count), planes.dtype)
    most = min(height, STRIP_ROWS, max(1, STRIP_ELEMENTS // (channels * (width + along.count))))
    # once: memory that is new costs more than what is done in it
    work = np.empty(channels * most * (width + along.count))
    for top in range(0, height, most):
        rows = min(most, height - top)
        lines, sums = np.split(work[: channels * rows * (width + along.count)], [channels * rows * width])
        lines, sums = lines.reshape(-1, width), sums.reshape(-1, along.count)
        np.copyto(lines.reshape(channels, rows, width), planes[:, top : top + rows])
        for first, last, low, high, matrix in along.blocks:
            np.matmul(lines[:, low - offset : high - offset], matrix, out=sums[:, first:last])
        _levels(sums.reshape(channels, rows, -1), along.clips, result[:, top : top + rows])
    return result


def _vertical(planes: np.ndarray, along: AxisPass, offset: int) -> np.ndarray:
    """(C, H, W) to (C, along.count, W), of the same dtype; the planes begin at input row `offset`."""
    channels, _, width = planes.shape
    if along.step and planes.dtype == np.uint8:
        groups = planes[:, along.low - offset : along.high - offset].reshape(channels, -1, along.step, width)
        return _mean_of(groups.transpose(2, 0, 1, 3), along.means)
    result = np.empty((channels, along.count, width), planes.dtype)
    for first, last, low, high, matrix in along.blocks:
        step = max(64, STRIP_ELEMENTS // (channels * (high - low + last - first)))
        for left in range(0, width, step):
            strip = planes[:, low - offset : high - offset, left : left + step].astype(np.float64, order="C")
            _levels(np.matmul(matrix.T, strip), along.clips, result[:, first:last, left : left + step])
    return result


def _levels(sums: np.ndarray, clips: bool, out: np.ndarray) -> None:
    """Sums, which are overwritten, into an array of float32, or of uint8: whole levels, halves upwards."""
    if out.dtype != np.uint8:
        np.copyto(out, sums, casting="same_kind")
        return
    sums += 0.5
    if clips:
        np.clip(sums, 0.0, 255.0, out=sums)
    np.copyto(out, sums, casting="unsafe")  # truncates, and nothing is negative: that is floor


def nearest_index(size: int, new_size: int) -> np.ndarray:
    """The input position that Pillow's NEAREST takes for each output position: steps are added up, not multiplied."""
    step = size / new_size
    positions = np.cumsum(np.concatenate([[step * 0.5], np.full(new_size - 1, step)]))
    return np.minimum(positions.astype(np.int64), size - 1)


@lru_cache(maxsize=32)  # the frames of a video share them
def pillow_pass(size: int, new_size: int, interpolation: str, first: int, last: int) -> AxisPass:
    """For each output position the first input position and the fixed-point weights, as Pillow computes them."""
    function, support = FILTERS[interpolation]
    scale = size / new_size
    filter_scale = max(scale, 1.0)  # shrinking widens the window: that is the antialiasing
    support = support * filter_scale
    inverse = 1.0 / filter_scale
    starts, taps = [], []
    for position in range(first, last):
        center = (position + 0.5) * scale
        start = max(int(center - support + 0.5), 0)
        stop = min(int(center + support + 0.5), size)
        weights = [function((x - center + 0.5) * inverse) for x in range(start, stop)]
        total = 0.0
        for weight in weights:
            total += weight  # not sum(): from Python 3.12 on it compensates, and C does not
        if total != 0.0:
            weights = [weight / total for weight in weights]
        starts.append(start)
        one = 1 << PRECISION_BITS
        taps.append(np.array([int(-0.5 + w * one) if w < 0 else int(0.5 + w * one) for w in weights]) / one)
    return AxisPass(np.array(starts), taps, scale)
