"""Sampling at places that the network computes: GridSample, AffineGrid, RoiAlign."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import itertools

import numpy as np

from converter.numpy_runtime.kernels.resizing import _cubic


def GridSample(
    X: np.ndarray, grid: np.ndarray, /, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> np.ndarray:
    """X (N, C, space...), grid (N, out..., rank), its last axis counting from the last axis of X; (N, C, out...).

    Jaderberg et al., Spatial Transformer Networks, arXiv 1506.02025.
    """
    space = X.shape[2:]
    places = []
    for axis, length in enumerate(space):
        g = np.asarray(grid[..., len(space) - 1 - axis], X.dtype)
        if align_corners:
            place = (g + 1) * X.dtype.type(0.5 * (length - 1))
        else:
            place = ((g + 1) * X.dtype.type(length) - X.dtype.type(1)) * X.dtype.type(0.5)
        if mode != "cubic":  # the cubic pads its sixteen neighbours one by one
            place = _held(place, length, padding_mode, align_corners)
        places.append(np.nan_to_num(place, nan=-1.0, posinf=1e9, neginf=-1e9))
    choices = [_neighbours(place, mode) for place in places]
    y = np.zeros((X.shape[0], *grid.shape[1:-1], X.shape[1]), X.dtype)
    batch = np.arange(X.shape[0]).reshape((-1,) + (1,) * len(space))
    x = np.moveaxis(X, 1, -1)
    for corner in itertools.product(*choices):
        weight = np.ones(places[0].shape, X.dtype)
        index = [batch]
        for (at, share), length in zip(corner, space):
            if padding_mode == "zeros":
                weight = weight * ((at >= 0) & (at < length))
            elif mode == "cubic":
                at = np.rint(_held(at.astype(X.dtype), length, padding_mode, align_corners)).astype(np.int64)
            weight = weight * share
            index.append(np.clip(at, 0, length - 1))
        y += x[tuple(index)] * weight[..., None]
    return np.moveaxis(y, -1, 1)


def _neighbours(place: np.ndarray, mode: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(index, weight) of each input element along one axis that an output element reads."""
    if mode == "nearest":
        return [(np.rint(place).astype(np.int64), np.ones_like(place))]
    low = np.floor(place)
    part = place - low
    first = low.astype(np.int64)
    if mode == "linear":
        return [(first, 1 - part), (first + 1, part)]
    return [(first + n, _cubic(np.abs(part - n), -0.75).astype(place.dtype)) for n in (-1, 0, 1, 2)]


def _held(place: np.ndarray, length: int, padding_mode: str, align_corners: int) -> np.ndarray:
    """Places outside moved to the border, or mirrored at it, as the mode asks."""
    kind = place.dtype.type
    if padding_mode == "border":
        return np.clip(place, kind(0), kind(length - 1))
    if padding_mode == "reflection":
        low, high = (0.0, length - 1.0) if align_corners else (-0.5, length - 0.5)
        span = high - low
        if span <= 0:
            return np.zeros_like(place)
        away = np.mod(place - kind(low), kind(2 * span))
        place = np.minimum(away, kind(2 * span) - away) + kind(low)
        return np.clip(place, kind(0), kind(length - 1))
    return place


def AffineGrid(theta: np.ndarray, size: np.ndarray, /, *, align_corners: int = 0) -> np.ndarray:
    """theta (N, rank, rank + 1), size (N, C, space...): the grid (N, space..., rank) for GridSample."""
    space = [int(n) for n in size][2:]
    axes = []
    for length in space:
        line = np.linspace(-1, 1, length) if align_corners and length > 1 else (2 * np.arange(length) + 1) / length - 1
        axes.append(line.astype(theta.dtype) * (0 if align_corners and length == 1 else 1))
    mesh = np.meshgrid(*axes, indexing="ij")[::-1]
    points = np.stack([*mesh, np.ones(space, theta.dtype)], axis=-1).astype(theta.dtype, copy=False)
    y = points.reshape(-1, len(space) + 1) @ theta.swapaxes(1, 2)
    return y.reshape((theta.shape[0], *space, len(space)))


def RoiAlign(
    X: np.ndarray,
    rois: np.ndarray,
    batch_indices: np.ndarray,
    /,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> np.ndarray:
    """He, Gkioxari, Dollar and Girshick, Mask R-CNN, arXiv 1703.06870, section 3. (rois, C, height, width)."""
    half = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    y = np.zeros((rois.shape[0], X.shape[1], output_height, output_width), X.dtype)
    for number, (roi, batch) in enumerate(zip(rois.astype(np.float64), batch_indices)):
        x0, y0, x1, y1 = roi * spatial_scale - half
        smallest = 0.0 if half else 1.0
        height, width = max(y1 - y0, smallest), max(x1 - x0, smallest)
        down = sampling_ratio or int(np.ceil(height / output_height))
        across = sampling_ratio or int(np.ceil(width / output_width))
        if down == 0 or across == 0:
            continue
        rows = y0 + (np.arange(output_height * down) + 0.5) * height / (output_height * down)
        columns = x0 + (np.arange(output_width * across) + 0.5) * width / (output_width * across)
        left, right = _roi_weights(rows, X.shape[2]), _roi_weights(columns, X.shape[3])
        image = X[int(batch)].astype(np.float64, copy=False) if X.dtype == np.float64 else X[int(batch)]
        if mode == "avg":
            left = left.reshape(output_height, down, -1).mean(axis=1)
            right = right.reshape(output_width, across, -1).mean(axis=1)
            y[number] = left.astype(X.dtype) @ image @ right.T.astype(X.dtype)
            continue
        y[number] = _roi_maximum(image, rows, columns, (output_height, down, output_width, across))
    return y


def _roi_maximum(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The largest of the four weighted neighbours of all samples in a bin: ONNX's reading of RoiAlign's maximum."""
    best = np.full((image.shape[0], len(rows), len(columns)), -np.inf, image.dtype)
    for (i, wi), (j, wj) in itertools.product(_roi_taps(rows, image.shape[1]), _roi_taps(columns, image.shape[2])):
        part = image[:, i[:, None], j] * (wi[:, None] * wj).astype(image.dtype)
        best = np.maximum(best, part)
    return best.reshape((image.shape[0], *shape)).max(axis=(2, 4))


def _roi_taps(place: np.ndarray, length: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both neighbours (index, weight) of each sample; outside by more than one element, the weights are 0."""
    valid = (place >= -1) & (place <= length)
    held = np.clip(place, 0, length - 1)
    low = np.floor(held).astype(np.int64)
    part = held - low
    return [(low, (1 - part) * valid), (np.minimum(low + 1, length - 1), part * valid)]


def _roi_weights(place: np.ndarray, length: int) -> np.ndarray:
    """(samples, length): the interpolation as a matrix."""
    matrix = np.zeros((len(place), length))
    for index, weight in _roi_taps(place, length):
        matrix[np.arange(len(place)), index] += weight
    return matrix
