"""The same elements in another shape or order: Transpose, Reshape and its kin, Expand, Tile, blocks to space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES, Operand, Recipe, draw, feed, ints, node, scalar

Shape = tuple[int, ...]
Pair = tuple[Shape, Shape]


def transposes() -> Iterator[Recipe]:
    """Every permutation up to rank 4, for batches and for one; what exporters write at ranks 5 and 6."""
    shape: Shape
    perm: Sequence[int]
    for shape in ((6,), (3, 5), (1, 7), (2, 3, 4), (1, 3, 4), (2, 3, 4, 5), (1, 3, 4, 5)):
        for perm in permutations(range(len(shape))):
            yield node("Transpose", Operand(shape), perm=perm)
        yield node("Transpose", Operand(shape))
    for shape, perms in (
        (
            (1, 3, 2, 4, 5),
            (
                "20314",
                "03142",
                "04123",
                "02341",
                "01342",
                "20134",
                "30124",
                "01243",
                "04312",
                "10234",
                "02134",
                "03124",
            ),
        ),
        ((2, 3, 2, 4, 5), ("20314", "03142", "04123", "02341", "01342", "20134", "43210", "01432", "02314")),
        (
            (1, 2, 3, 2, 4, 5),
            ("013245", "031425", "301245", "024135", "240135", "304125", "531420", "014253", "012354", "025134"),
        ),
        ((2, 2, 3, 2, 4, 5), ("013245", "031425", "240135", "504123", "032145")),
        ((1, 2, 3, 2, 3, 2, 2), ("0132456", "0152346")),
    ):
        for digits in perms:
            yield node("Transpose", Operand(shape), perm=[int(axis) for axis in digits])
    rng = np.random.default_rng(25)
    for rank in (3, 4, 5, 6):
        usual = [
            (*range(rank - 2), rank - 1, rank - 2),
            (0, *range(2, rank), 1),
            (0, rank - 1, *range(1, rank - 1)),
            (0, 2, 1, *range(3, rank)),
        ]
        for shape in SHAPES[rank]:
            for perm in dict.fromkeys((*usual, *(tuple(rng.permutation(rank).tolist()) for _ in range(rank - 2)))):
                yield node("Transpose", Operand(shape), perm=perm)
    for dtype, shape in product(("int64", "int32", "float16", "uint8", "bool", "float64"), ((2, 3, 4, 5), (3, 5))):
        yield node("Transpose", Operand(shape, dtype=dtype), perm=[*range(1, len(shape)), 0])
    for shape, perm in (
        ((1, 1, 8), (0, 2, 1)),
        ((1, 9, 1, 4), (0, 2, 1, 3)),
        ((1, 1, 5, 7), (0, 2, 3, 1)),
        ((1, 8, 1, 1), (0, 2, 3, 1)),
    ):
        yield node("Transpose", Operand(shape), perm=perm)


RESHAPES: tuple[tuple[Shape, tuple[Shape, ...]], ...] = (
    ((24,), ((4, 6), (2, -1, 3), (-1,), (1, 2, 3, 4), (24, 1), (1, 24))),
    ((4, 6), ((24,), (6, 4), (-1,), (2, 2, 6), (1, 4, 6), (0, 2, 3), (1, 4, 2, 3), (4, -1, 1, 1), (0, -1, 1, 1), (0, 0, 1))),
    ((1, 12), ((1, 12, 1, 1), (12,), (3, 4), (1, 3, 4), (-1, 12), (1, 3, 2, 2))),
    ((2, 3, 4), ((24,), (6, 4), (2, 12), (2, 3, 2, 2), (0, -1), (0, 0, 2, -1), (-1, 4), (2, 3, 4, 1), (1, 2, 3, 4),
    (0, 0, -1))),
    ((1, 9, 8), ((1, 3, 3, 8), (9, 8), (1, 9, 2, 4), (1, 9, -1, 2, 2), (1, 72), (0, 9, 4, 2), (-1, 3, 8), (1, 8, 3, 3))),
    ((1, 9, 24), ((1, 9, 3, 4, 2), (0, 0, 3, 4, -1), (1, 3, 3, 24), (9, 3, 8))),
    ((2, 3, 4, 5), ((2, 60), (6, 20), (2, 3, 20), (2, 12, 5), (0, 0, -1), (0, -1), (-1, 5), (120,), (-1,), (2, 3, 2, 2, 5),
                    (5, 4, 3, 2), (1, 6, 4, 5), (2, 1, 3, 4, 5), (0, -1, 4, 5))),
    ((1, 8, 4, 6), ((1, 8, 24), (1, 192), (1, 2, 4, 4, 6), (1, 8, 2, 2, 3, 2), (8, 24), (1, -1), (1, 4, 2, 4, 6),
    (1, 16, 2, 6), (1, 8, 1, 24),
                    (0, 2, 4, 4, 6), (1, 8, -1), (8, 4, 6), (1, 2, 96), (4, 2, 4, 6))),
    ((1, 16, 1, 1), ((1, 16), (16,), (1, 4, 4), (1, 1, 16), (1, 2, 8), (1, 1, 16, 1), (1, 2, 8, 1, 1), (0, -1))),
    ((1, 4, 6, 8), ((1, 2, 2, 3, 2, 8), (1, 24, 8), (24, 8), (1, 4, 48))),
    ((1, 2, 3, 4, 2), ((1, 6, 4, 2), (1, 2, 3, 8), (1, 48), (1, 2, 12, 2), (2, 3, 4, 2), (6, 8), (0, 0, -1), (1, 2, 24))),
    ((2, 2, 3, 4, 2), ((2, 6, 4, 2), (4, 3, 4, 2), (2, 48), (2, 2, 24))),
    ((1, 2, 3, 2, 4, 2), ((1, 6, 8, 2), (6, 2, 4, 2), (1, 2, 3, 2, 8), (1, 12, 8), (6, 16), (1, 6, 16))),
    ((1, 2, 2, 3, 2, 4), ((4, 6, 4), (1, 4, 6, 4), (1, 4, 24))),
)  # fmt: skip


def regrouped(rng: np.random.Generator) -> Pair:
    """Two shapes of one size: factors grouped in two ways, with ones put in; batch 1 mostly."""
    factors = rng.integers(2, 4, rng.integers(2, 6)).tolist()

    def group() -> Shape:
        cuts = rng.random(len(factors) - 1) < 0.6
        sizes = [factors[0]]
        for factor, cut in zip(factors[1:], cuts, strict=True):
            sizes = [*sizes, factor] if cut else [*sizes[:-1], sizes[-1] * factor]
        if rng.random() < 0.7:
            sizes.insert(0, 1)
        if rng.random() < 0.3:
            sizes.insert(int(rng.integers(0, len(sizes) + 1)), 1)
        return tuple(sizes)

    while True:
        before, after = group(), group()
        if before != after and len(before) < 7 and len(after) < 7:
            return before, after


def reshapes_drawn() -> Iterator[Recipe]:
    """Between all ranks; the target as numbers, with -1, with 0 where an axis stays, with allowzero as torch.onnx writes it."""
    rng = np.random.default_rng(26)
    for number in range(420):
        before, after = regrouped(rng)
        target = list(after)
        if number % 2:
            target[int(rng.integers(len(target)))] = -1
        if number % 5 == 0 and before[0] == after[0]:
            target[0] = 0
        allowzero = (None, 1, 0)[number % 3] if 0 not in target else None
        yield node("Reshape", Operand(before), ints(*target), allowzero=allowzero)


def reshapes() -> Iterator[Recipe]:
    """Reshape with 0 and -1, Flatten on every axis."""
    for shape, targets in RESHAPES:
        for target in targets:
            yield node("Reshape", Operand(shape), ints(*target))
            if 0 not in target:
                yield node("Reshape", Operand(shape), ints(*target), allowzero=1)
        yield node("Reshape", Operand(shape), ints(*targets[0]), allowzero=0)
    for shape, target in (((2, 12), (4, 6)), ((1, 8, 4, 6), (1, 8, 24)), ((2, 3, 4), (24,))):
        for dtype in ("int64", "int32", "bool", "float16", "uint8", "float64"):
            yield node("Reshape", Operand(shape, dtype=dtype), ints(*target))
    for shape in ((6,), (3, 5), (2, 3, 4), (2, 3, 4, 5), (1, 3, 4, 5), (1, 16, 1, 1), (1, 2, 3, 4, 2)):
        for axis in (*range(len(shape) + 1), -1, None):
            yield node("Flatten", Operand(shape), axis=axis)


def squeezes() -> Iterator[Recipe]:
    """Squeeze and Unsqueeze: axes as input, as attribute before opset 13, not given, negative."""
    shape: Shape
    for shape in (
        (1, 3),
        (3, 1),
        (1, 1),
        (1, 3, 1),
        (2, 1, 3),
        (1, 4, 5),
        (1, 3, 1, 4),
        (2, 3, 1, 1),
        (1, 1, 1, 6),
        (1, 8, 1, 1),
        (1, 2, 1, 3, 4),
        (1, 1),
    ):
        ones = [axis for axis, extent in enumerate(shape) if extent == 1]
        for count in range(1, len(ones) + 1):
            for axes in combinations(ones, count):
                yield node("Squeeze", Operand(shape), ints(*axes))
                yield node("Squeeze", Operand(shape), axes=axes, opset=11)
                if count < 3:
                    yield node("Squeeze", Operand(shape), ints(*(axis - len(shape) for axis in axes)))
        yield node("Squeeze", Operand(shape))
    for shape in ((), (6,), (1,), (3, 5), (1, 8), (2, 3, 4), (1, 3, 4), (2, 3, 4, 5), (1, 3, 4, 5), (1, 3, 1, 1)):
        for count in (1, 2, 3):
            rank = len(shape) + count
            if rank > 6 or (count == 3 and rank > 5):
                continue
            for number, axes in enumerate(combinations(range(rank), count)):
                if count > 1 and len(shape) > 2 and number % 3:
                    continue
                yield node("Unsqueeze", Operand(shape), ints(*axes))
                if count < 3:
                    yield node("Unsqueeze", Operand(shape), axes=axes, opset=11)
                if count == 1:
                    yield node("Unsqueeze", Operand(shape), ints(*(axis - rank for axis in axes)))
    for shape in (shape for rank in (2, 3, 4, 5, 6) for shape in SHAPES[rank]):
        for axis, extent in enumerate(shape):
            if extent == 1:
                yield node("Squeeze", Operand(shape), ints(axis))
        for axis in (*range(len(shape) + 1), -1):
            if len(shape) < 6:
                yield node("Unsqueeze", Operand(shape), ints(axis))
        for axis in range(1, len(shape)):
            yield node("Flatten", Operand(shape), axis=axis)
    for dtype in ("int64", "int32", "bool", "float16"):
        yield node("Unsqueeze", Operand((3, 5), dtype=dtype), ints(0))
        yield node("Squeeze", Operand((1, 3, 5), dtype=dtype), ints(0))


def repeats() -> Iterator[Recipe]:
    """Expand and Tile."""
    for shape, targets in (
        ((1,), ((6,), (3, 5), (2, 3, 4))),
        ((6,), ((6,), (2, 6), (1, 3, 6), (1, 2, 3, 6))),
        ((1, 5), ((3, 5), (1, 1), (2, 3, 5), (1, 2, 3, 5))),
        ((3, 1), ((3, 5), (3, 1), (2, 3, 5))),
        ((1, 1, 8), ((1, 1, 8), (2, 1, 8), (1, 6, 8), (2, 6, 8), (1, 1, 1))),
        ((1, 6, 1), ((1, 6, 8), (2, 6, 8))),
        ((2, 1, 8), ((2, 6, 8), (1, 6, 1))),
        ((1, 4, 1, 1), ((1, 4, 5, 7), (2, 4, 5, 7), (1, 1, 5, 7), (1, 4, 1, 1))),
        ((1, 1, 5, 7), ((1, 4, 5, 7), (2, 4, 5, 7), (2, 1, 5, 7))),
        ((1, 4, 1, 7), ((1, 4, 5, 7), (1, 4, 5, 1))),
        ((1, 4, 5, 1), ((1, 4, 5, 7),)),
        ((1, 4, 5, 7), ((2, 4, 5, 7), (1, 4, 5, 7), (3, 1, 4, 5, 7))),
        ((1, 2, 1, 3, 4), ((1, 2, 3, 3, 4), (1, 2, 2, 3, 1))),
        ((1, 2, 1, 3, 1, 4), ((1, 2, 2, 3, 2, 4),)),
        ((), ((3,), (2, 3), (1, 2, 3, 4))),
    ):
        for target in targets:
            yield node("Expand", Operand(shape), ints(*target))
            if len(target) < 4:
                yield node("Expand", Operand(shape, dtype="int64"), ints(*target))
    for shape in ((6,), (3, 5), (2, 3, 4), (1, 3, 4, 5), (2, 3, 4, 5), (1, 4, 1, 1), (1, 2, 3, 2, 2)):
        rank = len(shape)
        counts = {tuple(2 if a == axis else 1 for a in range(rank)) for axis in range(rank)}
        counts |= {tuple([1] * rank), tuple([2] * rank), (3, *[1] * (rank - 1)), (*[1] * (rank - 1), 3)}
        for count in sorted(counts):
            yield node("Tile", Operand(shape), ints(*count))


def repeats_drawn() -> Iterator[Recipe]:
    """Axes of one made larger, new axes put before; and tiled likewise."""
    rng = np.random.default_rng(27)
    for number in range(120):
        rank = int(rng.choice([3, 4, 5, 6]))
        shape = SHAPES[rank][rng.integers(len(SHAPES[rank]))]
        target = [int(rng.integers(2, 5)) if extent == 1 and rng.random() < 0.5 else extent for extent in shape]
        if number % 2:
            yield node("Expand", Operand(shape), ints(*target))
            yield node(
                "Expand", Operand(shape), ints(*(1 if a == b else b for a, b in zip(shape, target, strict=True)))
            )
        else:
            yield node("Tile", Operand(shape), ints(*(b // a for a, b in zip(shape, target, strict=True))))
            yield node("Tile", Operand(shape), ints(*rng.integers(1, 3, rank).tolist()))


def blocks() -> Iterator[Recipe]:
    """DepthToSpace in both orders, SpaceToDepth, the distributing of channels."""
    for size, batch, mode in product((1, 2, 3, 4), (1, 2), (None, "DCR", "CRD")):
        for spatial in ((3, 5), (1, 1), (1, 4)):
            yield node("DepthToSpace", Operand((batch, size * size * 2, *spatial)), blocksize=size, mode=mode)
    for size, batch in product((1, 2, 3, 4), (1, 2)):
        for heights in (1, 2, 3):
            yield node("SpaceToDepth", Operand((batch, 3, size * heights, size * 2)), blocksize=size)


def shapes() -> Iterator[Recipe]:
    """What turns a shape into data."""
    k: int | None
    for shape in ((6,), (3, 5), (2, 3, 4), (1, 3, 4, 5), (1, 2, 3, 4, 5)):
        yield node("Shape", Operand(shape))
        yield node("Shape", Operand(shape), start=len(shape) - 1)
        # of one axis, -2 and -1 would both be clamped to 0, and nothing be left
        yield node("Shape", Operand(shape), start=-min(2, len(shape)), end=-1 if len(shape) > 1 else None)
        yield node("Size", Operand(shape))
    for shape in ((3, 4), (4, 3), (4, 4)):
        for k, dtype in product((0, 1, -1), (1, 7)):
            yield node("EyeLike", Operand(shape), k=k, dtype=dtype)
    for shape in ((4, 5), (2, 4, 5), (1, 3, 4, 5)):
        for upper, k in product((0, 1), (None, -1, 0, 1, 2)):
            yield node("Trilu", Operand(shape), *([] if k is None else [np.asarray(k, np.int64)]), upper=upper)
    yield node("Trilu", Operand((4, 5), dtype="bool"), upper=1)
    yield node("Trilu", Operand((4, 5), dtype="int64"), upper=0)
    for values in ((0.0, 6.0, 1.0), (5.0, 0.0, -2.0)):
        yield node(
            "Range",
            feed(kind="zeros"),
            *(scalar(v) for v in (abs(values[0] - values[1]), abs(values[2]))),
        )


def recipes() -> Iterator[Recipe]:
    yield from transposes()
    yield from reshapes_drawn()
    yield from reshapes()
    yield from squeezes()
    yield from repeats()
    yield from repeats_drawn()
    yield from blocks()
    yield from shapes()


def cases() -> Iterator[Case]:
    return draw("shaping", recipes())
