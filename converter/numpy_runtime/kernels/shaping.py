"""Operators that move elements without computing."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.arrays import _axes, _ints


def Reshape(data: np.ndarray, shape: np.ndarray, /, *, allowzero: int = 0) -> np.ndarray:
    wanted = _ints(shape)
    if not allowzero:  # 0: as long as before
        wanted = [np.shape(data)[axis] if length == 0 else length for axis, length in enumerate(wanted)]
    return np.reshape(data, wanted)


def Flatten(input: np.ndarray, /, *, axis: int = 1) -> np.ndarray:
    at = axis + input.ndim if axis < 0 else axis
    rows = int(np.prod(input.shape[:at]))
    return input.reshape(rows, int(np.prod(input.shape[at:])))


def Squeeze(data: np.ndarray, axes: np.ndarray | None = None, /) -> np.ndarray:
    return np.squeeze(data, axis=None if axes is None else _axes(axes, np.ndim(data)))


def Unsqueeze(data: np.ndarray, axes: np.ndarray, /) -> np.ndarray:
    return np.expand_dims(data, _axes(axes, np.ndim(data) + np.size(axes)))


def Transpose(data: np.ndarray, /, *, perm: Sequence[int] | None = None) -> np.ndarray:
    return np.transpose(data, perm)


def Concat(*inputs: np.ndarray, axis: int) -> np.ndarray:
    return np.concatenate(inputs, axis=axis)


def Split(
    input: np.ndarray,
    split: np.ndarray | None = None,
    /,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    outputs: int = 1,
) -> Any:
    """A tuple of parts, or the only part. The last of equal parts is the smaller one."""
    length = input.shape[axis]
    if split is None:
        parts = num_outputs or outputs
        sizes = [-(-length // parts)] * parts
        sizes[-1] = length - sum(sizes[:-1])
    else:
        sizes = _ints(split)
    found = tuple(np.split(input, np.cumsum(sizes[:-1]), axis=axis))
    return found[0] if len(found) == 1 else found


def Slice(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    axes: np.ndarray | None = None,
    steps: np.ndarray | None = None,
    /,
) -> np.ndarray:
    first, last = _ints(starts), _ints(ends)
    along = range(len(first)) if axes is None else _axes(axes, np.ndim(data))
    strides = [1] * len(first) if steps is None else _ints(steps)
    index = [slice(None)] * np.ndim(data)
    for axis, start, end, step in zip(along, first, last, strides):
        length = data.shape[axis]
        low, high = (
            (0, length) if step > 0 else (-1, length - 1)
        )  # ONNX clamps; a Python slice would count from the end
        begin = min(max(start + length if start < 0 else start, max(low, 0)), high)
        stop = min(max(end + length if end < 0 else end, low), high)
        index[axis] = slice(begin, None if stop < 0 else stop, step)
    return np.asarray(data[tuple(index)])


def Expand(input: np.ndarray, shape: np.ndarray, /) -> np.ndarray:
    return np.broadcast_to(input, np.broadcast_shapes(np.shape(input), tuple(_ints(shape))))


def Tile(input: np.ndarray, repeats: np.ndarray, /) -> np.ndarray:
    return np.tile(input, _ints(repeats))


def Pad(
    data: np.ndarray,
    pads: np.ndarray,
    constant_value: np.ndarray | None = None,
    axes: np.ndarray | None = None,
    /,
    *,
    mode: str = "constant",
) -> np.ndarray:
    """Negative pads crop, as ONNX allows."""
    amounts = _ints(pads)
    along = range(data.ndim) if axes is None else _axes(axes, data.ndim)
    widths, crop = [(0, 0)] * data.ndim, [slice(None)] * data.ndim
    for position, axis in enumerate(along):
        before, after = amounts[position], amounts[position + len(along)]
        widths[axis] = (max(before, 0), max(after, 0))
        crop[axis] = slice(max(-before, 0), data.shape[axis] - max(-after, 0))
    inner = data[tuple(crop)]
    if mode == "constant":
        value = data.dtype.type(0) if constant_value is None else np.asarray(constant_value).ravel()[0]
        y = np.full([length + sum(width) for length, width in zip(inner.shape, widths)], value, data.dtype)
        y[tuple(slice(width[0], width[0] + length) for length, width in zip(inner.shape, widths))] = inner
        return y
    names = {"edge": "edge", "reflect": "reflect", "wrap": "wrap"}
    return np.pad(inner, widths, mode=names[mode])  # type: ignore[call-overload]


def DepthToSpace(input: np.ndarray, /, *, blocksize: int, mode: str = "DCR") -> np.ndarray:
    n, c, h, w = input.shape
    b = blocksize
    if mode == "DCR":
        y = input.reshape(n, b, b, c // (b * b), h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = input.reshape(n, c // (b * b), b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // (b * b), h * b, w * b)


def SpaceToDepth(input: np.ndarray, /, *, blocksize: int, mode: str = "DCR") -> np.ndarray:
    n, c, h, w = input.shape
    b = blocksize
    y = input.reshape(n, c, h // b, b, w // b, b).transpose((0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4))
    return y.reshape(n, c * b * b, h // b, w // b)


def Trilu(input: np.ndarray, k: np.ndarray | None = None, /, *, upper: int = 1) -> np.ndarray:
    diagonal = 0 if k is None else int(k)
    return np.triu(input, diagonal) if upper else np.tril(input, diagonal)


def CenterCropPad(input_data: np.ndarray, shape: np.ndarray, /, *, axes: Sequence[int] | None = None) -> np.ndarray:
    along = range(input_data.ndim) if axes is None else _axes(axes, input_data.ndim)
    y = input_data
    for axis, wanted in zip(along, _ints(shape)):
        length = y.shape[axis]
        start = abs(length - wanted) // 2
        if wanted <= length:
            y = y[(slice(None),) * axis + (slice(start, start + wanted),)]
        else:
            widths = [(0, 0)] * y.ndim
            widths[axis] = (start, wanted - length - start)
            y = np.pad(y, widths)
    return y


def ReverseSequence(
    input: np.ndarray, sequence_lens: np.ndarray, /, *, batch_axis: int = 1, time_axis: int = 0
) -> np.ndarray:
    x = np.moveaxis(input, (batch_axis, time_axis), (0, 1))
    time = np.arange(x.shape[1])
    lengths = sequence_lens.reshape(-1, 1)
    index = np.where(time < lengths, lengths - 1 - time, time)
    y = x[np.arange(x.shape[0])[:, None], index]
    return np.moveaxis(y, (0, 1), (batch_axis, time_axis))
