"""Einsum -> Transpose, Reshape, MatMul; for one operand Transpose and ReduceSum.

Why     OpenCV 4.8.1 and older know no Einsum; later ones, 5.0.0 too, fail at many equations, and crash at some
Before  y = Einsum<equation="bik,bjk->bij">(a, b)
After   what only one operand has and the result lacks is summed; a becomes [batch, rows, inner], b [batch, inner, columns];
        y = Transpose(Reshape(MatMul(a, b)))
Error   1e-5: the products are summed in another order
"""

from dataclasses import dataclass
from math import prod

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, pass_on, rule, shape_of


@rule("Einsum", max_error=1e-5)
def einsum_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    terms, result = _parse(node.attributes.get_string("equation"))
    if len(terms) > 2:
        raise Decline(f"the equation has {len(terms)} operands; one or two were measured")
    values = [float32(value, "an operand") for value in node.inputs]
    sizes = _sizes(terms, [shape_of(value, "an operand") for value in values])

    operands = [_Term(value, term, sizes) for value, term in zip(values, terms, strict=True)]
    for here, operand in enumerate(operands):
        others = (other.letters for other in operands[:here] + operands[here + 1 :])
        operand.sum_over(set(operand.letters).difference(result, *others), tape, alone=len(operands) == 1)
    product = operands[0] if len(operands) == 1 else _product(operands[0], operands[1], result, tape)
    y = product.arranged(result, tape)
    return y if y.producer() in tape.nodes else pass_on(node, tape, y)


def _product(a: "_Term", b: "_Term", result: str, tape: ir.tape.Tape) -> "_Term":
    shared = [letter for letter in a.letters if letter in b.letters]
    batch = "".join(letter for letter in shared if letter in result)
    inner = "".join(letter for letter in shared if letter not in result)
    rows = "".join(letter for letter in a.letters if letter not in shared)
    columns = "".join(letter for letter in b.letters if letter not in shared)
    batches = [batch] if batch else []  # OpenCV is at its best with two and three dimensions

    left = a.merged([*batches, rows, inner], tape)
    right = b.merged([*batches, inner, columns], tape)
    product = tape.op("MatMul", [left, right])
    outer = _Term(product, batch + rows + columns, a.sizes)
    if outer.shape != outer.merged_shape([*batches, rows, columns]):
        outer.value = tape.op("Reshape", [product, indices(tape, outer.shape)])
    return outer


@dataclass
class _Term:
    """A tensor with one letter per dimension. Where it is a constant, the constant is folded."""

    value: ir.Value
    letters: str
    sizes: dict[str, int]

    @property
    def shape(self) -> list[int]:
        return [self.sizes[letter] for letter in self.letters]

    def merged_shape(self, groups: list[str]) -> list[int]:
        return [prod(self.sizes[letter] for letter in group) for group in groups]

    def sum_over(self, letters: set[str], tape: ir.tape.Tape, *, alone: bool) -> None:
        if letters:
            axes = sorted(self.letters.index(letter) for letter in letters)
            # OpenCV fails on a scalar between two nodes; a Reshape follows when there is another operand
            keep = not alone and len(letters) == len(self.letters)
            self.value = tape.op("ReduceSum", [self.value, indices(tape, axes)], {"keepdims": int(keep)})
            self.letters = "".join(letter for letter in self.letters if letter not in letters)

    def arranged(self, letters: str, tape: ir.tape.Tape) -> ir.Value:
        """The tensor with its dimensions in the order of `letters`."""
        if letters == self.letters:
            return self.value
        order = [self.letters.index(letter) for letter in letters]
        if (array := array_of(self.value)) is not None:
            return new_constant(tape, array.transpose(order))
        return tape.op("Transpose", [self.value], {"perm": order})

    def merged(self, groups: list[str], tape: ir.tape.Tape) -> ir.Value:
        """The tensor with one dimension per group of letters, an empty group being a dimension of 1."""
        letters = "".join(groups)
        value = self.arranged(letters, tape)
        shape = self.merged_shape(groups)
        if shape == [self.sizes[letter] for letter in letters]:
            return value
        if (array := array_of(value)) is not None:
            return new_constant(tape, array.reshape(shape))
        return tape.op("Reshape", [value, indices(tape, shape)])


def _parse(equation: str | None) -> tuple[list[str], str]:
    """The operands' letters and the result's, or decline what is not plain letters."""
    text = (equation or "").replace(" ", "")
    if "..." in text:
        raise Decline(f"the equation {text!r} has an ellipsis")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    for term in (*terms, result):
        if len(set(term)) != len(term):
            raise Decline(f"the equation {text!r} repeats an index inside {term!r}")
    if not arrow:
        letters = left.replace(",", "")
        result = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    return terms, result


def _sizes(terms: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """Letter -> extent, or decline where two operands disagree (one of them 1, which Einsum stretches)."""
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, extent in zip(term, shape, strict=True):
            if sizes.setdefault(letter, extent) != extent:
                raise Decline(f"index {letter!r} has the extents {sizes[letter]} and {extent}")
    return sizes
