"""Convolution and pooling, 1 to 3 dimensions, shapes and attributes drawn at random.

ONNX Runtime judges, torch where it refuses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.numpy_runtime.judge import agree, normal, ours, same, shape

TORCH_CONV = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d, 3: torch.nn.functional.conv3d}


def draw_window(rng: np.random.Generator, rank: int, *, dilate: bool = True) -> dict[str, Any]:
    """Kernel, strides, dilations, and pads or auto_pad."""
    attributes: dict[str, Any] = {"kernel_shape": rng.integers(1, 4, rank).tolist()}
    if rng.random() < 0.7:
        attributes["strides"] = rng.integers(1, 4, rank).tolist()
    if dilate and rng.random() < 0.5:
        attributes["dilations"] = rng.integers(1, 4, rank).tolist()
    kind = rng.choice(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "none"], p=[0.5, 0.15, 0.15, 0.1, 0.1])
    if kind == "pads":
        high = [
            (k - 1) * d + 1
            for k, d in zip(attributes["kernel_shape"], attributes.get("dilations", [1] * rank), strict=True)
        ]
        attributes["pads"] = [int(rng.integers(0, n)) for n in high + high]
    elif kind != "none":
        attributes["auto_pad"] = str(kind)
    return attributes


@pytest.mark.parametrize("seed", range(150))
def test_conv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.choice([1, 2, 2, 3]))
    attributes = draw_window(rng, rank)
    group = int(rng.choice([1, 1, 2, 3]))
    inside, filters = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    if rng.random() < 0.3:  # one filter a channel
        group, inside, filters = int(rng.integers(2, 7)), 1, int(rng.choice([1, 1, 2]))
    if rng.random() < 0.2:  # a matrix product
        attributes = {"kernel_shape": [1] * rank, "strides": rng.integers(1, 3, rank).tolist()}
    space = shape(rng, rank, 7, 12)
    x = normal(rng, (int(rng.integers(1, 4)), group * inside, *space))
    w = normal(rng, (group * filters, inside, *attributes["kernel_shape"]))
    arrays = [x, w, normal(rng, (group * filters,))][: int(rng.integers(2, 4))]
    attributes["group"] = group
    if "auto_pad" in attributes and "dilations" in attributes:  # ONNX Runtime refuses the two together
        by_torch(arrays, attributes)
    else:
        agree("Conv", arrays, attributes, error=3e-6)
    if rank > 1:  # the same numbers in the layout that a previous convolution leaves behind
        last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        again = ours("Conv", [np.moveaxis(last, -1, 1), *arrays[1:]], attributes)[0]
        same(again, ours("Conv", arrays, attributes)[0], 3e-6)


def by_torch(arrays: list[np.ndarray], attributes: dict[str, Any]) -> None:
    """SAME by hand: as many windows as ceil(size / stride)."""
    rank = arrays[0].ndim - 2
    strides, dilations = attributes.get("strides", [1] * rank), attributes["dilations"]
    widths: list[int] = []
    for n, k, s, d in zip(arrays[0].shape[2:], attributes["kernel_shape"], strides, dilations, strict=True):
        total = 0 if attributes["auto_pad"] == "VALID" else max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        widths = [*((large, small) if attributes["auto_pad"] == "SAME_LOWER" else (small, large)), *widths]
    x, w, *b = (torch.from_numpy(array) for array in arrays)
    padded = torch.nn.functional.pad(x, widths)
    wanted = TORCH_CONV[rank](padded, w, *b, stride=strides, dilation=dilations, groups=attributes["group"])
    same(ours("Conv", arrays, attributes)[0], wanted.numpy(), 3e-6)


def test_conv_larger_than_one_block() -> None:
    """Results are computed a block of rows at a time; the last block is the smaller one."""
    rng = np.random.default_rng(0)
    x = normal(rng, (2, 32, 50, 61))
    agree("Conv", [x, normal(rng, (8, 32, 5, 5)), normal(rng, (8,))], {"pads": [2, 2, 2, 2]}, error=3e-6)
    agree("Conv", [x, normal(rng, (8, 16, 5, 5)), normal(rng, (8,))], {"pads": [1, 2, 2, 1], "group": 2}, error=3e-6)
    agree("Conv", [x, normal(rng, (32, 1, 5, 5)), normal(rng, (32,))], {"strides": [2, 2], "group": 32}, error=3e-6)


@pytest.mark.parametrize("seed", range(60))
def test_conv_transpose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.choice([1, 2, 2, 3]))
    attributes = draw_window(rng, rank)
    attributes.pop("auto_pad", None)
    group, inside, filters = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    space = shape(rng, rank, 3, 7)
    strides = attributes.get("strides", [1] * rank)
    if rng.random() < 0.3:
        attributes["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    if rng.random() < 0.2:
        attributes.pop("pads", None)
        attributes["output_shape"] = [n * s for n, s in zip(space, strides, strict=True)]
    elif rng.random() < 0.3:
        attributes.pop("pads", None)
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    reach = [
        (k - 1) * d + 1
        for k, d in zip(attributes["kernel_shape"], attributes.get("dilations", [1] * rank), strict=True)
    ]
    if "auto_pad" in attributes:  # with gaps between the windows ONNX Runtime gives less than ONNX's size * stride
        attributes["strides"] = [min(pair) for pair in zip(strides, reach, strict=True)]
        attributes.pop("output_padding", None)
    if "pads" in attributes:  # some of the output has to be left
        attributes["pads"] = [min(p, r // 2) for p, r in zip(attributes["pads"], reach * 2, strict=True)]
    x = normal(rng, (2, group * inside, *space))
    w = normal(rng, (group * inside, filters, *attributes["kernel_shape"]))
    arrays = [x, w, normal(rng, (group * filters,))][: int(rng.integers(2, 4))]
    agree("ConvTranspose", arrays, attributes | {"group": group}, error=3e-6)


@pytest.mark.parametrize("seed", range(20))
def test_col2im(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attributes = draw_window(rng, 2)
    kernel = attributes.pop("kernel_shape")
    attributes.pop("auto_pad", None)
    image = shape(rng, 2, 7, 12)
    ones = [1, 1]
    pads = attributes.get("pads", [0] * 4)
    places = 1
    for n, k, s, d, b, a in zip(
        image,
        kernel,
        attributes.get("strides", ones),
        attributes.get("dilations", ones),
        pads[:2],
        pads[2:],
        strict=True,
    ):
        places *= (n + b + a - (k - 1) * d - 1) // s + 1
    x = normal(rng, (2, 3 * kernel[0] * kernel[1], places))
    agree("Col2Im", [x, np.array(image, np.int64), np.array(kernel, np.int64)], attributes)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("seed", range(60))
def test_pool(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.choice([1, 2, 2, 3]))
    attributes = draw_window(rng, rank)
    reach = [
        (k - 1) * d + 1
        for k, d in zip(attributes["kernel_shape"], attributes.get("dilations", [1] * rank), strict=True)
    ]
    if "pads" in attributes:  # a window must not lie in the padding alone
        attributes["pads"] = [
            min(p, (k - 1)) for p, k in zip(attributes["pads"], attributes["kernel_shape"] * 2, strict=True)
        ]
    if "auto_pad" in attributes:
        attributes.pop("dilations", None)
        if "strides" in attributes:  # ONNX Runtime's pooling refuses gaps between SAME windows
            attributes["strides"] = [
                min(pair) for pair in zip(attributes["strides"], attributes["kernel_shape"], strict=True)
            ]
    elif rng.random() < 0.4 and op != "LpPool":  # ONNX Runtime's LpPool takes ceil_mode and ignores it
        attributes["ceil_mode"] = 1
    if op == "AveragePool":
        attributes["count_include_pad"] = int(rng.integers(0, 2))
    if op == "LpPool":
        attributes["p"] = int(rng.integers(1, 4))
    x = normal(rng, (2, 3, *(int(n) + max(reach) for n in rng.integers(1, 6, rank))))
    agree(op, [x], attributes)
    if op == "MaxPool" and attributes.get("auto_pad") != "SAME_LOWER":
        agree(op, [x], attributes | {"storage_order": int(rng.integers(0, 2)) if rank == 2 else 0}, outputs=2)


def test_same_pool_with_gaps() -> None:
    x = normal(np.random.default_rng(0), (1, 2, 5, 7))
    for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        got = ours("MaxPool", [x], {"kernel_shape": [1, 1], "strides": [2, 3], "auto_pad": auto_pad})[0]
        np.testing.assert_array_equal(got, x[:, :, ::2, ::3])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_max_pool_of_integers(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(0, 100, (1, 2, 6, 7)).astype(dtype)
    agree("MaxPool", [x - 100 if dtype == np.int8 else x], {"kernel_shape": [3, 2], "pads": [1, 1, 1, 1]})


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_global_pool(rank: int) -> None:
    x = normal(np.random.default_rng(rank), (2, 3, 5, 6, 7)[: rank + 2])
    agree("GlobalAveragePool", [x])
    agree("GlobalMaxPool", [x])
    agree("GlobalLpPool", [x], {"p": 3})


def test_max_unpool() -> None:
    x = normal(np.random.default_rng(0), (2, 3, 6, 8))
    values, places = ours("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]}, outputs=2)
    agree("MaxUnpool", [values, places], {"kernel_shape": [2, 2], "strides": [2, 2]})
    image = torch.nn.functional.max_unpool2d(torch.from_numpy(values[0]), torch.from_numpy(places[0] % 48), 2)
    got = ours("MaxUnpool", [values[:1], places[:1]], {"kernel_shape": [2, 2], "strides": [2, 2]})[0][0]
    np.testing.assert_array_equal(got[0], image.numpy()[0])
