"""Preprocessing as it runs in a deployment. Pasted verbatim into deploy.py, with what it imports: NumPy, and cv2 where named.

`spec` is everywhere `Preprocess.to_dict()`; spec.py says what its keys mean.

The numbers come from a table of the 256 levels a channel, in the training's order of operations. blobFromImage has one
scale for all channels; blobFromImageWithParams multiplies by 1/std, which gives other numbers (4.8e-7 off, measured), exists
from OpenCV 4.8 on only, and saves 0.2 ms of a 224x224 picture's 3. Neither is used, nor is the network's first layer changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from converter.preprocess.geometry import blob_origin, resized_shape
from converter.preprocess.opencv_resize import opencv_fast, opencv_resample
from converter.preprocess.resampling import resample
from converter.preprocess.torch_resize import torch_resample, torch_resample_rounded


def apply_preprocess(image: np.ndarray, spec: Mapping[str, Any]) -> np.ndarray:
    """uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA to the blob: (1, C, h, w), or (1, h, w, C) with layout "NHWC".

    Alpha is dropped, as Pillow's convert("RGB") does. Raises ValueError for another dtype or shape, for a picture of
    another size where the specification has no resize, and for one that its padding cannot hold.
    """
    color = color_planes(image, "RGB" if spec["gray_after_resize"] else spec["color"])
    height, width = resized_shape(color.shape[1], color.shape[2], spec)
    top, left = blob_origin(height, width, spec)
    rows, columns = spec["size"]
    if spec["crop"] is None and (height, width) != (rows, columns):
        _check_fit(color.shape[1:], (height, width), spec)
    # the part of the resized picture that the blob shows, and where in the blob it lies
    window = max(top, 0), max(left, 0), min(top + rows, height), min(left + columns, width)
    inside = slice(window[0] - top, window[2] - top), slice(window[1] - left, window[3] - left)
    part = _resized(color, height, width, window, spec)
    if spec["gray_after_resize"]:
        part = luma(part)[np.newaxis]
    blob = np.empty((1, spec["channels"], rows, columns), spec["dtype"])
    if part.shape[1:] != (rows, columns):
        _fill(blob[0], spec)
    for channel in range(spec["channels"]):
        plane = part[channel if len(part) > 1 else 0]
        np.copyto(blob[(0, channel, *inside)], _normalized(plane, channel, spec), casting="unsafe")
    return blob if spec["layout"] == "NCHW" else np.ascontiguousarray(blob.transpose(0, 2, 3, 1))


def seen_region(height: int, width: int, spec: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the part of a picture that the blob shows, in its pixels; padding lies outside."""
    resized = resized_shape(height, width, spec)
    top, left = blob_origin(resized[0], resized[1], spec)
    y, x = height / resized[0], width / resized[1]
    rows, columns = spec["size"]
    return left * x, top * y, (left + columns) * x, (top + rows) * y


def _check_fit(picture: Any, resized: Any, spec: Mapping[str, Any]) -> None:
    size = spec["size"]
    if spec["pad"] is None:
        raise ValueError(
            f"the picture is {picture[0]}x{picture[1]} (height x width), the network takes "
            f"{size[0]}x{size[1]} and its preprocessing has no resize"
        )
    if resized[0] > size[0] or resized[1] > size[1]:
        raise ValueError(
            f"the picture, {picture[0]}x{picture[1]} (height x width), becomes {resized[0]}x{resized[1]} by the "
            f"preprocessing's resize, and does not fit into the network's input of {size[0]}x{size[1]}"
        )


def color_planes(image: np.ndarray, color: str) -> np.ndarray:
    """uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA to (C, H, W) in the order "RGB", "BGR" or "GRAY"; a view if it can be."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"a picture is a uint8 array as cv2.imread gives it, not {found}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, not {image.shape}")
    if image.ndim == 2:
        return np.broadcast_to(image, (1 if color == "GRAY" else 3, *image.shape))
    planes = image[:, :, :3].transpose(2, 0, 1)
    if color == "GRAY":
        return luma(planes[::-1])[np.newaxis]
    return planes[::-1] if color == "RGB" else planes


def luma(planes: np.ndarray) -> np.ndarray:
    """uint8 (3, H, W) RGB to uint8 (H, W): Pillow's convert("L"), ITU-R 601-2 in 16-bit fixed point.

    Formed in float32: no sum exceeds 2**24, so each is exact.
    """
    sums = np.full(planes.shape[1:], 0x8000, np.float32)
    for plane, weight in zip(planes, (19595, 38470, 7471)):  # noqa: B905 - Python 3.8's has no strict
        sums += np.multiply(plane, np.float32(weight), dtype=np.float32)
    sums *= np.float32(1 / 65536)
    return np.asarray(sums.astype(np.uint8))


def _resized(planes: np.ndarray, height: int, width: int, window: Any, spec: Mapping[str, Any]) -> np.ndarray:
    """uint8 (C, H, W) to the window (top, left, bottom, right) of the resized picture, uint8, or float32 levels."""
    name, floats = spec["interpolation"], spec["resize_dtype"] == "float32"
    if floats and spec["resampler"] == "torch":
        planes = _scaled(spec)[planes]
    if planes.shape[1:] == (height, width):
        return planes[:, window[0] : window[2], window[1] : window[3]]
    found = _by_opencv(planes, height, width, spec) if spec["resampler"] == "opencv" or spec["fast"] else None
    if found is not None:
        return np.asarray(found[:, window[0] : window[2], window[1] : window[3]])
    if spec["resampler"] == "torch":
        function = torch_resample_rounded if spec["resize_dtype"] == "float32_rounded" else torch_resample
        return function(planes, height, width, name, spec["antialias"], window)
    return resample(planes, height, width, name, spec["pillow"], window)


def _by_opencv(planes: np.ndarray, height: int, width: int, spec: Mapping[str, Any]) -> Any:
    """(C, height, width) by cv2.resize; None where "fast" asks for it and there is no cv2: the exact one is nearer."""
    backwards = planes.strides[0] < 0  # RGB is a view of a BGR picture, which cv2 takes as it lies in memory
    image = np.ascontiguousarray((planes[::-1] if backwards else planes).transpose(1, 2, 0))
    if spec["resampler"] == "opencv":
        found = opencv_resample(image, height, width, spec["interpolation"])
    elif (found := opencv_fast(image, height, width, spec["interpolation"], spec["antialias"])) is None:
        return None
    planes = found.transpose(2, 0, 1)
    return planes[::-1] if backwards else planes


def _scaled(spec: Mapping[str, Any]) -> np.ndarray:
    """float32 (256,): each level times `scale`."""
    return _normalize(np.arange(256), 0, {**spec, "mean": (0.0,), "std": (1.0,)})


def _normalized(plane: np.ndarray, channel: int, spec: Mapping[str, Any]) -> np.ndarray:
    """A plane of uint8 levels, or of float32 ones that were scaled, as the blob holds it."""
    if spec["dtype"] == "uint8":
        return plane
    if plane.dtype == np.uint8:
        return np.asarray(np.take(_normalize(np.arange(256), channel, spec), plane))
    return np.asarray((plane - np.float32(spec["mean"][channel])) / np.float32(spec["std"][channel]))


def _normalize(levels: np.ndarray, channel: int, spec: Mapping[str, Any]) -> np.ndarray:
    """float32 numbers of levels, in the order of operations that the training had."""
    mean, std, scale = spec["mean"][channel], spec["std"][channel], spec["scale"]
    if spec["normalize"] == "levels":  # mean and std brought to levels, in single precision
        whole = np.float32(1.0 / scale)
        return np.asarray((levels.astype(np.float32) - np.float32(mean) * whole) / (np.float32(std) * whole))
    if spec["normalize"] == "single":
        return np.asarray((levels.astype(np.float32) * np.float32(scale) - np.float32(mean)) / np.float32(std))
    return np.asarray(((levels * scale).astype(np.float32) - np.float32(mean)) / np.float32(std))


def _fill(blob: np.ndarray, spec: Mapping[str, Any]) -> None:
    """The padding: levels that are normalised like the picture's, or the blob's own numbers."""
    for channel, plane in enumerate(blob):
        value = spec["pad_value"][channel if len(spec["pad_value"]) > 1 else 0]
        if spec["pad_in"] == "pixels" and spec["dtype"] != "uint8":
            value = _normalize(np.array([value], np.float64), channel, spec)[0]
        plane[...] = value
