"""One tensor in, one of its shape out: functions, activations with their parameters, Clip, Cast, Softmax on every axis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from onnx import TensorProto

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES, Operand, Recipe, draw, node, scalar

ONE_EACH = tuple(SHAPES[rank][0] for rank in range(1, 6))
MORE = ((1,), (1, 8), (1, 1, 9), (2, 3, 4, 5), (1, 16, 1, 1), (1, 3, 1, 7), ())

FUNCTIONS = {
    # op: where its values are drawn
    **dict.fromkeys(("Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Erf", "Identity"), "wide"),
    **dict.fromkeys(("Sin", "Cos", "Sinh", "Cosh", "Asinh", "Atan", "Exp"), "normal"),
    **dict.fromkeys(("Tanh", "Sigmoid", "Relu", "Softplus", "Softsign", "Mish", "HardSwish"), "wide"),
    **dict.fromkeys(("LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid", "Gelu", "Shrink"), "wide"),
    **dict.fromkeys(("Tan", "Asin", "Acos", "Atanh"), "unit"),
    **dict.fromkeys(("Sqrt", "Log"), "positive"),
    "Reciprocal": "nonzero",
    "Acosh": "above one",
    "Dropout": "normal",
    "Clip": "normal",
    "IsNaN": "normal",
    "IsInf": "normal",
}

OFTEN = (
    "Relu",
    "Sigmoid",
    "Tanh",
    "Exp",
    "Sqrt",
    "Reciprocal",
    "Erf",
    "Abs",
    "Neg",
    "Identity",
    "HardSwish",
    "HardSigmoid",
    "Gelu",
    "Softplus",
    "LeakyRelu",
    "Elu",
)

PARAMETERS: dict[str, tuple[dict[str, Any], ...]] = {
    "LeakyRelu": ({"alpha": 0.1}, {"alpha": 0.0}, {"alpha": 0.2}, {"alpha": 1.5}),
    "Elu": ({"alpha": 1.0}, {"alpha": 0.5}, {"alpha": 2.0}),
    "Celu": ({"alpha": 1.0}, {"alpha": 0.5}, {"alpha": 2.0}),
    "Selu": ({"alpha": 1.6732632, "gamma": 1.050701}, {"alpha": 2.0, "gamma": 3.0}),
    "ThresholdedRelu": ({"alpha": 1.0}, {"alpha": 0.5}, {"alpha": 0.0}),
    "HardSigmoid": (
        {"alpha": 1 / 6, "beta": 0.5}, {"alpha": 1 / 6}, {"alpha": 0.2, "beta": 0.5}, {"alpha": 0.5, "beta": 0.6},
        {"alpha": 1.0, "beta": 0.0},
    ),
    "Gelu": ({"approximate": "none"}, {"approximate": "tanh"}),
    "Shrink": ({"lambd": 0.5, "bias": 0.0}, {"lambd": 0.5, "bias": 0.5}, {"lambd": 1.5}),
    "IsInf": ({"detect_negative": 0}, {"detect_positive": 0}),
    "Dropout": ({"seed": 1},),
}  # fmt: skip


def functions() -> Iterator[Recipe]:
    """Each over ranks 0 to 5, and with its parameters; the usual ones over more shapes."""
    for op, rank in product(OFTEN, range(1, 7)):
        for shape in SHAPES[rank]:
            yield node(op, Operand(shape, FUNCTIONS[op]))
    for (op, kind), shape in product(FUNCTIONS.items(), (*ONE_EACH, *MORE)):
        yield node(op, Operand(shape, kind))
    for shape, approximate in product((shape for rank in range(1, 6) for shape in SHAPES[rank]), ("none", "tanh")):
        yield node("Gelu", Operand(shape, "wide"), approximate=approximate)
    for op, sets in PARAMETERS.items():
        for attributes, shape in product(sets, ((1, 4, 5, 7), (2, 5, 4), (3, 5), (6,), (1, 2, 3, 4, 5))):
            yield node(op, Operand(shape, FUNCTIONS[op]), **attributes)
    for shape, dtype in product(((1, 4, 5, 7), (2, 5, 4), (3, 5), (6,)), ("bool",)):
        yield node("Not", Operand(shape, dtype=dtype))
    for op, dtype in product(("Abs", "Neg", "Sign", "Relu", "Identity"), ("int64", "int32", "float16", "float64")):
        for shape in ((1, 4, 5, 7), (3, 5)):
            yield node(op, Operand(shape, dtype=dtype))
    for op, dtype in product(
        ("Sigmoid", "Tanh", "Exp", "Sqrt", "Erf", "Floor", "Gelu", "HardSwish", "Softplus"), ("float16", "float64")
    ):
        yield node(op, Operand((1, 4, 5, 7), FUNCTIONS[op], dtype))
    for dtype in ("bool", "uint8"):
        yield node("Identity", Operand((3, 5), dtype=dtype))
    for ratio in (0.0, 0.5):
        yield node("Dropout", Operand((1, 4, 5, 7)), scalar(ratio), np.array(False))
        yield node("Dropout", Operand((1, 4, 5, 7)), ratio=ratio, opset=10)


def prelu() -> Iterator[Recipe]:
    """PRelu: slopes per channel as torch writes them, one slope, full slopes."""
    for shape, slopes in (
        ((1, 4, 5, 7), ((4, 1, 1), (1, 4, 1, 1), (1,), (1, 1, 1), (4, 5, 7), (7,), (1, 4, 5, 7), ())),
        ((2, 3, 5, 4), ((3, 1, 1), (1,), (1, 3, 1, 1))),
        ((2, 5, 4), ((5, 1), (1,), (4,), (1, 5, 1), (2, 5, 4))),
        ((3, 5), ((5,), (1,), (1, 5))),
        ((1, 2, 3, 4, 5), ((2, 1, 1, 1), (1,))),
        ((6,), ((6,), (1,))),
    ):
        for slope, constant in product(slopes, (True, False)):
            yield node("PRelu", Operand(shape), Operand(slope, constant=constant))


def clip() -> Iterator[Recipe]:
    """Clip with bounds as inputs (constant, fed, one of them) and as attributes."""
    bounds: tuple[tuple[float | None, float | None], ...] = (
        (0, 6),
        (0, None),
        (None, 0.5),
        (-1, 1),
        (0, 1),
        (-0.3, 0.7),
        (None, None),
    )
    for (low, high), shape in product(bounds, ((1, 4, 5, 7), (2, 5, 4), (3, 5), (6,), (1, 2, 3, 4, 5))):
        limits = [None if bound is None else scalar(bound) for bound in (low, high)]
        yield node(
            "Clip", Operand(shape, "wide"), *(limits if high is not None else limits[: 1 if low is not None else 0])
        )
        yield node(
            "Clip",
            Operand(shape, "wide"),
            opset=6,
            min=None if low is None else float(low),
            max=None if high is None else float(high),
        )
    for shape in (shape for rank in range(1, 7) for shape in SHAPES[rank]):
        yield node("Clip", Operand(shape, "wide"), scalar(1e-6))
        yield node("Clip", Operand(shape, "wide"), scalar(0), scalar(6))
        yield node("Clip", Operand(shape, "wide"), None, scalar(4.6))
    for shape in ((1, 4, 5, 7), (2, 5, 4), (3, 5)):
        yield node("Clip", Operand(shape, "wide"), Operand((), "zeros"), Operand((), "positive"))
        yield node("Clip", Operand(shape, "wide"), Operand((), "zeros"))
        yield node("Clip", Operand(shape, "wide"), None, Operand((), "positive"))
        yield node("Clip", Operand(shape, "wide"), scalar(0), Operand((), "positive"))
    for dtype in ("int64", "int32", "float16", "float64", "uint8"):
        yield node("Clip", Operand((3, 5), dtype=dtype), scalar(1, dtype), scalar(3, dtype))


CODES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "bool": TensorProto.BOOL,
}


def cast() -> Iterator[Recipe]:
    """Cast between what models use."""
    for (source, target), shape in product(product(CODES, CODES), ((1, 4, 5, 7), (3, 5))):
        if source == "int8" or (shape == (1, 4, 5, 7) and "float32" not in (source, target)):
            continue
        kind = (
            "wide"
            if source == "float32" and target not in ("uint8", "bool")
            else "positive"
            if source.startswith("float")
            else "normal"
        )
        kind = "positive" if target == "uint8" and source != "bool" else kind
        yield node("Cast", Operand(shape, kind, source), to=CODES[target])
    for shape in ((6,), (2, 5, 4), (1, 2, 3, 4, 5), ()):
        yield node("Cast", Operand(shape), to=TensorProto.FLOAT)
        yield node("Cast", Operand(shape, dtype="int64"), to=TensorProto.FLOAT)
    yield node("CastLike", Operand((3, 5), dtype="int64"), Operand((1,)))


def softmax() -> Iterator[Recipe]:
    """Softmax and its kin on every axis, by its present meaning and by that before opset 13."""
    shapes = (*ONE_EACH, (2, 3, 4, 5), (1, 9, 9), (1, 10), (1, 4, 9, 9), (1, 1, 6, 1), (1, 5, 1, 1))
    for op, shape in product(("Softmax", "LogSoftmax", "Hardmax"), shapes):
        rank = len(shape)
        axes: list[Any] = [*range(rank), *range(-rank, 0), None]
        for axis in axes if op == "Softmax" else axes[::2]:
            yield node(op, Operand(shape, "normal"), axis=axis)
            if rank > 1 and (op == "Softmax" or axis in (None, 1, -1)):
                yield node(op, Operand(shape, "normal"), axis=axis, opset=11)
    for shape in (shape for rank in range(2, 7) for shape in SHAPES[rank]):
        for axis in {len(shape) - 1, -1, 1, -2}:
            yield node("Softmax", Operand(shape), axis=axis)
        yield node("LogSoftmax", Operand(shape), axis=-1)
    for scale in ("wide", "zeros"):
        yield node("Softmax", Operand((1, 4, 9, 8), scale), axis=-1)
        yield node("Softmax", Operand((2, 10), scale), axis=1)
    for dtype in ("float16", "float64"):
        yield node("Softmax", Operand((1, 4, 9, 8), dtype=dtype), axis=-1)


def recipes() -> Iterator[Recipe]:
    yield from functions()
    yield from prelu()
    yield from clip()
    yield from cast()
    yield from softmax()


def cases() -> Iterator[Case]:
    return draw("activation", recipes())
