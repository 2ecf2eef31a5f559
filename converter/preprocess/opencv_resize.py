"""cv2.resize for networks that were trained with it. Pasted into deploy.py: numpy, and cv2 where it is needed.

INTER_NEAREST and INTER_LINEAR of 8-bit pictures are the same bytes in every OpenCV from 4.5.5 to 5.0 (measured), and are
written out here in NumPy for deployments without cv2. INTER_AREA and INTER_LANCZOS4 were the same too, and need cv2;
INTER_CUBIC changed by a level between versions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

OPENCV_FLAGS = {
    "nearest": "INTER_NEAREST",
    "bilinear": "INTER_LINEAR",
    "bicubic": "INTER_CUBIC",
    "area": "INTER_AREA",
    "lanczos": "INTER_LANCZOS4",
}
LINEAR_BITS = 11  # of cv2's fixed-point weights


def opencv_resample(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    """uint8 (H, W) or (H, W, C) to (height, width) or (height, width, C), as cv2.resize gives it.

    Raises ValueError where this needs cv2 and there is none.
    """
    if image.shape[:2] == (height, width):
        return image
    try:
        import cv2
    except ImportError as error:
        if interpolation == "bilinear":
            return _opencv_linear(image, height, width)
        if interpolation == "nearest":
            rows, columns = (opencv_nearest_index(*edges) for edges in zip(image.shape, (height, width)))  # noqa: B905
            return np.asarray(image[rows][:, columns])
        raise ValueError(f"resizing with OpenCV's {OPENCV_FLAGS[interpolation]} needs cv2 ({error})") from error
    flag = getattr(cv2, OPENCV_FLAGS[interpolation])
    return np.asarray(cv2.resize(image, (width, height), interpolation=flag)).reshape(height, width, *image.shape[2:])


def opencv_nearest_index(size: int, new_size: int) -> np.ndarray:
    """The input position that INTER_NEAREST takes for each output position."""
    positions = np.floor(np.arange(new_size) * (1.0 / (new_size / size)))
    return np.asarray(np.minimum(positions.astype(np.int64), size - 1))


def _opencv_linear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """INTER_LINEAR: 11-bit weights; the horizontal sums lose 4 bits, their products with the vertical ones 16."""
    pixels = image.reshape(*image.shape[:2], -1).astype(np.int32)
    if pixels.shape[:2] == (2 * height, 2 * width):  # a mean of four, rounded half up
        rows = pixels[0::2] + pixels[1::2]
        found = (rows[:, 0::2] + rows[:, 1::2] + 2) >> 2
        return found.astype(np.uint8).reshape(height, width, *image.shape[2:])
    left, right, weights = opencv_linear_taps(pixels.shape[1], width, True)
    lines = pixels[:, left] * weights[0][:, np.newaxis] + pixels[:, right] * weights[1][:, np.newaxis]
    upper, lower, weights = opencv_linear_taps(pixels.shape[0], height, False)
    lines >>= 4
    first = (lines[upper] * weights[0][:, np.newaxis, np.newaxis]) >> 16
    second = (lines[lower] * weights[1][:, np.newaxis, np.newaxis]) >> 16
    found = np.clip((first + second + 2) >> 2, 0, 255).astype(np.uint8)
    return np.asarray(found.reshape(height, width, *image.shape[2:]))


@lru_cache(maxsize=16)
def opencv_linear_taps(size: int, new_size: int, horizontal: bool) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The two input positions and their two weights for each output position; int32.

    At the edges the horizontal direction moves the weights, the vertical one the positions, as cv2 does.
    """
    centers = ((np.arange(new_size) + 0.5) * (1.0 / (new_size / size)) - 0.5).astype(np.float32)
    places = np.floor(centers).astype(np.int32)
    rest = centers - places.astype(np.float32)
    if horizontal:
        rest[(places < 0) | (places >= size - 1)] = 0.0
    one = np.float32(1 << LINEAR_BITS)
    weights = [np.rint(part * one).astype(np.int32) for part in (np.float32(1) - rest, rest)]
    return np.clip(places, 0, size - 1), np.clip(places + 1, 0, size - 1), weights


def opencv_fast(image: np.ndarray, height: int, width: int, interpolation: str, antialias: bool) -> Any:
    """What cv2.resize has that comes nearest to another library's resize, for 8-bit or float32 pictures (H, W, C).

    INTER_AREA where an antialiasing filter shrinks the picture, else the flag of the same name. None without cv2.
    """
    try:
        import cv2
    except ImportError:
        return None
    flag = OPENCV_FLAGS.get(interpolation, "INTER_NEAREST" if interpolation.startswith("nearest") else "INTER_LINEAR")
    if antialias and flag != "INTER_NEAREST" and (height < image.shape[0] or width < image.shape[1]):
        flag = "INTER_AREA"
    found = cv2.resize(image, (width, height), interpolation=getattr(cv2, flag))
    return np.asarray(found).reshape(height, width, *image.shape[2:])
