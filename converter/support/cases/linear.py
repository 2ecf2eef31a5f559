"""Matrix products: MatMul over ranks 1 to 4, Gemm, Einsum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES as MASKS
from converter.support.cases._drawing import Operand, Recipe, draw, node

Shape = tuple[int, ...]

M, K, N = 4, 5, 6

PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((K,), (K,)), ((K,), (K, N)), ((M, K), (K,)), ((M, K), (K, N)), ((1, K), (K, N)), ((M, K), (K, 1)), ((1, K), (K, 1)),
    ((M, 1), (1, N)), ((3, M, K), (K,)), ((3, M, K), (K, N)), ((1, M, K), (K, N)), ((3, 1, K), (K, N)), ((3, M, K), (3, K, N)),
    ((1, M, K), (1, K, N)), ((1, M, K), (3, K, N)), ((3, M, K), (1, K, N)), ((M, K), (3, K, N)), ((K,), (3, K, N)),
    ((2, 3, M, K), (K,)), ((2, 3, M, K), (K, N)), ((1, 3, M, K), (K, N)), ((1, 1, M, K), (K, N)), ((2, 3, 1, K), (K, N)),
    ((2, 3, M, K), (3, K, N)), ((1, 3, M, K), (3, K, N)), ((2, 3, M, K), (1, K, N)), ((2, 3, M, K), (2, 3, K, N)),
    ((1, 3, M, K), (1, 3, K, N)), ((1, 1, M, K), (1, 1, K, N)), ((2, 3, M, K), (1, 3, K, N)), ((2, 3, M, K), (2, 1, K, N)),
    ((2, 3, M, K), (1, 1, K, N)), ((2, 1, M, K), (1, 3, K, N)), ((1, 3, M, K), (2, 3, K, N)), ((1, 1, M, K), (2, 3, K, N)),
    ((3, M, K), (2, 3, K, N)), ((M, K), (2, 3, K, N)), ((1, M, K), (2, 3, K, N)), ((K,), (2, 3, K, N)),
    ((1, 3, M, K), (1, 1, K, N)), ((1, 1, M, K), (1, 3, K, N)), ((1, 2, 3, M, K), (1, 2, 3, K, N)), ((1, 2, 3, M, K), (K, N)),
    ((2, 2, 3, M, K), (3, K, N)), ((1, 2, 3, M, K), (1, 1, 1, K, N)), ((1, 9, 8), (8, 24)), ((1, 17, 16), (16, 48)),
    ((1, 4, 9, 8), (1, 4, 8, 9)), ((2, 4, 9, 9), (2, 4, 9, 8)), ((1, 49, 32), (32, 32)), ((1, 64), (64, 10)),
    ((2, 64), (64, 10)),
    ((6, 4, 4), (6, 4, 4)), ((2, 3, 4, 4), (2, 3, 4, 4)), ((4, 4), (4, 4)), ((3, 4, 4), (4, 4)), ((1, 7, 7, 16), (16, 32)),
)  # fmt: skip


def matmul() -> Iterator[Recipe]:
    """Every pair of ranks, batches that broadcast, and a constant on either side."""
    for (left, right), side in product(PAIRS, ("both", "right", "left")):
        yield node("MatMul", Operand(left, constant=side == "left"), Operand(right, constant=side == "right"))
    for dtype in ("float16", "float64", "int32", "int64"):
        for left, right in (((M, K), (K, N)), ((2, M, K), (2, K, N))):
            yield node("MatMul", Operand(left, dtype=dtype), Operand(right, dtype=dtype))


def matmul_drawn() -> Iterator[Recipe]:
    """Batches of ranks 0 to 4 with ones in them, rows and columns of one."""
    rng = np.random.default_rng(30)
    for number in range(150):
        batch = MASKS[int(rng.integers(0, 5))]
        lead = batch[rng.integers(len(batch))]
        rows, inner, columns = (int(rng.choice([1, n, n])) for n in (M, K, N))
        other = tuple(extent if rng.random() < 0.7 else 1 for extent in lead)[int(rng.choice([0, 0, len(lead)])) :]
        pair = (
            ((*lead, rows, inner), (*other, inner, columns))
            if number % 5
            else ((*other, rows, inner), (*lead, inner, columns))
        )
        side = ("both", "right", "right", "left")[number % 4]
        yield node("MatMul", Operand(pair[0], constant=side == "left"), Operand(pair[1], constant=side == "right"))


def matmul_of_tokens() -> Iterator[Recipe]:
    """Weights of a layer behind every rank of tokens."""
    for rank in (1, 2, 3, 4, 5, 6):
        for shape in MASKS[rank]:
            yield node("MatMul", Operand(shape), Operand((shape[-1], N), constant=True))


def gemm() -> Iterator[Recipe]:
    """Transpositions, scales, and what may be added."""
    for a, b, constants, add in product(
        (0, 1), (0, 1), ("", "B", "BC", "A", "C"), ("none", "row", "column", "full", "scalar", "1xN")
    ):
        if (add == "none") == ("C" in constants):
            continue
        shape = {"row": (N,), "column": (M, 1), "full": (M, N), "scalar": (), "1xN": (1, N)}.get(add)
        left = Operand((K, M) if a else (M, K), constant="A" in constants)
        right = Operand((N, K) if b else (K, N), constant="B" in constants)
        third = [] if shape is None else [Operand(shape, constant="C" in constants)]
        yield node("Gemm", left, right, *third, transA=a or None, transB=b or None)
    for alpha, beta, b in product((1.0, 0.5, 2.0), (1.0, 0.5, 0.0), (0, 1)):
        right = Operand((N, K) if b else (K, N), constant=True)
        for rows in (1, M):
            yield node(
                "Gemm",
                Operand((rows, K)),
                right,
                Operand((N,), constant=True),
                alpha=alpha,
                beta=beta,
                transA=0,
                transB=b,
            )
    for rows, inward, outward in ((1, 16, 10), (2, 16, 10), (1, 1, 1), (1, 64, 33), (5, 7, 1), (1, 7, 1), (9, 48, 16)):
        weights, bias = Operand((outward, inward), constant=True), Operand((outward,), constant=True)
        yield node("Gemm", Operand((rows, inward)), weights, bias, alpha=1.0, beta=1.0, transA=0, transB=1)
        yield node("Gemm", Operand((rows, inward)), weights, bias, alpha=1.0, beta=1.0, transB=1)
        yield node("Gemm", Operand((rows, inward)), weights, transB=1)


EQUATIONS = {
    "ij,jk->ik": ((3, 4), (4, 5)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)),
    "bhid,bhjd->bhij": ((1, 2, 3, 4), (1, 2, 5, 4)),
    "bhij,bhjd->bhid": ((1, 2, 3, 5), (1, 2, 5, 4)),
    "bhwc,hkc->bhwk": ((1, 3, 4, 5), (3, 6, 5)),
    "bhwc,wkc->bhwk": ((1, 3, 4, 5), (4, 6, 5)),
    "nchw,nhwk->nchk": ((1, 3, 4, 5), (1, 4, 5, 2)),
    "bchw,bc->bhw": ((1, 3, 4, 5), (1, 3)),
    "bmhwf,bmoh->bmowf": ((1, 2, 3, 4, 5), (1, 2, 6, 3)),
    "i,j->ij": ((3,), (4,)),
    "ij,ij->ij": ((3, 4), (3, 4)),
    "ij,ij->": ((3, 4), (3, 4)),
    "bij,bij->b": ((2, 3, 4), (2, 3, 4)),
    "...ij,...jk->...ik": ((2, 3, 4), (2, 4, 5)),
    "bnc,cd->bnd": ((1, 3, 4), (4, 5)),
    "bhqk,bkhd->bqhd": ((1, 2, 3, 4), (1, 4, 2, 5)),
    "bqhd,bkhd->bhqk": ((1, 3, 2, 5), (1, 4, 2, 5)),
    "bik,jk->bij": ((1, 3, 4), (5, 4)),
    "ik,jk->ij": ((3, 4), (5, 4)),
    "byhwc,hkc->byhwk": ((1, 2, 3, 4, 5), (3, 6, 5)),
    "byhwc,wkc->byhwk": ((1, 2, 3, 4, 5), (4, 6, 5)),
    "bnhwc,hkc->bnhwk": ((2, 2, 3, 4, 5), (3, 6, 5)),
    "bnij,bnjd->bnid": ((1, 2, 3, 5), (1, 2, 5, 4)),
    "bmchw,bnmc->bmnhw": ((1, 2, 3, 4, 5), (1, 4, 2, 3)),
    "bnm,bmc->bnc": ((2, 3, 4), (2, 4, 5)),
    "bqc,bchw->bqhw": ((1, 3, 4), (1, 4, 5, 6)),
    "blhkv,bhk->blhv": ((1, 2, 3, 4, 5), (1, 3, 4)),
    "bchw,bdhw->bcd": ((1, 3, 4, 5), (1, 2, 4, 5)),
    "nkctv,kvw->nctw": ((1, 2, 3, 4, 5), (2, 5, 5)),
    "ki,kj->ij": ((4, 3), (4, 5)),
}
ONE_OPERAND = {
    "ij->ji": (3, 4),
    "ij->i": (3, 4),
    "ij->": (3, 4),
    "ii->i": (4, 4),
    "bij->bji": (2, 3, 4),
    "nchw->nhwc": (1, 3, 4, 5),
}


def einsum() -> Iterator[Recipe]:
    """Sums over indices, as attention and relative positions write them."""
    for (equation, shapes), constant in product(EQUATIONS.items(), (False, True)):
        yield node("Einsum", Operand(shapes[0]), Operand(shapes[1], constant=constant), equation=equation)
        if "..." in equation:
            continue
        terms = equation.split("->")[0].split(",")
        sizes = dict(zip("".join(terms), (extent for shape in shapes for extent in shape), strict=True))
        for letter in (terms[0][0], terms[0][-1], terms[1][-1]):
            changed = {**sizes, letter: 2 if sizes[letter] == 1 else 1}
            left, right = (tuple(changed[name] for name in term) for term in terms)
            yield node("Einsum", Operand(left), Operand(right, constant=constant), equation=equation)
    for equation, shape in ONE_OPERAND.items():
        yield node("Einsum", Operand(shape), equation=equation)
    yield node("Einsum", Operand((2, 3)), Operand((3, 4)), Operand((4, 5)), equation="ij,jk,kl->il")


def recurrent() -> Iterator[Recipe]:
    """LSTM, GRU and RNN: directions, layouts, states that are given."""
    steps, batch, width, hidden = 5, 2, 4, 3
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}
    for op, direction, bias, state in product(
        gates, ("forward", "reverse", "bidirectional"), (True, False), (None, "constant", "fed")
    ):
        count = 2 if direction == "bidirectional" else 1
        rows = gates[op] * hidden
        operands: list[Operand | np.ndarray | None] = [
            Operand((steps, batch, width)),
            Operand((count, rows, width), constant=True),
            Operand((count, rows, hidden), constant=True),
        ]
        if bias or state:
            operands.append(Operand((count, 2 * rows), constant=True) if bias else None)
        if state:
            states = [Operand((count, batch, hidden), constant=state == "constant")] * (2 if op == "LSTM" else 1)
            operands += [None, *states]
        reset = {"linear_before_reset": 1} if op == "GRU" else {}
        outputs = (3 if op == "LSTM" else 2) if bias else 1
        yield node(
            op,
            *operands,
            outputs=outputs,
            hidden_size=hidden,
            direction=None if direction == "forward" else direction,
            **reset,
        )


def recipes() -> Iterator[Recipe]:
    yield from matmul()
    yield from matmul_drawn()
    yield from matmul_of_tokens()
    yield from gemm()
    yield from einsum()
    yield from recurrent()


def cases() -> Iterator[Case]:
    return draw("linear", recipes())
