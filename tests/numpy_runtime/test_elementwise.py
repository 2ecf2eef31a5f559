"""Elementwise kernels, activations, logic and types against ONNX Runtime, ranks 1 to 5, broadcast or not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from converter.numpy_runtime import KERNELS
from tests.numpy_runtime.judge import agree, normal, shape

UNARY = [
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "HardSwish",
    "Identity", "IsInf", "IsNaN", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Sinh",
    "Softplus", "Softsign", "Sqrt", "Tan", "Tanh",
]  # fmt: skip
DOMAIN = {"Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.99, 0.99), "Acosh": (1, 9), "Log": (0.01, 9), "Sqrt": (0, 9)}


@pytest.mark.parametrize("rank", range(6))
@pytest.mark.parametrize("op", UNARY)
def test_unary(op: str, rank: int) -> None:
    rng = np.random.default_rng(rank)
    low, high = DOMAIN.get(op, (-6, 6))
    agree(op, [rng.uniform(low, high, shape(rng, rank)).astype(np.float32)], error=3e-6)


PARAMETRIC = [
    ("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.3}), ("Elu", {}), ("Elu", {"alpha": 1.7}), ("Selu", {}),
    ("Selu", {"alpha": 1.2, "gamma": 0.7}), ("Celu", {"alpha": 0.6}), ("ThresholdedRelu", {"alpha": 0.4}),
    ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}), ("Gelu", {}), ("Gelu", {"approximate": "tanh"}),
    ("Shrink", {"lambd": 1.1, "bias": 0.3}), ("IsInf", {"detect_negative": 0}), ("IsInf", {"detect_positive": 0}),
]  # fmt: skip


@pytest.mark.parametrize("rank", range(1, 6))
@pytest.mark.parametrize(("op", "attributes"), PARAMETRIC)
def test_parametric(op: str, attributes: dict[str, Any], rank: int) -> None:
    rng = np.random.default_rng(rank)
    agree(op, [normal(rng, shape(rng, rank))], attributes)


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("rank", range(1, 6))
def test_along_an_axis(op: str, rank: int) -> None:
    rng = np.random.default_rng(rank)
    for axis in range(-rank, rank):
        agree(op, [normal(rng, shape(rng, rank)) * 20], {"axis": axis})


ARITHMETIC = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "Sum", "PRelu"]
COMPARISON = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]


def broadcastable(rng: np.random.Generator, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    full = shape(rng, rank)
    return tuple(tuple(1 if rng.random() < 0.3 else n for n in full[rng.integers(0, rank) :]) for _ in "ab")  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("op", ARITHMETIC + COMPARISON)
def test_binary(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = broadcastable(rng, int(rng.integers(1, 6)))
    if op == "PRelu":
        left, right = np.broadcast_shapes(left, right), right  # its slope broadcasts to x, never the other way
    a, b = normal(rng, left), normal(rng, right)
    if op == "Pow":
        a, b = np.abs(a) + np.float32(0.1), np.float32(seed / 2) if seed < 7 else b
        b = np.asarray(b)
    agree(op, [np.round(a) if op in COMPARISON else a, np.round(b) if op in COMPARISON else b])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "Greater", "Mod", "Pow"])
def test_integers(op: str, dtype: Any) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(-20, 20, (4, 5)).astype(dtype), rng.integers(1, 5, (5,)).astype(dtype)
    agree(op, [a, b if op == "Pow" else b * rng.choice([-1, 1], 5).astype(dtype)])


def test_mod_with_the_sign_of_the_dividend() -> None:
    rng = np.random.default_rng(0)
    agree("Mod", [normal(rng, (3, 4)), normal(rng, (4,))], {"fmod": 1})


@pytest.mark.parametrize("op", ["And", "Or", "Xor", "Not"])
def test_logic(op: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.random((3, 4)) < 0.5, rng.random((1, 4)) < 0.5]
    agree(op, arrays[: 1 if op == "Not" else 2])


@pytest.mark.parametrize("op", ["BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"])
def test_bits(op: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-99, 99, (3, 4)).astype(np.int32), rng.integers(-99, 99, (4,)).astype(np.int32)]
    agree(op, arrays[: 1 if op == "BitwiseNot" else 2])


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_shifts(direction: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 99, (3, 4)).astype(np.uint32), rng.integers(0, 8, (3, 4)).astype(np.uint32)]
    agree("BitShift", arrays, {"direction": direction})


def test_variadic() -> None:
    rng = np.random.default_rng(0)
    for op in ("Max", "Min", "Sum", "Mean"):
        agree(op, [normal(rng, (2, 3, 4)), normal(rng, (3, 1)), normal(rng, (4,))])
        agree(op, [normal(rng, (2, 3))])


@pytest.mark.parametrize("bounds", [(None, None), (-1.0, None), (None, 1.5), (-0.5, 0.75), (2.0, -2.0)])
def test_clip(bounds: tuple[float | None, float | None]) -> None:
    limits = [None if bound is None else np.array(bound, np.float32) for bound in bounds]
    agree("Clip", [normal(np.random.default_rng(0), (3, 4, 5)), *limits])


@pytest.mark.parametrize("to", ["FLOAT", "DOUBLE", "INT32", "INT64", "BOOL", "UINT8", "FLOAT16"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, np.uint8])
def test_cast(dtype: Any, to: str) -> None:
    values = np.array([[0, 1, 2.75], [3.5, 100.25, 0.0]]).astype(dtype)
    agree("Cast", [values], {"to": onnx.TensorProto.DataType.Value(to)})
    agree("CastLike", [values, np.zeros(1, np.int32)])


def test_cast_to_a_type_that_numpy_lacks() -> None:
    with pytest.raises(ValueError, match=r"^NumPy has no type for ONNX's element type number 16$"):
        KERNELS["Cast"](np.zeros(2, np.float32), to=16)


def test_where() -> None:
    rng = np.random.default_rng(0)
    agree("Where", [rng.random((3, 1)) < 0.5, normal(rng, (2, 1, 4)), normal(rng, (3, 4))])


def test_dropout_is_the_identity_and_refuses_to_train() -> None:
    x = normal(np.random.default_rng(0), (3, 4))
    agree("Dropout", [x], outputs=2)
    message = "^Dropout in training mode draws random numbers; export the model in eval mode$"
    with pytest.raises(ValueError, match=message):
        KERNELS["Dropout"](x, np.float32(0.5), np.array(True))


def test_made_of_a_shape() -> None:
    value = numpy_helper.from_array(np.array([7], np.int64))
    agree("ConstantOfShape", [np.array([2, 3], np.int64)])
    agree("ConstantOfShape", [np.array([], np.int64)], {"value": value})
    agree("EyeLike", [np.zeros((3, 5), np.float32)], {"k": 1})
    agree("EyeLike", [np.zeros((4, 3), np.float32)], {"k": -1, "dtype": onnx.TensorProto.INT64})
    for start, limit, delta in ((0, 7, 2), (5, -4, -3), (2, 2, 1)):
        agree("Range", [np.array(start, np.int64), np.array(limit, np.int64), np.array(delta, np.int64)])
    agree("Range", [np.array(0.5, np.float32), np.array(3.1, np.float32), np.array(0.3, np.float32)])
    for attributes in ({}, {"start": 1}, {"start": -2}, {"end": -1}, {"start": 1, "end": 2}):
        agree("Shape", [np.zeros((2, 3, 5), np.float32)], attributes)
    agree("Size", [np.zeros((2, 3, 5), np.float32)])
    for op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
        for periodic in (0, 1):
            agree(op, [np.array(10, np.int64)], {"periodic": periodic})


def test_erf_is_exact_to_the_last_place() -> None:
    """Every float32 in steps of 997 between the smallest number and 6, against the C library in double precision."""
    bits = np.arange(1, np.float32(6).view(np.int32), 997, dtype=np.int32)
    x = bits.view(np.float32)
    exact = torch.erf(torch.from_numpy(x.astype(np.float64))).numpy()
    assert math.isclose(exact[-1], math.erf(float(x[-1])), rel_tol=1e-15)
    for sign in (1, -1):
        got = KERNELS["Erf"](sign * x).astype(np.float64)
        error = np.abs(got - sign * exact) / np.spacing(np.maximum(np.abs(exact), 1e-30).astype(np.float32))
        assert error.max() <= 1.5


def test_special_values() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 89, -89, 1e30, -1e30], np.float32)
    for op in ("Erf", "Sigmoid", "Relu", "Tanh", "Softplus", "Exp", "HardSigmoid"):
        agree(op, [x])


@pytest.mark.parametrize("layout", ["contiguous", "channels last", "every other", "reversed", "broadcast"])
@pytest.mark.parametrize("op", ["Sigmoid", "HardSwish", "Erf", "Gelu"])
def test_large_arrays_of_any_layout(op: str, layout: str) -> None:
    """Large arrays are computed in blocks; whatever the strides, each result stays at its place."""
    x = normal(np.random.default_rng(0), (2, 8, 40, 60))
    x = {
        "contiguous": lambda: x,
        "channels last": lambda: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        "every other": lambda: x[:, :, ::2],
        "reversed": lambda: x[:, ::-1],
        "broadcast": lambda: np.broadcast_to(x[:, :1], x.shape),
    }[layout]()
    agree(op, [x])
