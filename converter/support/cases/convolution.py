"""Conv and ConvTranspose in one to three dimensions: a grid of what networks use, and draws from the whole space."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, Recipe, draw, node

GROUPINGS = {
    # channels in, channels out, groups
    "plain": (4, 8, 1),
    "wide": (16, 17, 1),
    "first": (3, 16, 1),
    "to one": (8, 1, 1),
    "from one": (1, 4, 1),
    "grouped": (8, 16, 4),
    "grouped odd": (6, 9, 3),
    "depthwise": (8, 8, 8),
    "depthwise wide": (16, 16, 16),
    "depthwise odd": (3, 3, 3),
    "multiplied": (4, 8, 4),
}
"""What a convolution does to channels."""

DEEP = {"64 to 12": (256, 48, 4), "96 to 28": (384, 112, 4), "128 to 12": (256, 24, 2), "96 to 15": (288, 45, 3)}
"""The same of groups that read many channels and make no multiple of eight."""


def conv(
    spatial: tuple[int, ...],
    kernel: tuple[int, ...],
    grouping: str = "plain",
    *,
    batch: int = 1,
    bias: bool = True,
    weights: str = "constant",
    shape_attribute: bool = True,
    write_group: bool = False,
    **attributes: Any,
) -> Recipe:
    """One Conv. `weights`: "constant", "fed", or "bias fed" (only the bias comes at run time)."""
    inward, outward, groups = {**GROUPINGS, **DEEP}[grouping]
    operands = [
        Operand((batch, inward, *spatial)),
        Operand((outward, inward // groups, *kernel), "small", constant=weights != "fed"),
    ]
    if bias:
        operands.append(Operand((outward,), constant=weights == "constant"))
    shape = kernel if shape_attribute else None
    group = groups if groups > 1 or write_group else None
    return node("Conv", *operands, kernel_shape=shape, group=group, **attributes)


def conv_grid() -> Iterator[Recipe]:
    """What networks use, in every combination."""
    for kernel, stride, grouping, bias in product((1, 2, 3, 5, 7), (1, 2), GROUPINGS, (True, False)):
        pad = kernel // 2
        yield conv(
            (8, 8) if bias else (9, 6),
            (kernel, kernel),
            grouping,
            bias=bias,
            pads=[pad] * 4,
            strides=[stride] * 2,
            dilations=[1, 1],
            shape_attribute=(kernel + stride) % 2 == 0,
        )
    for kernel, shape_attribute, grouping in product((1, 3, 5, 7), (True, False), ("plain", "depthwise", "grouped")):
        for weights in ("constant", "fed", "bias fed"):
            yield conv((7, 9), (kernel,) * 2, grouping, weights=weights, shape_attribute=shape_attribute)
            yield conv((7, 9), (kernel,) * 2, grouping, weights=weights, shape_attribute=shape_attribute, auto_pad="NOTSET",
                       dilations=[1, 1], pads=[kernel // 2] * 4, strides=[1, 1], write_group=True)  # fmt: skip
    for auto, kernel, stride, grouping in product(
        ("SAME_UPPER", "SAME_LOWER", "VALID"), (1, 2, 3, 5), (1, 2, 3), ("plain", "depthwise")
    ):
        for spatial in ((8, 8), (7, 10)):
            yield conv(spatial, (kernel,) * 2, grouping, auto_pad=auto, strides=[stride] * 2)
    for kernel, dilation, grouping in product((2, 3, 5), (2, 3), ("plain", "depthwise", "grouped")):
        for stride in (1, 2):
            pad = dilation * (kernel - 1) // 2
            yield conv(
                (13, 11), (kernel,) * 2, grouping, dilations=[dilation] * 2, pads=[pad] * 4, strides=[stride] * 2
            )
    for oblong, grouping in product(
        ((1, 3), (3, 1), (1, 7), (7, 1), (3, 5), (2, 3), (1, 11), (11, 1)), ("plain", "depthwise")
    ):
        up, left = oblong[0] // 2, oblong[1] // 2
        yield conv((8, 9), oblong, grouping, pads=[up, left, up, left])
        yield conv((12, 13), oblong, grouping, strides=[2, 1])
    for pads in ([0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 2, 1], [2, 1, 0, 3], [1, 2, 1, 2]):
        for grouping, stride in product(("plain", "depthwise", "first"), (1, 2)):
            yield conv((8, 7), (3, 3), grouping, pads=pads, strides=[stride] * 2)


def conv_deep() -> Iterator[Recipe]:
    """Large enough for the kernels that OpenCV uses in networks."""
    for kernel, stride, grouping, bias in product((1, 3, 5), (1, 2), DEEP, (True, False)):
        pads, strides = [kernel // 2] * 4, [stride] * 2
        yield conv((9, 9), (kernel,) * 2, grouping, pads=pads, strides=strides, dilations=[1, 1], bias=bias)


def conv_drawn() -> Iterator[Recipe]:
    """Every attribute drawn: what fits by accident on one extent does not on another."""
    rng = np.random.default_rng(20)
    made = 0
    while made < 200:
        rank = int(rng.choice([1, 2, 2, 2, 3]))
        kernel = rng.integers(1, 6 if rank < 3 else 4, rank)
        dilation = rng.choice([1, 1, 2, 3], rank)
        spatial = rng.integers(5, 13 if rank < 3 else 8, rank)
        pads = rng.integers(0, 3, 2 * rank)
        if np.any(spatial + pads[:rank] + pads[rank:] < dilation * (kernel - 1) + 1):
            continue
        made += 1
        yield conv(
            tuple(map(int, spatial)),
            tuple(map(int, kernel)),
            str(rng.choice(list(GROUPINGS))),
            batch=int(rng.choice([1, 1, 2])),
            bias=bool(rng.random() < 0.6),
            weights=str(rng.choice(["constant", "constant", "constant", "fed"])),
            shape_attribute=bool(rng.random() < 0.7),
            pads=pads.tolist(),
            strides=rng.choice([1, 1, 2, 3], rank).tolist(),
            dilations=dilation.tolist(),
        )


def conv_more() -> Iterator[Recipe]:
    """Two dimensions again, from what networks choose: usual kernels, strides, paddings, groups; written this way and that."""
    rng = np.random.default_rng(24)
    for number in range(260):
        kernel = int(rng.choice([1, 1, 2, 3, 3, 3, 4, 5, 7]))
        stride = int(rng.choice([1, 1, 2, 2, 3, 4]))
        dilation = int(rng.choice([1, 1, 1, 2])) if kernel > 1 else 1
        pad = dilation * (kernel - 1) // 2 if rng.random() < 0.7 else int(rng.integers(0, 2))
        pads = [pad] * 4 if rng.random() < 0.8 else [pad, pad, pad + 1, pad + 1]
        if rng.random() < 0.1:
            pads = [pad + 1, pad + 1, pad, pad]
        if dilation * (kernel - 1) >= 9 + 2 * pad:
            continue
        yield conv(
            tuple(map(int, rng.integers(9, 14, 2))),
            (kernel, kernel),
            str(rng.choice(list(GROUPINGS))),
            batch=int(rng.choice([1, 1, 1, 2])),
            bias=bool(rng.random() < 0.5),
            weights=str(rng.choice(["constant"] * 5 + ["fed", "bias fed"])),
            shape_attribute=bool(number % 3),
            write_group=bool(number % 2),
            auto_pad="NOTSET" if number % 4 == 1 else None,
            pads=pads,
            strides=[stride] * 2,
            dilations=[dilation] * 2 if dilation > 1 or number % 2 else None,
        )
    for kernel, grouping, stride, written in product(
        (1, 3, 5), ("plain", "depthwise", "grouped", "first"), (1, 2), (True, False)
    ):
        around = [kernel // 2] * 4 if kernel > 1 else None
        fed = "fed" if stride == 1 or written else "bias fed"
        yield conv(
            (9, 8),
            (kernel, kernel),
            grouping,
            weights=fed,
            shape_attribute=written,
            bias=False,
            strides=[stride] * 2,
            pads=around,
        )
        yield conv(
            (8, 7), (kernel, kernel), grouping, weights=fed, shape_attribute=written, strides=[stride] * 2, pads=around
        )
    for oblong in ((1, 5), (5, 1), (1, 11), (11, 1), (1, 8), (8, 1), (1, 21)):
        for grouping, bias in product(("plain", "depthwise"), (True, False)):
            up, left = oblong[0] // 2, oblong[1] // 2
            yield conv((9, 21), oblong if oblong[0] < 9 else (9, 1), grouping, bias=bias, pads=[up, left, up, left])
            yield conv((oblong[0], 21), oblong, grouping, bias=bias)


def conv_of_other_ranks() -> Iterator[Recipe]:
    """Signals and volumes."""
    for kernel, stride, grouping, bias in product(
        (1, 2, 3, 5), (1, 2), ("plain", "grouped", "depthwise", "wide"), (True, False)
    ):
        yield conv((11,), (kernel,), grouping, bias=bias, pads=[kernel // 2] * 2, strides=[stride])
    for kernel, stride, grouping, bias in product((1, 2, 3), (1, 2), ("plain", "grouped", "depthwise"), (True, False)):
        yield conv((5, 6, 7), (kernel,) * 3, grouping, bias=bias, pads=[kernel // 2] * 6, strides=[stride] * 3)
    for rank, auto in product((1, 3), ("SAME_UPPER", "SAME_LOWER", "VALID")):
        yield conv((9, 6, 7)[:rank], (3,) * rank, auto_pad=auto, strides=[2] * rank)
    for rank in (1, 3):
        yield conv((9, 6, 7)[:rank], (3,) * rank, dilations=[2] * rank)
        yield conv((9, 6, 7)[:rank], (3,) * rank, weights="fed")
        yield conv((9, 6, 7)[:rank], (3,) * rank, batch=2, shape_attribute=False)


def conv_bigger() -> Iterator[Recipe]:
    """Sizes at which an engine may choose other loops: patches, many channels, one pixel, batches."""
    sizes = (
        # spatial, kernel, stride, channels in and out, groups
        ((16, 16), 16, 16, 3, 12, 1), ((16, 16), 4, 4, 3, 24, 1), ((14, 14), 14, 14, 3, 8, 1), ((16, 16), 8, 8, 3, 16, 1),
        ((14, 14), 3, 1, 32, 32, 1), ((7, 7), 3, 1, 64, 64, 1), ((7, 7), 1, 1, 64, 128, 1), ((1, 1), 1, 1, 64, 16, 1),
        ((1, 1), 1, 1, 16, 64, 1), ((1, 1), 3, 1, 16, 16, 1), ((7, 7), 7, 1, 32, 32, 32), ((14, 14), 3, 2, 32, 32, 32),
        ((14, 14), 5, 1, 24, 24, 24), ((1, 9), 1, 1, 8, 8, 1), ((9, 1), 1, 1, 8, 8, 1), ((2, 2), 3, 1, 8, 8, 8),
        ((2, 2), 3, 2, 8, 8, 1), ((32, 32), 3, 2, 3, 8, 1), ((32, 32), 7, 2, 3, 8, 1), ((32, 32), 3, 1, 8, 8, 2),
        ((16, 16), 9, 1, 12, 12, 12), ((16, 16), 13, 1, 6, 6, 6), ((12, 12), 3, 1, 20, 20, 4), ((12, 12), 3, 1, 33, 35, 1),
    )  # fmt: skip
    for (spatial, kernel, stride, inward, outward, groups), batch, bias in product(sizes, (1, 2), (True, False)):
        pad = 0 if stride == kernel else kernel // 2
        operands = [
            Operand((batch, inward, *spatial)),
            Operand((outward, inward // groups, kernel, kernel), "small", constant=True),
        ]
        if bias:
            operands.append(Operand((outward,), constant=True))
        yield node("Conv", *operands, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups)


def transposed() -> Iterator[Recipe]:
    """ConvTranspose: strides, padding of the output, groups, asked-for output shapes."""

    def one(spatial: tuple[int, ...], kernel: int, groups: int = 1, *, bias: bool = True, fed: bool = False,
            written: bool = True, batch: int = 1, **attributes: Any) -> Recipe:  # fmt: skip
        rank = len(spatial)
        operands = [
            Operand((batch, 4, *spatial)),
            Operand((4, 6 // (2 if groups > 1 else 1), *[kernel] * rank), "small", constant=not fed),
        ]
        if bias:
            outward = operands[1].shape[1] * groups
            operands.append(Operand((outward,), constant=True))
        shape = [kernel] * rank if written else None
        return node("ConvTranspose", *operands, kernel_shape=shape, group=groups if groups > 1 else None, **attributes)

    for kernel, stride, groups, bias in product((1, 2, 3, 4), (1, 2, 3), (1, 2, 4), (True, False)):
        yield one((5, 4), kernel, groups, bias=bias, strides=[stride] * 2)
        pad = max(kernel - stride, 0) // 2
        yield one((4, 5), kernel, groups, bias=bias, strides=[stride] * 2, pads=[pad] * 4, dilations=[1, 1])
    for kernel, stride, extra in product((2, 3, 4), (2, 3), (0, 1)):
        yield one((5, 4), kernel, strides=[stride] * 2, pads=[1] * 4, output_padding=[extra] * 2, written=False)
        yield one((5, 4), kernel, strides=[stride] * 2, pads=[1] * 4, output_padding=[extra] * 2, batch=2)
    for auto, kernel, stride in product(("SAME_UPPER", "SAME_LOWER", "VALID"), (2, 3, 4), (1, 2)):
        yield one((5, 4), kernel, auto_pad=auto, strides=[stride] * 2)
    for kernel, stride in product((2, 3), (1, 2)):
        yield one((5, 4), kernel, strides=[stride] * 2, dilations=[2, 2])
        yield one((5, 4), kernel, strides=[stride] * 2, fed=True)
        yield one((5, 4), kernel, strides=[stride] * 2, pads=[0, 1, 1, 0])
        for rank in (1, 3):
            yield one((5, 4, 3)[:rank], kernel, strides=[stride] * rank)
            yield one((5, 4, 3)[:rank], kernel, strides=[stride] * rank, pads=[1] * 2 * rank, bias=False, written=False)
    for size in ([10, 8], [11, 9], [10, 9]):
        yield one((5, 4), 3, strides=[2, 2], output_shape=size)


def dtypes() -> Iterator[Recipe]:
    """Half and double precision."""
    for dtype, kernel, groups in product(("float16", "float64"), (1, 3), (1, 4)):
        weights = Operand((4, 4 // groups, kernel, kernel), "small", dtype, constant=True)
        yield node("Conv", Operand((1, 4, 6, 5), dtype=dtype), weights, kernel_shape=[kernel] * 2, group=groups)


def recipes() -> Iterator[Recipe]:
    yield from conv_grid()
    yield from conv_drawn()
    yield from conv_deep()
    yield from conv_more()
    yield from conv_of_other_ranks()
    yield from conv_bigger()
    yield from transposed()
    yield from dtypes()


def cases() -> Iterator[Case]:
    return draw("convolution", recipes())
