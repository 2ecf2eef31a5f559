"""Pools: windows, paddings, what counts at the border; and the global ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, Recipe, draw, node

SPATIAL = {1: (11,), 2: (8, 9), 3: (6, 5, 7)}


def grid() -> Iterator[Recipe]:
    """What networks use."""
    attributes: dict[str, Any]
    window: tuple[int, int]
    for op, kernel, stride, ceil in product(("MaxPool", "AveragePool"), (1, 2, 3, 5), (1, 2, 3), (0, 1)):
        for pad in {0, kernel // 2}:
            for spatial in ((8, 8), (7, 10)):
                attributes = {
                    "kernel_shape": [kernel] * 2,
                    "strides": [stride] * 2,
                    "pads": [pad] * 4,
                    "ceil_mode": ceil,
                }
                if op == "MaxPool":
                    yield node(op, Operand((1, 4, *spatial)), **attributes)
                    continue
                for counted in (0, 1) if pad else (0,):
                    yield node(op, Operand((1, 4, *spatial)), count_include_pad=counted, **attributes)
    for op, kernel, stride, auto in product(
        ("MaxPool", "AveragePool"), (2, 3), (1, 2), ("SAME_UPPER", "SAME_LOWER", "VALID")
    ):
        for spatial in ((8, 8), (7, 10)):
            yield node(op, Operand((1, 3, *spatial)), kernel_shape=[kernel] * 2, strides=[stride] * 2, auto_pad=auto)
    for op, window in product(("MaxPool", "AveragePool"), ((1, 3), (3, 1), (2, 3), (8, 9), (8, 1), (1, 9), (4, 9))):
        yield node(op, Operand((1, 3, 8, 9)), kernel_shape=window)
        yield node(op, Operand((2, 5, 8, 9)), kernel_shape=window, strides=window)
    for op, pads, stride in product(
        ("MaxPool", "AveragePool"), ([0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 1, 0]), (1, 2)
    ):
        yield node(op, Operand((1, 3, 8, 9)), kernel_shape=[3, 3], strides=[stride] * 2, pads=pads)
        if op == "AveragePool":
            yield node(
                op, Operand((1, 3, 8, 9)), kernel_shape=[3, 3], strides=[stride] * 2, pads=pads, count_include_pad=1
            )


def windows() -> Iterator[Recipe]:
    """Kernels as large as the map, strides as large as the kernel, spatial pyramids: batches, borders that count or not."""
    sizes = (
        # kernel, stride, pad
        (1, 1, 0), (1, 2, 0), (2, 2, 0), (4, 4, 0), (8, 8, 0), (3, 2, 0), (3, 1, 0), (2, 1, 0), (5, 1, 2), (9, 1, 4),
        (13, 1, 6), (3, 3, 1), (7, 1, 3),
    )  # fmt: skip
    for (kernel, stride, pad), batch, size in product(sizes, (1, 2), ((16, 16), (17, 16))):
        shape: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        yield node("MaxPool", Operand((batch, 3, *size)), **shape)
        yield node(
            "MaxPool",
            Operand((batch, 3, *size)),
            ceil_mode=0,
            auto_pad="NOTSET",
            storage_order=0,
            dilations=[1, 1],
            **shape,
        )
        for counted in (0, 1):
            yield node(
                "AveragePool",
                Operand((batch, 3, *size)),
                count_include_pad=counted,
                ceil_mode=0,
                auto_pad="NOTSET",
                **shape,
            )
            if batch == 1 and kernel > 1:
                yield node("AveragePool", Operand((batch, 3, *size)), count_include_pad=counted, ceil_mode=1, **shape)
    for window in ((1, 8), (8, 1), (16, 2), (2, 16), (16, 16), (4, 8)):
        yield node("MaxPool", Operand((1, 3, 16, 16)), kernel_shape=window, strides=window)
        yield node("MaxPool", Operand((1, 3, 16, 16)), kernel_shape=window, strides=window, ceil_mode=0)
        yield node("AveragePool", Operand((1, 3, 16, 16)), kernel_shape=window, strides=window)
        yield node("AveragePool", Operand((1, 3, 16, 16)), kernel_shape=window, strides=window, count_include_pad=1)


def drawn() -> Iterator[Recipe]:
    """Every attribute drawn, in one to three dimensions."""
    rng = np.random.default_rng(21)
    for _ in range(140):
        op = str(rng.choice(["MaxPool", "AveragePool", "LpPool"]))
        rank = int(rng.choice([1, 2, 2, 3]))
        kernel = rng.integers(2, 5, rank)
        pads = rng.integers(0, 2, 2 * rank)
        dilations = rng.integers(1, 3, rank) if op == "MaxPool" and rng.random() < 0.3 else np.ones(rank, int)
        if np.any(dilations * (kernel - 1) + 1 > np.array(SPATIAL[rank]) + pads[:rank] + pads[rank:]):
            continue
        yield node(
            op,
            Operand((int(rng.choice([1, 2])), int(rng.choice([1, 3, 4])), *SPATIAL[rank])),
            kernel_shape=kernel.tolist(),
            strides=rng.integers(1, 4, rank).tolist(),
            pads=pads.tolist(),
            ceil_mode=int(rng.random() < 0.3) if op != "LpPool" else None,
            dilations=dilations.tolist() if op == "MaxPool" and dilations.max() > 1 else None,
            count_include_pad=int(rng.random() < 0.5) if op == "AveragePool" else None,
            p=int(rng.integers(1, 4)) if op == "LpPool" else None,
        )


def whole() -> Iterator[Recipe]:
    """Global pools over every rank."""
    for op, batch, channels in product(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), (1, 2), (1, 5, 16)):
        for spatial in ((5, 7), (1, 1), (8, 1), (6,), (3, 4, 5)):
            yield node(op, Operand((batch, channels, *spatial)))


def with_indices() -> Iterator[Recipe]:
    """MaxPool that also says where; other element types; nothing but a kernel."""
    for kernel, stride in product((2, 3), (1, 2)):
        yield node(
            "MaxPool", Operand((1, 3, 6, 8), "distinct"), outputs=2, kernel_shape=[kernel] * 2, strides=[stride] * 2
        )
    for op, dtype in product(("MaxPool", "AveragePool", "GlobalAveragePool"), ("float16", "float64")):
        window = None if op.startswith("Global") else [2, 2]
        yield node(op, Operand((1, 3, 6, 8), dtype=dtype), kernel_shape=window)
    for op, rank in product(("MaxPool", "AveragePool"), (1, 2, 3)):
        yield node(op, Operand((1, 3, *SPATIAL[rank])), kernel_shape=[2] * rank)
        yield node(
            op, Operand((1, 3, *SPATIAL[rank])), kernel_shape=[3] * rank, strides=[2] * rank, pads=[1] * 2 * rank
        )
    yield node("MaxPool", Operand((1, 3, 6, 8), dtype="uint8"), kernel_shape=[2, 2])


def recipes() -> Iterator[Recipe]:
    yield from grid()
    yield from windows()
    yield from drawn()
    yield from whole()
    yield from with_indices()


def cases() -> Iterator[Case]:
    return draw("pooling", recipes())
