"""The form of each layer: which fast function computes it, and its weights as that function wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.resizing import _coordinates, _resample, _targets
from converter.numpy_runtime.kernels.windows import _pads
from converter.numpy_runtime.network import Network, Step

_FEW_CHANNELS = 4
"""Images of so few channels are read plane by plane."""

_WINOGRAD_CHANNELS, _WINOGRAD_TILES = 16, 12
"""Fewer channels, or tiles of 4x4 results, and the transforms cost more than they save."""

_RESIZE_WEIGHTS = 1 << 18
"""Elements of a matrix that resizes an axis: beyond, a few weighted rows are less work."""

_GROUP_CHANNELS = 16
"""Groups of fewer channels are computed several at a time."""


def choose(network: Network) -> dict[str, int]:
    """Give every layer with known weights in float32 its form. How many got which."""
    chosen: dict[str, int] = {}
    for step in network.steps:
        if step.op not in CHOICES or not _is_float32(network, step):
            continue
        before = step.op
        CHOICES[step.op](network, step)
        if step.op != before:
            chosen[step.op] = chosen.get(step.op, 0) + 1
    network.drop_unused()
    return chosen


_DATA = {"Mul": 2}
"""Of these operators so many inputs are data; of all others one, the rest being weights or axes."""


def _is_float32(network: Network, step: Step) -> bool:
    """Data and results are float32, and so the weights, all of which are known."""
    count = _DATA.get(step.op, 1)
    known = all(key in network.constants for key in step.inputs[count:] if key)
    return known and all(network.dtypes.get(key) == "float32" for key in (*step.inputs[:count], *step.outputs) if key)


def _conv(network: Network, step: Step) -> None:
    weight = network.constants[step.inputs[1]]
    size = network.shapes.get(step.inputs[0], ())
    if weight.ndim != 4 or len(size) != 4:
        return
    attributes, kernel = step.attributes, weight.shape[2:]
    strides, dilations = attributes.get("strides") or [1, 1], attributes.get("dilations") or [1, 1]
    auto_pad, group = attributes.get("auto_pad", "NOTSET"), attributes.get("group", 1)
    if auto_pad.startswith("SAME") and any(isinstance(n, str) for n in size[2:]):
        return
    found = _pads([int(n) if isinstance(n, int) else 0 for n in size[2:]], kernel, strides, dilations,
                  attributes.get("pads"), auto_pad)  # fmt: skip
    weight, pads = _within(weight, size[2:], [n for n, _ in found] + [n for _, n in found], strides, dilations)
    kernel = weight.shape[2:]
    if min(pads) < 0:
        return
    geometry: dict[str, Any] = {"pads": pads, "strides": list(strides), "dilations": list(dilations)}
    filters, inside = weight.shape[:2]
    if group == 1 and kernel == (1, 1) and not any(pads):
        plain = {} if list(strides) == [1, 1] else {"strides": list(strides)}
        _become(network, step, "pointwise", weight.reshape(filters, inside).T, plain)
    elif group == filters and inside == 1 and group == size[1]:
        _become(network, step, "depthwise", weight[:, 0].transpose(1, 2, 0), geometry)
    elif group == 1 and _suits_winograd(network, step, weight, strides, dilations):
        _become(network, step, "winograd", weight.transpose(2, 3, 1, 0).reshape(-1, filters), {"pads": pads})
    elif group == 1 and inside <= _FEW_CHANNELS:
        _become(network, step, "stem", weight.reshape(filters, -1).T, {"kernel": list(kernel), **geometry})
    else:
        _become(network, step, "columns", _merged(weight, group), {"kernel": list(kernel), **geometry})


def _merged(weight: np.ndarray, group: int) -> np.ndarray:
    """The matrix of each group; small groups together, with zeros between them: BLAS likes larger products better."""
    filters, inside = weight.shape[0] // group, weight.shape[1]
    together = max(n for n in range(1, group + 1) if group % n == 0 and (n == 1 or n * inside <= _GROUP_CHANNELS))
    merged = np.zeros((group // together, *weight.shape[2:], together, inside, together, filters), weight.dtype)
    by_group = weight.reshape(group // together, together, filters, *weight.shape[1:])
    for number in range(together):
        merged[:, :, :, number, :, number] = by_group[:, number].transpose(0, 3, 4, 2, 1)
    return merged.reshape(group // together, -1, together * filters)


def _within(
    weight: np.ndarray, size: tuple[Any, ...], pads: list[int], strides: list[int], dilations: list[int]
) -> tuple[np.ndarray, list[int]]:
    """The kernel without the rows and columns at its edges that see zeros of the padding only, and the pads that it needs.

    Dilated kernels over small images have many: of 3x3 with dilation 36, over 32x32, one place is left.
    """
    pads = list(pads)
    for axis, (n, stride, dilation) in enumerate(zip(size, strides, dilations, strict=True)):
        length = weight.shape[2 + axis]
        if not isinstance(n, int) or length == 1:
            continue
        count = (n + pads[axis] + pads[axis + 2] - (length - 1) * dilation - 1) // stride + 1
        starts = [place * dilation - pads[axis] for place in range(length)]
        seen = [i for i, at in enumerate(starts) if any(0 <= at + step * stride < n for step in range(count))]
        if not seen or len(seen) == length:
            continue
        first, last = seen[0], seen[-1]
        weight = weight[(slice(None),) * (2 + axis) + (slice(first, last + 1),)]
        pads[axis] -= first * dilation
        pads[axis + 2] -= (length - 1 - last) * dilation
    return weight, pads


def _suits_winograd(network: Network, step: Step, weight: np.ndarray, strides: list[int], dilations: list[int]) -> bool:
    if weight.shape[2:] != (3, 3) or {*strides, *dilations} != {1} or min(weight.shape[:2]) < _WINOGRAD_CHANNELS:
        return False
    size = network.shapes.get(step.outputs[0], ())[2:]
    tiles = [-(-n // 4) if isinstance(n, int) else _WINOGRAD_TILES for n in size]
    return len(size) == 2 and tiles[0] * tiles[1] >= _WINOGRAD_TILES


def _matmul(network: Network, step: Step) -> None:
    weight = network.constants.get(step.inputs[1])
    if weight is None or weight.ndim != 2 or len(network.shapes.get(step.inputs[0], ())) < 2:
        return
    _become(network, step, "linear", weight, {})


def _gemm(network: Network, step: Step) -> None:
    attributes, weight = step.attributes, network.constants[step.inputs[1]]
    bias = network.constants[step.inputs[2]] if len(step.inputs) > 2 and step.inputs[2] else None
    if attributes.get("transA"):
        return
    matrix = weight.T if attributes.get("transB") else weight
    if bias is not None:
        if bias.size != matrix.shape[1] or bias.shape[-1] != bias.size:
            return
        beta = np.float32(attributes.get("beta", 1.0))
        step.inputs[2] = network.add_constant(step.inputs[2], np.ascontiguousarray(bias.reshape(-1) * beta))
    _become(network, step, "linear", matrix * np.float32(attributes.get("alpha", 1.0)), {})


def _global_average_pool(network: Network, step: Step) -> None:
    if len(network.shapes.get(step.inputs[0], ())) == 4:
        step.op, step.attributes = "mean_pool", {}


def _reduce_mean(network: Network, step: Step) -> None:
    axes = step.attributes.get("axes")
    if len(step.inputs) > 1 and step.inputs[1]:
        axes = network.constants[step.inputs[1]].tolist()
    if (
        len(network.shapes.get(step.inputs[0], ())) == 4
        and axes is not None
        and {int(axis) % 4 for axis in axes} == {2, 3}
    ):
        step.op, step.inputs = "mean_pool", step.inputs[:1]
        step.attributes = {} if step.attributes.get("keepdims", 1) else {"keepdims": False}


def _max_pool(network: Network, step: Step) -> None:
    attributes, size = step.attributes, network.shapes.get(step.inputs[0], ())[2:]
    if (
        len(size) != 2
        or any(step.outputs[1:])
        or attributes.get("ceil_mode")
        or set(attributes.get("dilations") or [1]) != {1}
    ):
        return
    auto_pad, strides = attributes.get("auto_pad", "NOTSET"), attributes.get("strides") or [1, 1]
    if auto_pad.startswith("SAME") and any(isinstance(n, str) for n in size):
        return
    kernel = list(attributes["kernel_shape"])
    found = _pads([int(n) if isinstance(n, int) else 0 for n in size], kernel, strides, [1, 1],
                  attributes.get("pads"), auto_pad)  # fmt: skip
    pads = [n for n, _ in found] + [n for _, n in found]
    step.op, step.attributes = "max_pool", {"kernel": kernel, "pads": pads, "strides": list(strides)}


def _resize(network: Network, step: Step) -> None:
    """Images whose rows and columns become a known number of others: what the kernel makes of a unit matrix says how."""
    before, after = network.shapes.get(step.inputs[0], ()), network.shapes.get(step.outputs[0], ())
    attributes = step.attributes
    if (
        len(before) != 4
        or before[:2] != after[:2]
        or attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    ):
        return
    factors = _factors(network, step)
    if factors is None:
        return
    matrices = []
    for axis in (2, 3):
        length, size, factor = before[axis], after[axis], factors[axis]
        if not isinstance(length, int) or not isinstance(size, int) or length * size > _RESIZE_WEIGHTS:
            return
        mode = attributes.get("mode", "nearest")
        unit = np.arange(length) if mode == "nearest" else np.eye(length, dtype=np.float32)
        if size != length or factor != 1:
            place = _coordinates(
                attributes.get("coordinate_transformation_mode", "half_pixel"), size, length, factor, 0, 1
            )
            unit = _resample(unit, 0, place, factor, mode, attributes.get("nearest_mode", "round_prefer_floor"),
                             attributes.get("antialias", 0), attributes.get("cubic_coeff_a", -0.75),
                             attributes.get("exclude_outside", 0))  # fmt: skip
        matrices.append(network.add_constant(f"{step.name}.{'rows' if axis == 2 else 'columns'}", unit))
    step.op, step.inputs, step.attributes = "resize", [step.inputs[0], *matrices], {}


def _factors(network: Network, step: Step) -> list[float] | None:
    """By how much each axis grows, as the kernel computes it."""
    shape = network.shapes[step.inputs[0]]
    axes = [int(axis) % 4 for axis in step.attributes.get("axes") or range(4)]
    scales, sizes = (network.constants.get(key) for key in [*step.inputs, "", ""][2:4])
    policy = step.attributes.get("keep_aspect_ratio_policy", "stretch")
    lengths = [shape[axis] for axis in axes]
    if policy != "stretch" and any(isinstance(length, str) for length in lengths):
        return None
    found, _ = _targets([1 if isinstance(length, str) else length for length in lengths], scales, sizes, policy)
    return [found[axes.index(axis)] if axis in axes else 1.0 for axis in range(4)]


def _mul(network: Network, step: Step) -> None:
    """Channels of an image times a number each."""
    for x, gate in (step.inputs, step.inputs[::-1]):
        whole, one = network.shapes.get(x, ()), network.shapes.get(gate, ())
        images = len(whole) == len(one) == 4 and whole == network.shapes.get(step.outputs[0])
        if images and one == (*whole[:2], 1, 1) != whole and gate not in network.constants:
            step.op, step.inputs = "gated", [x, gate]
            return


def _become(network: Network, step: Step, form: str, weight: np.ndarray, attributes: dict[str, Any]) -> None:
    """Turn the step into the form. Steps that share a weight go on sharing it where they want it alike."""
    key = f"{step.inputs[1]}.{form}"
    weight = np.ascontiguousarray(weight)
    if key not in network.constants:
        network.add_constant(key, weight)
    step.inputs[1] = key
    step.op, step.attributes = form, attributes


CHOICES: dict[str, Callable[[Network, Step], None]] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": _mul,
    "ReduceMean": _reduce_mean,
    "Resize": _resize,
}
