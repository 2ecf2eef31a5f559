"""Normalisations over batches, layers, instances and groups, with their parameters constant or fed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES as MASKS
from converter.support.cases._drawing import Operand, Recipe, draw, node

Shape = tuple[int, ...]

EPSILONS: tuple[dict[str, Any], ...] = ({}, {"epsilon": 1e-3}, {"epsilon": 1e-5, "momentum": 0.9, "training_mode": 0})


def batch_norms() -> Iterator[Recipe]:
    """BatchNormalization over ranks 2 to 5; some or all parameters fed."""
    shapes: tuple[Shape, ...] = (
        (1, 4, 5, 7),
        (2, 3, 8, 8),
        (1, 16, 1, 1),
        (1, 17, 6, 6),
        (2, 6),
        (1, 6),
        (2, 4, 9),
        (1, 3, 2, 4, 5),
        (1, 1, 5, 5),
    )
    for shape, fed, attributes in product(
        shapes,
        ((), (1, 2), (3, 4), (1, 2, 3, 4)),
        EPSILONS,
    ):
        kinds = ("normal", "normal", "normal", "positive")
        parts = (Operand((shape[1],), kind, constant=i not in fed) for i, kind in enumerate(kinds, 1))
        if not fed or attributes or len(shape) == 4:
            yield node("BatchNormalization", Operand(shape), *parts, **attributes)
    for shape in ((1, 4, 5, 7), (2, 4, 9)):
        parts = (Operand((4,), kind, constant=True) for kind in ("normal", "normal", "normal", "positive"))
        yield node("BatchNormalization", Operand(shape), *parts, opset=9, epsilon=1e-5)
    for dtype in ("float16", "float64"):
        parts = (Operand((4,), kind, dtype, constant=True) for kind in ("normal", "normal", "normal", "positive"))
        yield node("BatchNormalization", Operand((1, 4, 5, 7), dtype=dtype), *parts)


def layer_norms() -> Iterator[Recipe]:
    """LayerNormalization on every axis, with and without a bias; RMSNormalization."""
    shapes: tuple[Shape, ...] = (
        (6, 8),
        (1, 16),
        (2, 6, 8),
        (1, 17, 16),
        (1, 1, 12),
        (1, 4, 5, 6),
        (2, 3, 4, 8),
        (1, 5, 5, 32),
        (1, 2, 3, 4, 5),
        (7,),
    )
    for shape, bias, constant in product(shapes, (True, False), (True, False)):
        rank = len(shape)
        for axis in (None, -1, *range(rank), *((-2,) if rank > 1 else ())):
            if not constant and axis not in (-1, rank - 1, 1):
                continue
            scale = shape[-1:] if axis is None else shape[axis:]
            parts = [Operand(scale, constant=constant)] * (2 if bias else 1)
            yield node("LayerNormalization", Operand(shape), *parts, axis=axis, epsilon=1e-6)
            if axis == -1:
                yield node("LayerNormalization", Operand(shape), *parts, axis=axis, epsilon=1e-5, stash_type=1)
                yield node("LayerNormalization", Operand(shape), *parts, axis=axis, opset=17)
                yield node("LayerNormalization", Operand(shape), *parts)
    for rank in (2, 3, 4, 5):
        for shape, bias in product(MASKS[rank], (True, False)):
            parts = [Operand(shape[-1:], constant=True)] * (2 if bias else 1)
            yield node("LayerNormalization", Operand(shape), *parts, axis=-1, epsilon=1e-6)
            yield node("LayerNormalization", Operand(shape), *parts)
    for scale in ((1, 1, 16), (1, 16), (1,), (9, 16)):
        yield node("LayerNormalization", Operand((1, 9, 16)), *[Operand(scale, constant=True)] * 2, axis=-1)
    for epsilon in (1e-12, 1e-3):
        yield node("LayerNormalization", Operand((1, 9, 16)), *[Operand((16,), constant=True)] * 2, epsilon=epsilon)
    for shape, axis in product(((2, 6, 8), (1, 4, 5, 6), (3, 9)), (-1, 1)):
        yield node("RMSNormalization", Operand(shape), Operand(shape[axis:], constant=True), axis=axis, opset=23)
    for dtype in ("float16", "float64"):
        yield node(
            "LayerNormalization",
            Operand((1, 9, 16), dtype=dtype),
            *[Operand((16,), dtype=dtype, constant=True)] * 2,
            axis=-1,
        )


def group_norms() -> Iterator[Recipe]:
    """InstanceNormalization and GroupNormalization (whose parameters grew from groups to channels in opset 21)."""
    for shape, constant, epsilon in product(
        ((1, 4, 5, 7), (2, 3, 8, 8), (1, 16, 1, 9), (2, 4, 9), (1, 6, 3, 4, 5), (1, 2, 12), (1, 1, 24), (1, 1, 6, 8)),
        (True, False),
        (None, 1e-5, 1e-3),
    ):
        yield node(
            "InstanceNormalization", Operand(shape), *[Operand((shape[1],), constant=constant)] * 2, epsilon=epsilon
        )
    for (shape, groups), constant in product(
        (
            ((1, 8, 5, 7), 2),
            ((1, 8, 5, 7), 4),
            ((1, 8, 5, 7), 1),
            ((1, 8, 5, 7), 8),
            ((2, 6, 4, 4), 3),
            ((1, 6, 9), 2),
            ((2, 6), 2),
            ((1, 4, 3, 4, 5), 2),
        ),
        (True, False),
    ):
        yield node(
            "GroupNormalization",
            Operand(shape),
            *[Operand((groups,), constant=constant)] * 2,
            num_groups=groups,
            epsilon=1e-5,
            opset=18,
        )
        yield node(
            "GroupNormalization", Operand(shape), *[Operand((groups,), constant=constant)] * 2, num_groups=groups
        )
        yield node(
            "GroupNormalization",
            Operand(shape),
            *[Operand((shape[1],), constant=constant)] * 2,
            num_groups=groups,
            epsilon=1e-5,
            opset=21,
        )


def others() -> Iterator[Recipe]:
    """LRN, LpNormalization, MeanVarianceNormalization."""
    shape: Shape
    for shape, size in product(((1, 8, 5, 7), (2, 6, 4, 4), (1, 3, 6, 6)), (3, 5)):
        yield node("LRN", Operand(shape), size=size)
        yield node("LRN", Operand(shape), size=size, alpha=1e-4, beta=0.75, bias=1.0)
        yield node("LRN", Operand(shape), size=size, alpha=0.5, beta=0.5, bias=2.0)
    for shape in ((1, 4, 5, 7), (2, 6, 8), (3, 9), (2, 4, 5, 7), (6,)):
        for axis, p in product((*range(len(shape)), -1, None), (1, 2)):
            yield node("LpNormalization", Operand(shape), axis=axis, p=p)
    for shape, axes in (
        ((1, 4, 5, 7), None),
        ((2, 4, 5, 7), None),
        ((1, 4, 5, 7), [2, 3]),
        ((1, 4, 5, 7), [1, 2, 3]),
        ((2, 4, 5, 7), [0, 2, 3]),
    ):
        yield node("MeanVarianceNormalization", Operand(shape), axes=axes)


def recipes() -> Iterator[Recipe]:
    yield from batch_norms()
    yield from layer_norms()
    yield from group_norms()
    yield from others()


def cases() -> Iterator[Case]:
    return draw("normalizing", recipes())
