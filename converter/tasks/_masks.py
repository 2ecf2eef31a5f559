"""Masks and maps put back onto the picture. Pasted into deploy.py: numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

ROWS_AT_ONCE = 64  # of the picture, while a map with many channels is resized: bounds the memory


def place_in(pixels: np.ndarray, low: float, high: float, size: int) -> np.ndarray:
    """For the centres of pixels: the index among `size` equal parts of low..high; outside it is negative or >= size."""
    return np.floor((pixels + 0.5 - low) * size / (high - low)).astype(np.int64)


def between(pixels: np.ndarray, low: float, high: float, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For the centres of pixels: the two nearest of the centres of `size` equal parts of low..high, and the second's weight.

    As a bilinear resize with aligned edges (align_corners=False) reads them: beyond the outermost centres these count.
    """
    places = np.clip((pixels + 0.5 - low) * size / (high - low) - 0.5, 0, size - 1)
    first = np.floor(places).astype(np.int64)
    return first, np.minimum(first + 1, size - 1), (places - first).astype(np.float32)


def bilinear(maps: np.ndarray, rows: Any, columns: Any) -> np.ndarray:
    """(..., h, w) read at rows and columns as `between` gives them: float32 (..., H, W)."""
    above, below, weight = rows
    maps = np.asarray(maps, np.float32)
    lines = maps[..., above, :]
    lines = lines + (maps[..., below, :] - lines) * weight[:, np.newaxis]
    left, right, weight = columns
    found = lines[..., left]
    return np.asarray(found + (lines[..., right] - found) * weight)


def seen_part(
    shape: Sequence[int], region: Sequence[float] | None, size: Sequence[int]
) -> tuple[tuple[float, float, float, float], np.ndarray]:
    """The region, all of a picture of `shape` by default, and which of its pixels the network saw: bool (height, width).

    size: (height, width) of the map that is put back.
    """
    height, width = shape[:2]
    left, top, right, bottom = region if region is not None else (0.0, 0.0, float(width), float(height))
    rows = place_in(np.arange(height), top, bottom, size[0])
    columns = place_in(np.arange(width), left, right, size[1])
    seen = ((rows >= 0) & (rows < size[0]))[:, np.newaxis] & ((columns >= 0) & (columns < size[1]))
    return (left, top, right, bottom), seen


def resize_map(found: np.ndarray, shape: Sequence[int], region: Sequence[float] | None) -> np.ndarray:
    """A map (h, w) at the size of the picture, bilinear: float32 (height, width), NaN where the network did not look."""
    (left, top, right, bottom), seen = seen_part(shape, region, found.shape)
    rows = between(np.arange(shape[0]), top, bottom, found.shape[0])
    columns = between(np.arange(shape[1]), left, right, found.shape[1])
    return np.where(seen, bilinear(found, rows, columns), np.float32(np.nan))


def encode_runs(mask: np.ndarray) -> list[int]:
    """Run lengths of an integer array, row after row: [value, length, value, length, ...]."""
    flat = mask.reshape(-1)
    if flat.size == 0:
        return []
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    lengths = np.diff(np.concatenate([starts, [flat.size]]))
    return [int(number) for number in np.stack([flat[starts], lengths], axis=1).reshape(-1)]


def decode_runs(runs: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """The array, int32 (height, width), of what `encode_runs` gave."""
    pairs = np.array(runs, np.int64)
    return np.repeat(pairs[0::2], pairs[1::2]).astype(np.int32).reshape(tuple(size))


def decode_object_mask(thing: Mapping[str, Any], size: Sequence[int]) -> np.ndarray:
    """An object's mask, bool (height, width), in a picture of that size."""
    left, top, right, bottom = thing["mask"]["box"]
    mask = np.zeros(tuple(size), bool)
    mask[top:bottom, left:right] = decode_runs(thing["mask"]["runs"], (bottom - top, right - left)) > 0
    return mask
