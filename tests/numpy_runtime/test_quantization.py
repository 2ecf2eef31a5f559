"""Quantised operators with drawn shapes, scales and zero points, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from tests.numpy_runtime.judge import agree, node_model, normal, ours, shape
from tests.onnx_text import ort_run

KINDS = [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)]
"""Of the factors; ONNX Runtime has no product of int8 and uint8."""


def integers(rng: np.random.Generator, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.asarray(rng.integers(limits.min, limits.max + 1, shape), dtype)


def scales(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    return np.asarray(rng.uniform(0.01, 0.2, shape), dtype)


def granularity(rng: np.random.Generator, extent: tuple[int, ...]) -> tuple[tuple[int, ...], dict[str, int]]:
    """The shape of the scales for an array, and the attributes that say so."""
    axis = int(rng.integers(-len(extent), len(extent)))
    kind = rng.choice(["tensor", "axis", "blocks"])
    if kind == "tensor":
        return (), {}
    if kind == "axis":
        return (extent[axis],), {"axis": axis}
    block = int(rng.integers(1, extent[axis] + 1))
    count = -(-extent[axis] // block)
    found = list(extent)
    found[axis] = count
    return tuple(found), {"axis": axis, "block_size": block}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize("seed", range(15))
def test_quantize_and_back(dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    extent = shape(rng, int(rng.integers(2, 5)), 2, 6)
    grain, attributes = granularity(rng, extent)
    scale, zero = scales(rng, grain), integers(rng, dtype, grain)
    x = normal(rng, extent) * np.float32(10)
    x.ravel()[:4] = [0, 1e6, -1e6, 0.5]
    agree("QuantizeLinear", [x, scale, zero], attributes, opset=21)
    agree("DequantizeLinear", [integers(rng, dtype, extent), scale, zero], attributes, opset=21)
    agree("DequantizeLinear", [integers(rng, dtype, extent), scale], attributes, opset=21)


def test_quantized_types() -> None:
    """Without a zero point `output_dtype` says the type, or it is uint8; int32 has no zero point; float16 stays."""
    rng = np.random.default_rng(0)
    x, scale = normal(rng, (3, 4)), np.array(0.05, np.float32)
    agree("QuantizeLinear", [x, scale])
    agree("QuantizeLinear", [x, scale], {"output_dtype": onnx.TensorProto.INT16}, opset=21)
    agree("QuantizeLinear", [x.astype(np.float16), scale.astype(np.float16), np.array(3, np.uint8)])
    agree("DequantizeLinear", [rng.integers(-1000, 1000, (3, 4)).astype(np.int32), scale])
    agree("DequantizeLinear", [integers(rng, np.int8, (3, 4)), scale.astype(np.float16)])
    got = ours("QuantizeLinear", [x, scale.astype(np.float16)], {"precision": onnx.TensorProto.FLOAT})[0]
    np.testing.assert_array_equal(got, np.clip(np.rint(x / np.float32(np.float16(0.05))), 0, 255).astype(np.uint8))


def test_halves_go_to_even() -> None:
    x = np.array([-1.5, -0.5, 0.5, 1.5, 2.5], np.float32)
    agree("QuantizeLinear", [x, np.array(1, np.float32), np.array(0, np.int8)])


@pytest.mark.parametrize("values", ["mixed", "positive", "negative", "zeros"])
def test_dynamic_quantization(values: str) -> None:
    x = normal(np.random.default_rng(0), (4, 5, 6))
    x = {"mixed": x, "positive": abs(x) + 1, "negative": -abs(x) - 1, "zeros": x * 0}[values]
    agree("DynamicQuantizeLinear", [x.astype(np.float32)], outputs=3)


@pytest.mark.parametrize(
    ("left", "right"), [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((3, 400), (400, 5))]
)
@pytest.mark.parametrize(("a", "b"), KINDS)
def test_matmul_integer(a: Any, b: Any, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, y = integers(rng, a, left), integers(rng, b, right)
    agree("MatMulInteger", [x, y])
    agree("MatMulInteger", [x, y, integers(rng, a, ()), integers(rng, b, ())])
    if len(right) == 2:
        agree("MatMulInteger", [x, y, integers(rng, a, ()), integers(rng, b, (right[-1],))])


def test_matmul_integer_with_a_zero_point_a_row() -> None:
    """Which ONNX Runtime refuses."""
    rng = np.random.default_rng(0)
    a, b, zeros = integers(rng, np.uint8, (3, 4)), integers(rng, np.int8, (4, 5)), integers(rng, np.uint8, (3,))
    wanted = (a.astype(np.int32) - zeros[:, None]) @ b.astype(np.int32)
    got = ours("MatMulInteger", [a, b, zeros], {})[0]
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, wanted)


def spread_of(arrays: list[Any], terms: int) -> np.ndarray:
    """A scale for sums of so many products: most of them fit into 8 bits, some are beyond."""
    (x, x_scale, x_zero), (w, w_scale, w_zero) = arrays[:3], arrays[3:]
    left, right = (float(np.abs(v - z.astype(float).mean()).mean()) for v, z in ((x, x_zero), (w, w_zero)))
    return np.asarray(left * right * x_scale * w_scale.mean() * terms**0.5 / 60, np.float32)


def nearly(op: str, arrays: list[Any], attributes: dict[str, Any]) -> None:
    """Like agree, but one in a hundred may round the other way: ONNX Runtime multiplies by a rounded scale."""
    model = node_model(op, arrays, attributes)
    (wanted,) = ort_run(model, {f"x{n}": array for n, array in enumerate(arrays) if array is not None})
    (got,) = ours(op, arrays, attributes)
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    away = np.abs(got.astype(np.int32) - wanted.astype(np.int32))
    assert away.max() <= 1
    assert np.mean(away > 0) <= 0.01
    assert wanted.min() < wanted.max()


@pytest.mark.parametrize("seed", range(16))
def test_qlinear_matmul(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = KINDS[seed % 3]
    left, right = [((5, 7), (7, 6)), ((2, 5, 7), (7, 6)), ((2, 3, 5, 7), (2, 3, 7, 6))][int(rng.integers(0, 3))]
    columns = (right[-1],) if rng.random() < 0.5 and len(right) == 2 else ()
    arrays = [integers(rng, a, left), scales(rng, ()), integers(rng, a, ())]
    arrays += [integers(rng, b, right), scales(rng, columns), integers(rng, b, columns)]
    nearly("QLinearMatMul", [*arrays, spread_of(arrays, left[-1]), integers(rng, a, ())], {})


def test_qlinear_matmul_with_a_scale_a_row() -> None:
    """Which ONNX Runtime refuses: against real numbers."""
    rng = np.random.default_rng(0)
    a, b = integers(rng, np.uint8, (4, 6)), integers(rng, np.uint8, (6, 5))
    a_scale, a_zero, y_scale = scales(rng, (4,)), integers(rng, np.uint8, (4,)), scales(rng, (4,)) * np.float32(50)
    arrays = [
        a,
        a_scale,
        a_zero,
        b,
        np.array(0.1, np.float32),
        np.array(90, np.uint8),
        y_scale,
        np.full(4, 100, np.uint8),
    ]
    real = ((a - a_zero[:, None].astype(float)) * a_scale[:, None]) @ ((b - 90.0) * np.float32(0.1))
    wanted = np.clip(np.rint(real / y_scale[:, None]) + 100, 0, 255)
    np.testing.assert_array_equal(ours("QLinearMatMul", arrays, {})[0], wanted.astype(np.uint8))


def draw_convolution(rng: np.random.Generator, x: Any, w: Any) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    rank, group = int(rng.choice([1, 2, 2, 3])), int(rng.choice([1, 1, 2, 3]))
    inside, filters = (int(n) for n in rng.integers(1, 4, 2))
    if rng.random() < 0.2:
        group, inside, filters = 4, 1, 1
    kernel = rng.integers(1, 4, rank).tolist()
    attributes = {"group": group, "kernel_shape": kernel, "strides": rng.integers(1, 3, rank).tolist(),
                  "pads": [int(rng.integers(0, k)) for k in kernel * 2]}  # fmt: skip
    if rng.random() < 0.5:
        attributes["dilations"] = rng.integers(1, 3, rank).tolist()
    space = shape(rng, rank, 6, 9)
    return (
        integers(rng, x, (2, group * inside, *space)),
        integers(rng, w, (group * filters, inside, *kernel)),
        attributes,
    )


@pytest.mark.parametrize("seed", range(24))
def test_conv_integer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, attributes = draw_convolution(rng, np.uint8, np.uint8)
    agree("ConvInteger", [x, w], attributes)
    agree("ConvInteger", [x, w, integers(rng, np.uint8, ()), integers(rng, np.uint8, ())], attributes)


@pytest.mark.parametrize("seed", range(36))
def test_qlinear_conv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = KINDS[seed % 3]
    x, w, attributes = draw_convolution(rng, *kinds)
    each = (w.shape[0],) if rng.random() < 0.5 else ()
    # ONNX Runtime: zero points of filters may be one each, and then are the same
    zero = np.broadcast_to(integers(rng, kinds[1], ()), each).copy()
    arrays = [x, scales(rng, ()), integers(rng, kinds[0], ()), w, scales(rng, each), zero]
    arrays += [spread_of(arrays, w[0].size), integers(rng, kinds[0], ())]
    if rng.random() < 0.5:
        arrays.append(rng.integers(-9000, 9000, w.shape[0]).astype(np.int32))
    nearly("QLinearConv", arrays, attributes)


def test_long_sums_are_exact() -> None:
    """float32 holds sums of products of 8-bit numbers up to 258 terms; longer ones are added in float64."""
    for terms in (258, 259, 70000):
        a, b = np.full((1, terms), 255, np.uint8), np.full((terms, 1), 255, np.uint8)
        b[0] = 254
        count = terms if terms * 255 * 255 < 2**31 else 2**31 // (255 * 255)
        got = ours("MatMulInteger", [a[:, :count], b[:count]], {})[0]
        assert int(got[0, 0]) == count * 255 * 255 - 255
