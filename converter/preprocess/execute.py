"""Preprocessing as it runs in a deployment. Pasted verbatim into deploy.py, so this file imports numpy only.

`resample` gives the bytes of Pillow's `Image.resize` for 8-bit pictures: windows of the filter's support, coefficients
in fixed point with 22 fractional bits, one pass a direction, each rounded to bytes. The sums of products are formed as
float64 matrix products: every term and partial sum is an integer below 2**53, so they are exact in any order, and fast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

PRECISION_BITS = 22  # of Pillow's 8-bit coefficients: 32 - 8 - 2
BLOCK_COLUMNS = 256  # input columns per matrix product: wide enough for BLAS, narrow enough to waste few zeros


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _bilinear(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _hamming(x: float) -> float:
    x = abs(x)
    if x == 0.0:
        return 1.0
    if x >= 1.0:
        return 0.0
    x = x * math.pi
    return math.sin(x) / x * (0.54 + 0.46 * math.cos(x))


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


def apply_preprocess(image: np.ndarray, spec: Mapping[str, Any]) -> np.ndarray:
    """uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA to float32 (1, C, height, width); `spec` is Preprocess.to_dict().

    Alpha is dropped, as Pillow's convert("RGB") does. Raises ValueError for another dtype or shape, or for a picture
    of another size where the specification has no resize.
    """
    planes = color_planes(image, spec["color"])
    height, width = planes.shape[1:]
    size = resized_shape(height, width, spec)
    planes = center_crop(resample(planes, size[0], size[1], spec["interpolation"], spec["pillow"]), spec["crop"])
    if list(planes.shape[1:]) != list(spec["size"]):
        raise ValueError(
            f"the picture is {planes.shape[1]}x{planes.shape[2]} (height x width), the network takes "
            f"{spec['size'][0]}x{spec['size'][1]} and its preprocessing has no resize"
        )
    levels = (np.arange(256) * spec["scale"]).astype(np.float32)
    blob = np.empty((1, *planes.shape), np.float32)
    for channel, (mean, std) in enumerate(zip(spec["mean"], spec["std"])):
        table = (levels - np.float32(mean)) / np.float32(std)
        blob[0, channel] = table[planes[channel]]
    return blob


def color_planes(image: np.ndarray, color: str) -> np.ndarray:
    """uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA to (C, H, W) in the order "RGB", "BGR" or "GRAY"."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"a picture is a uint8 array as cv2.imread gives it, not {found}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, not {image.shape}")
    if image.ndim == 2:
        return np.broadcast_to(image, (1 if color == "GRAY" else 3, *image.shape))
    blue, green, red = image[:, :, 0], image[:, :, 1], image[:, :, 2]
    if color == "GRAY":  # Pillow's convert("L"): ITU-R 601-2 in 16-bit fixed point
        luma = np.dot(image[:, :, :3].astype(np.uint32), np.array([7471, 38470, 19595], np.uint32))
        return np.asarray((luma + np.uint32(0x8000)) >> np.uint32(16), np.uint8)[np.newaxis]
    return np.stack([red, green, blue] if color == "RGB" else [blue, green, red])


def resized_shape(height: int, width: int, spec: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) after the resize; the longer edge is truncated as torchvision's Resize(int) does."""
    if spec["resize"] is None:
        return height, width
    if spec["resize"] == "stretch":
        return spec["resize_size"][0], spec["resize_size"][1]
    short = spec["resize_size"]
    if width <= height:
        return int(short * height / width), short
    return short, int(short * width / height)


def seen_region(height: int, width: int, spec: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the part of a picture that the blob shows, in its pixels; padding lies outside."""
    resized = resized_shape(height, width, spec)
    if spec["crop"] is None:
        return 0.0, 0.0, float(width), float(height)
    offsets = []
    for wanted, found in zip(spec["crop"], resized):
        offsets.append(-((wanted - found) // 2) if wanted > found else round((found - wanted) / 2.0))
    (top, left), (rows, columns) = offsets, spec["crop"]
    y, x = height / resized[0], width / resized[1]
    return left * x, top * y, (left + columns) * x, (top + rows) * y


def center_crop(planes: np.ndarray, crop: Any) -> np.ndarray:
    """(C, H, W) to (C, *crop), None to leave it. Padded with 0 and rounded as torchvision's CenterCrop does."""
    if crop is None:
        return planes
    missing = [max(wanted - found, 0) for wanted, found in zip(crop, planes.shape[1:])]
    if any(missing):
        planes = np.pad(planes, [(0, 0)] + [(lack // 2, (lack + 1) // 2) for lack in missing])
    top, left = (round((found - wanted) / 2.0) for wanted, found in zip(crop, planes.shape[1:]))
    return planes[:, top : top + crop[0], left : left + crop[1]]


def resample(planes: np.ndarray, height: int, width: int, interpolation: str, pillow: int = 13) -> np.ndarray:
    """uint8 (C, H, W) to uint8 (C, height, width), byte for byte what Pillow's Image.resize gives for each plane.

    Up to Pillow 12 the horizontal pass comes first. Pillow 13 begins with the vertical one where the height loses more
    than twice the pixels that the width loses; the rounding between the passes makes that visible.
    """
    if interpolation == "nearest":
        rows, columns = nearest_index(planes.shape[1], height), nearest_index(planes.shape[2], width)
        return planes[:, rows][:, :, columns]
    lost_rows, lost_columns = planes.shape[1] - height, planes.shape[2] - width
    axes = (1, 2) if pillow >= 13 and lost_rows > max(0, 2 * lost_columns) else (2, 1)
    for axis in axes:
        size = height if axis == 1 else width
        if size != planes.shape[axis]:  # Pillow skips a pass that changes nothing
            planes = np.swapaxes(_resample_last(np.swapaxes(planes, axis, 2), size, interpolation), axis, 2)
    return planes


def nearest_index(size: int, new_size: int) -> np.ndarray:
    """The input position that Pillow's NEAREST takes for each output position: steps are added up, not multiplied."""
    step = size / new_size
    positions = np.cumsum(np.concatenate([[step * 0.5], np.full(new_size - 1, step)]))
    return np.minimum(positions.astype(np.int64), size - 1)


def _resample_last(planes: np.ndarray, new_size: int, interpolation: str) -> np.ndarray:
    """uint8 (C, H, W) to uint8 (C, H, new_size)."""
    starts, taps = coefficients(planes.shape[2], new_size, interpolation)
    stops = starts + np.array([len(weights) for weights in taps])
    result = np.empty((planes.shape[0], planes.shape[1], new_size), np.uint8)
    first = 0
    while first < new_size:
        low = starts[first]
        last = max(first + 1, int(np.searchsorted(stops, low + BLOCK_COLUMNS, side="right")))
        high = stops[last - 1]
        matrix = np.zeros((high - low, last - first))
        for column in range(first, last):
            matrix[starts[column] - low : stops[column] - low, column - first] = taps[column]
        for plane, out in zip(planes, result):
            sums = plane[:, low:high].astype(np.float64) @ matrix
            sums = np.floor((sums + (1 << (PRECISION_BITS - 1))) / (1 << PRECISION_BITS))
            out[:, first:last] = np.clip(sums, 0, 255)
        first = last
    return result


@lru_cache(maxsize=16)  # the frames of a video share them
def coefficients(size: int, new_size: int, interpolation: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """For each output position the first input position and the fixed-point weights, as Pillow computes them."""
    function, support = FILTERS[interpolation]
    scale = size / new_size
    filter_scale = max(scale, 1.0)  # shrinking widens the window: that is the antialiasing
    support = support * filter_scale
    inverse = 1.0 / filter_scale
    starts, taps = [], []
    for position in range(new_size):
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
        taps.append(np.array([int(-0.5 + w * one) if w < 0 else int(0.5 + w * one) for w in weights], np.float64))
    return np.array(starts), taps
