"""What OpenCV fuses into a matrix product of two computed operands: activations and scalars behind it are dropped by some."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from converter.support.cases import Case
from converter.support.cases._drawing import scalar
from converter.support.cases._sketching import Constants, Variant, cases_of
from converter.support.cases.patterns import ACTIVATIONS, slopes

SHAPES = (((1, 2, 5, 4), (1, 2, 4, 6)), ((3, 5, 4), (3, 4, 6)), ((1, 4, 9, 8), (1, 4, 8, 9)))

SCALARS = {
    "Mul": "y = Mul(p, k)",
    "Mul left": "y = Mul(k, p)",
    "Div": "y = Div(p, k)",
    "Add": "y = Add(p, k)",
    "Sub": "y = Sub(p, k)",
    "Pow": "y = Pow(p, two)",
}


def matmul_activation() -> Iterator[Variant]:
    """An activation behind a product of two tensors."""
    for (left, right), (name, text) in product(SHAPES, ACTIVATIONS.items()):
        if name in ("PRelu", "Gelu tanh"):
            continue  # a slope belongs to channels; the tanh form is off by itself on every version
        yield Variant(
            f"{name} {'x'.join(map(str, left))} by {'x'.join(map(str, right))}", {"x": left, "z": right},
            ("p = MatMul(x, z)", f"y = {text.format('p')}"), slopes(text, left[1]),
        )  # fmt: skip


def matmul_scalar() -> Iterator[Variant]:
    """A scalar behind a product of two tensors: the scale of an attention."""
    for (left, right), (name, line) in product(SHAPES, SCALARS.items()):
        known: Constants = {"two": scalar(2)} if "two" in line else {"k": scalar(0.35)}
        label = f"{name} {'x'.join(map(str, left))} by {'x'.join(map(str, right))}"
        yield Variant(label, {"x": left, "z": right}, ("p = MatMul(x, z)", line), known)


def cases() -> Iterator[Case]:
    return cases_of((matmul_activation, matmul_scalar))
