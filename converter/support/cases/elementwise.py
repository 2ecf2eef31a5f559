"""Two operands, and how they broadcast: every pattern of ones and extents up to rank 4, constants on either side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES, Operand, Recipe, draw, floats, node, scalar

Shape = tuple[int, ...]
Pair = tuple[Shape, Shape]

EXTENTS = {1: (6,), 2: (3, 5), 3: (2, 5, 4), 4: (2, 3, 4, 5), 5: (2, 3, 2, 4, 5), 6: (1, 2, 3, 2, 4, 3)}
SIDES = ("both", "right", "left")
"""Which operand is a constant; "both" are run-time inputs."""

KINDS = {"Div": ("normal", "nonzero"), "Pow": ("positive", "unit"), "Mod": ("normal", "nonzero")}
ARITHMETIC = ("Add", "Mul", "Sub", "Div")
OTHERS = ("Pow", "Min", "Max", "PRelu", "Equal")
SELDOM = ("Mod", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
LOGIC = ("And", "Or", "Xor")


def patterns(rank: int) -> list[Pair]:
    """All pairs of shapes of the rank in which an axis is an extent or 1, for either operand."""
    axes = [[(n, n), (n, 1), (1, n), (1, 1)] for n in EXTENTS[rank]]
    return [(tuple(a for a, _ in pair), tuple(b for _, b in pair)) for pair in product(*axes)]


def one_sided(pair: Pair) -> bool:
    """One operand has the result's shape."""
    result = np.broadcast_shapes(*pair)
    return result in pair


USUAL: tuple[Pair, ...] = (
    # what networks do, batch 1 and more: gates, biases, masks, tokens, scalars
    *(((n, 4, 5, 7), other) for n in (1, 2) for other in (
        (n, 4, 5, 7), (1, 4, 5, 7), (n, 4, 1, 1), (1, 4, 1, 1), (n, 1, 5, 7), (1, 1, 5, 7), (1, 1, 1, 7), (1, 1, 5, 1),
        (1, 1, 1, 1), (n, 4, 1, 7), (n, 4, 5, 1), (4, 1, 1), (1, 1, 1), (5, 7), (7,), (1,), (), (4, 5, 7), (1, 5, 7),
        (1, 7), (5, 1), (1, 1), (4, 5, 1), (4, 1, 7))),
    *(((n, 6, 8), other) for n in (1, 2) for other in (
        (n, 6, 8), (1, 6, 8), (n, 1, 8), (n, 6, 1), (1, 1, 8), (1, 6, 1), (1, 1, 1), (8,), (6, 8), (6, 1), (1, 8), (1, 1),
        (1,), ())),
    *(((n, 9), other) for n in (1, 3) for other in ((n, 9), (1, 9), (n, 1), (1, 1), (9,), (1,), ())),
    *(((5,), other) for other in ((5,), (1,), ())),
    *(((n, 3, 2, 4, 5), other) for n in (1, 2) for other in (
        (n, 3, 2, 4, 5), (1, 3, 1, 1, 1), (n, 3, 1, 4, 5), (1, 1, 1, 4, 5), (n, 1, 2, 4, 5), (5,), (), (1,), (4, 5),
        (3, 1, 1, 1), (1, 1, 1, 1, 1), (3, 2, 4, 5), (n, 3, 2, 1, 1), (1, 3, 2, 1, 1), (n, 3, 2, 4, 1))),
    ((1, 2, 3, 2, 4, 3), (1, 2, 3, 2, 4, 3)), ((1, 2, 3, 2, 4, 3), (3,)), ((1, 2, 3, 2, 4, 3), ()),
    ((1, 2, 3, 2, 4, 3), (1, 2, 1, 1, 1, 1)),
)  # fmt: skip
"""Shapes of an operand and of a second one that broadcasts to it, with lower ranks and scalars."""


def pair_of(op: str, pair: Pair, side: str, dtype: str = "float32", **attributes: Any) -> Recipe:
    """The node on two shapes; `side` is the constant one."""
    kinds = KINDS.get(op, ("normal", "normal"))
    if dtype == "int64" and op == "Pow":
        kinds = ("few", "few")
    if op == "Equal" or (dtype != "float32" and op.startswith(("Less", "Greater"))):
        kinds = ("few", "few")
    left, right = (
        Operand(shape, kind, dtype, constant=side == name)
        for shape, kind, name in zip(pair, kinds, ("left", "right"), strict=True)
    )
    return node(op, left, right, **attributes)


def arithmetic() -> Iterator[Recipe]:
    """Add in every pattern; the others share them out, each getting every kind of axis with every kind of constant."""
    for rank in (1, 2, 3, 4):
        for number, pair in enumerate(patterns(rank)):
            yield pair_of("Add", pair, "both")
            if rank < 4 or number % 3 == 0:
                yield pair_of(ARITHMETIC[1 + number // 3 % 3], pair, "both" if number % 2 else "right")
            if one_sided(pair):
                yield pair_of(ARITHMETIC[number % 4], pair, "right")
                yield pair_of(ARITHMETIC[(number + 1) % 4], pair, "left")
    for number, (op, (left, right)) in enumerate(product(ARITHMETIC, USUAL)):
        yield pair_of(op, (left, right), "both")
        yield pair_of(op, (left, right), "right")
        yield pair_of(op, (right, left), "left")
        if op in ("Add", "Mul") or number % 4 == 0:
            yield pair_of(op, (right, left), "both")
        if number % 6 == 0:
            yield pair_of(op, (left, right), "left")


def drawn() -> Iterator[Recipe]:
    """Pairs of ranks 2 to 6: ones anywhere, leading axes left out, both operands growing."""
    rng = np.random.default_rng(22)
    for number in range(360):
        rank = int(rng.choice([2, 3, 3, 4, 4, 5, 5, 6]))
        base = SHAPES[rank][rng.integers(len(SHAPES[rank]))]
        left, right = (
            tuple(int(n) if keep else 1 for n, keep in zip(base, rng.random(rank) < p, strict=True)) for p in (0.9, 0.5)
        )
        right = right[int(rng.integers(0, rank)) if number % 3 == 0 else 0 :]
        pair = (left, right) if number % 2 else (right, left)
        yield pair_of(ARITHMETIC[number // 2 % 4], pair, str(rng.choice(SIDES)))


FEW: tuple[Pair, ...] = (
    *(((1, 4, 5, 7), other) for other in ((1, 4, 5, 7), (1, 4, 1, 1), (1, 1, 5, 7), (4, 1, 1), (7,), (1,), ())),
    *(((2, 6, 8), other) for other in ((2, 6, 8), (1, 1, 8), (2, 6, 1), (8,), (1,), ())),
    *(((3, 9), other) for other in ((3, 9), (1, 9), (3, 1), (9,), (1,), ())),
    ((5,), (5,)), ((5,), (1,)), ((5,), ()),
    ((1, 3, 2, 4, 5), (1, 3, 2, 4, 5)), ((1, 3, 2, 4, 5), (1,)), ((1, 3, 2, 4, 5), (3, 1, 1, 1)), ((1, 3, 2, 4, 5), ()),
)  # fmt: skip


def others() -> Iterator[Recipe]:
    """Powers, extremes, remainders, comparisons, logic."""
    seldom = [triple for number, triple in enumerate(product(SELDOM, FEW, SIDES)) if number % 2]
    for number, (op, pair, side) in enumerate((*product(OTHERS, FEW, SIDES), *seldom)):
        attributes: dict[str, Any] = {"fmod": 1} if op == "Mod" else {}
        if op == "PRelu" and side == "left":
            continue
        yield pair_of(op, pair, side, **attributes)
        if pair[0] != pair[1] and number % 2 and op != "PRelu":
            yield pair_of(op, (pair[1], pair[0]), side, **attributes)
    for op, pair, side in product(LOGIC, FEW[::2], ("both", "right")):
        yield pair_of(op, pair, side, "bool")
    for exponent, shape in product((2.0, 0.5, 3.0, -1.0, -0.5, 1.0, 0.0, 1.7), ((1, 4, 5, 7), (2, 6, 8), (3, 9), (5,))):
        for form in (scalar(exponent), floats(exponent)):
            yield node("Pow", Operand(shape, "positive"), form)
    for number, (op, value) in enumerate(product(ARITHMETIC, (0.0, 1.0, -1.0, 2.0, 3.0, 0.5, 0.3))):
        for rank in range(1, 7):
            for turn, shape in enumerate(SHAPES[rank][:7]):
                if turn > 1 and (number + turn) % 4:
                    continue
                form = scalar(value) if (number + turn) % 4 else floats(value)
                if (op, value) != ("Div", 0.0):
                    yield node(op, Operand(shape), form)
                if turn < 2:
                    yield node(op, form, Operand(shape, "nonzero"))
    for shape, exponent in product((shape for rank in (1, 2, 3, 4, 5) for shape in SHAPES[rank]), (2.0, 0.5)):
        yield node("Pow", Operand(shape, "positive"), scalar(exponent))


def variadic() -> Iterator[Recipe]:
    """Min, Max, Sum, Mean of one to four."""
    for op, count in product(("Min", "Max", "Sum", "Mean"), (1, 2, 3, 4)):
        for shape in ((1, 4, 5, 7), (2, 6, 8), (3, 9), (5,)):
            yield node(op, *[Operand(shape)] * count)
            if count > 1:
                yield node(op, *[Operand(shape)] * (count - 1), Operand(shape, constant=True))
                yield node(op, *[Operand(shape)] * (count - 1), Operand(shape[-1:]))


def where() -> Iterator[Recipe]:
    """Where: each of the three may be constant, and any may broadcast."""
    shapes: tuple[tuple[Shape, Shape, Shape], ...] = (
        *(((n, 4, 5, 7), a, b) for n in (1, 2) for a, b in (
            ((n, 4, 5, 7), (n, 4, 5, 7)), ((n, 4, 5, 7), ()), ((), (n, 4, 5, 7)), ((n, 4, 5, 7), (1,)), ((), ()),
            ((1, 4, 1, 1), (n, 4, 5, 7)))),
        ((1, 1, 5, 7), (1, 4, 5, 7), (1, 4, 5, 7)), ((1, 1, 5, 7), (1, 4, 5, 7), ()), ((5, 7), (2, 4, 5, 7), ()),
        ((1, 1, 5, 7), (), (2, 4, 5, 7)), ((2, 1, 1, 7), (2, 4, 5, 7), ()), ((2, 6, 8), (2, 6, 8), (2, 6, 8)),
        ((2, 6, 8), (2, 6, 8), ()), ((6, 8), (2, 6, 8), ()), ((2, 6, 1), (2, 6, 8), (8,)), ((3, 9), (3, 9), (3, 9)),
        ((3, 9), (), (3, 9)), ((5,), (5,), (5,)), ((5,), (5,), ()), ((1, 3, 1, 4, 4), (1, 3, 2, 4, 4), ()),
    )  # fmt: skip
    constants: tuple[set[int], ...] = (set(), {0}, {1}, {2}, {0, 2}, {0, 1}, {1, 2})
    for triple, constant in product(shapes, constants):
        dtypes = ("bool", "float32", "float32")
        yield node(
            "Where",
            *(Operand(s, dtype=t, constant=i in constant) for i, (s, t) in enumerate(zip(triple, dtypes, strict=True))),
        )
    masks: tuple[Pair, ...] = (
        ((4, 5), (1, 2, 3, 2, 4, 5)),
        ((4, 5, 1, 1), (1, 2, 4, 5, 3, 3)),
        ((4, 1), (1, 2, 3, 4, 5)),
        ((4, 5), (2, 1, 3, 1, 4, 5)),
        ((4, 5, 1, 1), (2, 1, 4, 5, 3, 3)),
        ((1, 4, 4), (1, 3, 4, 4)),
    )
    for (condition, shape), known in product(masks, (True, False)):
        mask = Operand(condition, dtype="bool", constant=known)
        yield node("Where", mask, scalar(-100), Operand(shape))
        yield node("Where", mask, Operand(shape), scalar(0))
        yield node("Where", mask, Operand(shape), floats(0))
    for dtype in ("int64", "int32", "bool", "float16", "float64", "uint8"):
        yield node("Where", Operand((2, 6), dtype="bool"), Operand((2, 6), dtype=dtype), Operand((2, 6), dtype=dtype))
        yield node(
            "Where",
            Operand((2, 6), dtype="bool"),
            Operand((2, 6), dtype=dtype),
            Operand((), dtype=dtype, constant=True),
        )


def dtypes() -> Iterator[Recipe]:
    """Other element types than float32."""
    shapes: tuple[Pair, ...] = (
        ((1, 4, 5, 7), (1, 4, 5, 7)),
        ((1, 4, 5, 7), ()),
        ((2, 6), (6,)),
        ((4,), (4,)),
        ((1,), (1,)),
    )
    ops = (*ARITHMETIC, "Mod", "Min", "Max", "Pow")
    for number, (dtype, op) in enumerate(product(("int64", "int32", "float16", "float64", "uint8"), ops)):
        for pair, side in list(product(shapes, ("both", "right")))[number % 2 :: 2]:
            if op in ("Pow", "Sub") and dtype == "uint8":
                continue
            yield pair_of(op, pair, side, dtype, fmod=1 if op == "Mod" and dtype.startswith("float") else None)
    for dtype, op in product(("int64", "int32", "bool", "float64"), ("Equal", "Less", "Greater", "GreaterOrEqual")):
        for pair, side in product(shapes, ("both", "right")):
            if dtype != "bool" or op == "Equal":
                yield pair_of(op, pair, side, dtype)


def recipes() -> Iterator[Recipe]:
    yield from arithmetic()
    yield from drawn()
    yield from others()
    yield from variadic()
    yield from where()
    yield from dtypes()


def cases() -> Iterator[Case]:
    return draw("elementwise", recipes())
