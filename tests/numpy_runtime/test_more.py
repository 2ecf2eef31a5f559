"""Signals, losses, regions, and what later opsets added, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from tests.numpy_runtime.judge import agree, draw, ours, same, shape


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_dft(seed: int, inverse: int, onesided: int) -> None:
    rng = np.random.default_rng(seed)
    extent = shape(rng, int(rng.integers(1, 4)), 3, 9)
    parts = 2 if inverse or (not onesided and rng.random() < 0.5) else 1
    axis = int(rng.integers(0, len(extent)))
    x = draw(rng, *extent, parts)
    if inverse and onesided:  # ONNX Runtime refuses: back from the transform of real numbers
        real = draw(rng, *extent, 1)
        there = ours("DFT", [real, None, np.array(axis)], {"onesided": 1})[0]
        back = ours("DFT", [there, np.array(extent[axis]), np.array(axis)], {"onesided": 1, "inverse": 1})[0]
        return same(back, real, 2e-6)
    attributes = {"inverse": inverse, "onesided": onesided}
    agree("DFT", [x, None, np.array(axis)], attributes, error=5e-6)
    agree("DFT", [x], attributes, error=5e-6)
    return agree("DFT", [x, np.array(extent[axis] + int(rng.integers(-2, 5))), np.array(axis)], attributes, error=5e-6)


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("window", [True, False])
def test_stft(window: bool, onesided: int) -> None:
    rng = np.random.default_rng(0)
    signal = draw(rng, 2, 50, 1)
    arrays = [signal, np.array(7), rng.random(16).astype(np.float32) if window else None, np.array(16)]
    agree("STFT", arrays, {"onesided": onesided}, error=5e-6)


def test_stft_of_complex_numbers() -> None:
    signal = draw(np.random.default_rng(0), 2, 30, 2)
    agree("STFT", [signal, np.array(5), None, np.array(12)], {"onesided": 0}, error=5e-6)


@pytest.mark.parametrize(
    ("bands", "length", "rate", "low", "high"),
    [(8, 64, 8000, 0, 4000), (20, 512, 16000, 50, 7600), (5, 16, 8192, 0, 4096)],
)
def test_mel_weights(bands: int, length: int, rate: int, low: float, high: float) -> None:
    arrays = [np.array(bands), np.array(length), np.array(rate), np.array(low, np.float32), np.array(high, np.float32)]
    agree("MelWeightMatrix", arrays)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignore_index", [None, 1, -5])
@pytest.mark.parametrize("space", [(), (3,), (2, 3)])
def test_losses(space: tuple[int, ...], ignore_index: int | None, weighted: bool, reduction: str) -> None:
    rng = np.random.default_rng(0)
    x, target = draw(rng, 4, 5, *space), rng.integers(0, 5, (4, *space))
    if ignore_index is not None:
        target.ravel()[:2] = ignore_index
    arrays = [x, target, *([rng.random(5).astype(np.float32)] if weighted else [])]
    attributes = {"reduction": reduction} | ({} if ignore_index is None else {"ignore_index": ignore_index})
    agree("NegativeLogLikelihoodLoss", arrays, attributes)
    agree("SoftmaxCrossEntropyLoss", arrays, attributes, outputs=2, error=5e-6)


@pytest.mark.parametrize("seed", range(24))
def test_deform_conv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, offsets, inside, filters = (int(n) for n in rng.integers(1, 4, 4))
    channels = group * inside * offsets
    kernel, strides, dilations = (rng.integers(1, 4, 2).tolist() for _ in range(3))
    pads = rng.integers(0, 3, 4).tolist()
    space = shape(rng, 2, 7, 11)
    out = [
        (n + pads[axis] + pads[axis + 2] - (k - 1) * d - 1) // s + 1
        for axis, (n, k, d, s) in enumerate(zip(space, kernel, dilations, strides, strict=True))
    ]
    taps = int(np.prod(kernel))
    x, w = draw(rng, 2, channels, *space), draw(rng, group * filters, channels // group, *kernel)
    arrays: list[Any] = [x, w, 2 * draw(rng, 2, offsets * taps * 2, *out)]
    arrays += [draw(rng, group * filters), rng.random((2, offsets * taps, *out)).astype(np.float32)]
    attributes = {"group": group, "offset_group": offsets, "kernel_shape": kernel, "strides": strides,
                  "dilations": dilations, "pads": pads}  # fmt: skip
    for count in (3, 4, 5):
        agree("DeformConv", arrays[:count], attributes, error=5e-6, opset=22)
    # with no offsets it is a convolution
    arrays[2] = np.zeros_like(arrays[2])
    plain = {name: value for name, value in attributes.items() if name != "offset_group"}
    same(ours("DeformConv", arrays[:4], attributes)[0], ours("Conv", [x, w, arrays[3]], plain)[0], 5e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_deform_conv_of_other_ranks(rank: int) -> None:
    """Whole offsets move the places where a convolution reads."""
    rng = np.random.default_rng(rank)
    x, w = draw(rng, 2, 4, *(6, 7, 8)[:rank]), draw(rng, 3, 4, *(1,) * rank)
    for axis in range(rank):
        offset = np.zeros((2, rank, *x.shape[2:]), np.float32)
        offset[:, axis] = 1
        moved = np.zeros_like(x)
        there = tuple(slice(0, -1) if n == axis + 2 else slice(None) for n in range(x.ndim))
        here = tuple(slice(1, None) if n == axis + 2 else slice(None) for n in range(x.ndim))
        moved[there] = x[here]
        same(ours("DeformConv", [x, w, offset], {})[0], ours("Conv", [moved, w], {})[0], 2e-6)


@pytest.mark.parametrize("seed", range(10))
def test_max_roi_pool(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = draw(rng, 2, 3, *shape(rng, 2, 6, 12))
    low = rng.uniform(0, 8, (5, 2))
    rois = np.concatenate([rng.integers(0, 2, (5, 1)), low, low + rng.uniform(-1, 9, (5, 2))], axis=1).astype(
        np.float32
    )
    attributes = {"pooled_shape": rng.integers(1, 5, 2).tolist(), "spatial_scale": float(rng.choice([1.0, 0.5, 0.7]))}
    agree("MaxRoiPool", [x, rois], attributes)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_cumprod(exclusive: int, reverse: int) -> None:
    x = draw(np.random.default_rng(0), 3, 4, 5)
    for axis in range(-3, 3):
        agree("CumProd", [x, np.array(axis)], {"exclusive": exclusive, "reverse": reverse}, opset=26)


def test_swish() -> None:
    x, z = draw(np.random.default_rng(0), 3, 4), draw(np.random.default_rng(1), 3, 4)
    agree("Swish", [x], opset=24)
    agree("Swish", [x], {"alpha": 1.7}, opset=24)
    same(ours("SwiGLU", [x, z], {"alpha": 1.7})[0], ours("Swish", [x], {"alpha": 1.7})[0] * z, 1e-6)


@pytest.mark.parametrize(
    ("dtype", "to"), [(np.float32, "INT32"), (np.int64, "DOUBLE"), (np.uint16, "FLOAT16"), (np.int8, "UINT8")]
)
def test_bit_cast(dtype: Any, to: str) -> None:
    x = np.arange(1, 25).reshape(2, 3, 4).astype(dtype)
    agree("BitCast", [x], {"to": getattr(onnx.TensorProto, to)}, opset=26)
    moved = x.transpose(2, 0, 1)  # not contiguous
    got = ours("BitCast", [moved], {"to": getattr(onnx.TensorProto, to)})[0]
    np.testing.assert_array_equal(
        got, ours("BitCast", [np.ascontiguousarray(moved)], {"to": getattr(onnx.TensorProto, to)})[0]
    )


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_space_to_depth_is_the_way_back(mode: str) -> None:
    x = draw(np.random.default_rng(0), 2, 3, 4, 6)
    there = ours("SpaceToDepth", [x], {"blocksize": 2, "mode": mode})[0]
    np.testing.assert_array_equal(ours("DepthToSpace", [there], {"blocksize": 2, "mode": mode})[0], x)
