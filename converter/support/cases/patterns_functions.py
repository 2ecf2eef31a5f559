"""Functions written in primitives, and what only looks like them: OpenCV's importer puts one layer in their place.

It matches by shape of the graph and does not look at everything: other inputs, other constants, other axes than those of
the function must not be taken for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, ints, scalar
from converter.support.cases._sketching import Constants, Variant, batch_norm_constants, by, cases_of

MAP, TOKENS, ROWS = (1, 4, 5, 7), (2, 6, 8), (3, 9)
SHAPES = (MAP, TOKENS, ROWS)
CHANNELS = {MAP: (1, 4, 1, 1), TOKENS: (2, 1, 8), ROWS: (3, 1)}
"""The shape of a gate that broadcasts."""


def number(name: str, value: float) -> str:
    """A constant as a node, as some exporters write it."""
    return f"{name} = Constant<value = float {{{value!r}}}>()"


def hard_swish_gate() -> Iterator[Variant]:
    """x * HardSigmoid(g): every OpenCV makes g * HardSigmoid(g) of it when alpha is 1/6 and beta is given as 0.5."""
    hard = {
        "beta given": "h = HardSigmoid<alpha=0.16666667, beta=0.5>({})",
        "beta left out": "h = HardSigmoid<alpha=0.16666667>({})",
        "alpha 0.2": "h = HardSigmoid<alpha=0.2, beta=0.5>({})",
    }
    for (form, line), order, shape in product(hard.items(), ("x, h", "h, x"), SHAPES):
        inputs = {"x": shape, "g": CHANNELS[shape]}
        yield Variant(f"{form} {order} {by(shape)}", inputs, (line.format("g"), f"y = Mul({order})"))
        relu = ("r = Relu(g)", line.format("r"), f"y = Mul({order})")
        yield Variant(f"{form} {order} behind Relu {by(shape)}", {**inputs, "g": shape}, relu)
    squeeze = ("p = ReduceMean<keepdims=1>(x, axes)", "q = Conv(p, w1, b1)", "r = Relu(q)", "s = Conv(r, w2, b2)")
    constants: Constants = {
        "axes": ints(2, 3), "w1": Operand((2, 8, 1, 1), constant=True), "b1": Operand((2,), constant=True),
        "w2": Operand((8, 2, 1, 1), constant=True), "b2": Operand((8,), constant=True),
    }  # fmt: skip
    for (form, line), order in product(hard.items(), ("x, h", "h, x")):
        yield Variant(
            f"{form} {order} squeezed",
            {"x": (1, 8, 6, 5)},
            (*squeeze, line.format("s"), f"y = Mul({order})"),
            constants,
        )


def hard_swish() -> Iterator[Variant]:
    for shape, order in product(SHAPES, ("x, h", "h, x")):
        yield Variant(
            f"{order} {by(shape)}",
            {"x": shape},
            ("h = HardSigmoid<alpha=0.16666667, beta=0.5>(x)", f"y = Mul({order})"),
        )
        yield Variant(
            f"{order} beta left out {by(shape)}",
            {"x": shape},
            ("h = HardSigmoid<alpha=0.16666667>(x)", f"y = Mul({order})"),
        )
        parts = ("a = Add(x, three)", "c = Clip(a, zero, six)", "h = Div(c, six)", f"y = Mul({order})")
        limits: Constants = {"three": scalar(3), "zero": scalar(0), "six": scalar(6)}
        yield Variant(f"{order} in parts {by(shape)}", {"x": shape}, parts, limits)


def sigmoid_gate() -> Iterator[Variant]:
    """x * Sigmoid(g), the squeeze-and-excite gate; and x * Sigmoid(x), the swish."""
    for shape, order in product(SHAPES, ("x, h", "h, x")):
        yield Variant(
            f"{order} {by(shape)}", {"x": shape, "g": CHANNELS[shape]}, ("h = Sigmoid(g)", f"y = Mul({order})")
        )
        yield Variant(
            f"{order} same shapes {by(shape)}", {"x": shape, "g": shape}, ("h = Sigmoid(g)", f"y = Mul({order})")
        )
        yield Variant(f"{order} swish {by(shape)}", {"x": shape}, ("h = Sigmoid(x)", f"y = Mul({order})"))
        quick = ("a = Mul(x, k)", "h = Sigmoid(a)", f"y = Mul({order})")
        yield Variant(f"{order} quick gelu {by(shape)}", {"x": shape}, quick, {"k": scalar(1.702)})
        for op in ("Tanh", "Relu", "Softplus"):
            yield Variant(f"{order} {op} {by(shape)}", {"x": shape, "g": shape}, (f"h = {op}(g)", f"y = Mul({order})"))
    squeeze = (
        "p = GlobalAveragePool(x)",
        "q = Conv(p, w1, b1)",
        "r = Relu(q)",
        "s = Conv(r, w2, b2)",
        "h = Sigmoid(s)",
    )
    constants: Constants = {
        "w1": Operand((2, 8, 1, 1), constant=True), "b1": Operand((2,), constant=True),
        "w2": Operand((8, 2, 1, 1), constant=True),
        "b2": Operand((8,), constant=True),
    }  # fmt: skip
    for order in ("x, h", "h, x"):
        yield Variant(f"{order} squeezed", {"x": (1, 8, 6, 5)}, (*squeeze, f"y = Mul({order})"), constants)


def gelu_erf() -> Iterator[Variant]:
    """x * (1 + erf(x / sqrt 2)) / 2 in the orders that exporters write; and with another factor than x."""
    root, one, half = float(np.float32(np.sqrt(2))), 1.0, 0.5
    orders = {
        "halved last": ("d = Div(x, root)", "e = Erf(d)", "a = Add(e, one)", "m = Mul({f}, a)", "y = Mul(m, half)"),
        "halved first": ("d = Div(x, root)", "e = Erf(d)", "a = Add(e, one)", "m = Mul({f}, half)", "y = Mul(m, a)"),
        "times": ("d = Mul(x, inverse)", "e = Erf(d)", "a = Add(e, one)", "m = Mul({f}, half)", "y = Mul(m, a)"),
    }
    values = {"root": root, "one": one, "half": half, "inverse": 1 / root}
    for (form, lines), shape, nodes, factor in product(orders.items(), SHAPES, (False, True), ("x", "g")):
        used = {name: value for name, value in values.items() if any(f", {name})" in line for line in lines)}
        body = tuple(line.format(f=factor) for line in lines)
        if nodes:
            body = (*(number(name, value) for name, value in used.items()), *body)
        inputs = {"x": shape} if factor == "x" else {"x": shape, "g": shape}
        label = f"{form}{' nodes' if nodes else ''}{' other factor' if factor == 'g' else ''} {by(shape)}"
        yield Variant(label, inputs, body, {} if nodes else {name: scalar(value) for name, value in used.items()})


def gelu_tanh() -> Iterator[Variant]:
    """The approximation by tanh, with cubes by Mul or Pow; other constants must not be taken for it."""
    for shape, form, (coefficient, scale) in product(
        SHAPES, ("Mul", "Pow"), ((0.044715, 0.7978846), (0.03, 0.7978846), (0.044715, 0.5), (0.06, 0.9))
    ):
        cube = ("q = Mul(x, x)", "c = Mul(x, q)") if form == "Mul" else ("c = Pow(x, three)",)
        lines = (
            *cube,
            "k = Mul(coefficient, c)",
            "a = Add(x, k)",
            "s = Mul(scale, a)",
            "t = Tanh(s)",
            "o = Add(one, t)",
            "m = Mul(x, o)",
            "y = Mul(half, m)",
        )
        constants: Constants = {
            "coefficient": scalar(coefficient),
            "scale": scalar(scale),
            "one": scalar(1),
            "half": scalar(0.5),
        }
        if form == "Pow":
            constants["three"] = scalar(3)
        yield Variant(f"{form} {coefficient:g} {scale:g} {by(shape)}", {"x": shape}, lines, constants)


def softplus() -> Iterator[Variant]:
    """log(c + exp(x)): a softplus only when c is 1."""
    for shape, value, order, nodes in product(SHAPES, (1.0, 2.0, 0.5, 1e-3), ("c, e", "e, c"), (False, True)):
        lines: tuple[str, ...] = ("e = Exp(x)", f"a = Add({order})", "y = Log(a)")
        if nodes:
            lines = (number("c", value), *lines)
        yield Variant(
            f"{value:g} {order}{' nodes' if nodes else ''} {by(shape)}",
            {"x": shape},
            lines,
            {} if nodes else {"c": scalar(value)},
        )
    for shape in SHAPES:
        yield Variant(
            f"fed {by(shape)}",
            {"x": shape, "c": shape},
            ("e = Exp(x)", "a = Add(c, e)", "y = Log(a)"),
            kinds={"c": "positive"},
        )


def mish() -> Iterator[Variant]:
    """x * tanh(softplus(x)), and with another factor than x."""
    for shape, order, factor, form in product(SHAPES, ("f, t", "t, f"), ("x", "g"), ("Softplus", "parts")):
        plus = ("s = Softplus(x)",) if form == "Softplus" else ("e = Exp(x)", "a = Add(e, one)", "s = Log(a)")
        inputs = {"x": shape} if factor == "x" else {"x": shape, "g": shape}
        label = f"{form} {order}{' other factor' if factor == 'g' else ''} {by(shape)}"
        constants: Constants = {} if form == "Softplus" else {"one": scalar(1)}
        yield Variant(label, inputs, (*plus, "t = Tanh(s)", f"y = Mul({order.replace('f', factor)})"), constants)


def celu() -> Iterator[Variant]:
    """alpha * elu(x / alpha), and with two alphas that differ."""
    for shape, (inner, outer), nodes in product(SHAPES, ((2.0, 2.0), (2.0, 3.0), (1.0, 1.0)), (False, True)):
        lines: tuple[str, ...] = ("d = Div(x, i)", "e = Elu(d)", "y = Mul(o, e)")
        if nodes:
            lines = (number("i", inner), number("o", outer), *lines)
        label = f"{inner:g} {outer:g}{' nodes' if nodes else ''} {by(shape)}"
        yield Variant(label, {"x": shape}, lines, {} if nodes else {"i": scalar(inner), "o": scalar(outer)})
    yield Variant(
        "fed",
        {"x": ROWS, "i": ROWS, "o": ROWS},
        ("d = Div(x, i)", "e = Elu(d)", "y = Mul(o, e)"),
        kinds={"i": "positive"},
    )


def softmax_in_parts() -> Iterator[Variant]:
    """exp(x) over its sum, with axes as attribute and as input, with and without the maximum; axes that differ."""
    for shape in SHAPES:
        for axis in range(1, len(shape)):
            plain = ("e = Exp(x)", f"s = ReduceSum<axes=[{axis}], keepdims=1>(e)", "y = Div(e, s)")
            yield Variant(f"attribute {axis} {by(shape)}", {"x": shape}, plain, opset=11)
            fed = ("e = Exp(x)", "s = ReduceSum<keepdims=1>(e, axes)", "y = Div(e, s)")
            yield Variant(f"input {axis} {by(shape)}", {"x": shape}, fed, {"axes": ints(axis)})
            for form, last in (("Softmax", ("y = Div(e, s)",)), ("LogSoftmax", ("l = Log(s)", "y = Sub(d, l)"))):
                for other in {axis, len(shape) - 1}:
                    shifted = (
                        f"m = ReduceMax<axes=[{axis}], keepdims=1>(x)",
                        "d = Sub(x, m)",
                        "e = Exp(d)",
                        "s = ReduceSum<keepdims=1>(e, axes)",
                    )
                    label = f"{form} {axis} {other} {by(shape)}"
                    yield Variant(label, {"x": shape}, (*shifted, *last), {"axes": ints(other)}, opset=13)
                new = (
                    "m = ReduceMax<keepdims=1>(x, axes)",
                    "d = Sub(x, m)",
                    "e = Exp(d)",
                    "s = ReduceSum<keepdims=1>(e, axes)",
                )
                yield Variant(f"{form} inputs {axis} {by(shape)}", {"x": shape}, (*new, *last), {"axes": ints(axis)})
    both = ("e = Exp(x)", "s = ReduceSum<axes=[2,3], keepdims=1>(e)", "y = Div(e, s)")
    yield Variant("two axes", {"x": MAP}, both, opset=11)
    yield Variant("all axes", {"x": MAP}, ("e = Exp(x)", "s = ReduceSum<keepdims=1>(e)", "y = Div(e, s)"), opset=11)
    yield Variant(
        "axes gone", {"x": (4, 4)}, ("e = Exp(x)", "s = ReduceSum<axes=[1], keepdims=0>(e)", "y = Div(e, s)"), opset=11
    )


def l2_normalize() -> Iterator[Variant]:
    """x over its norm, as F.normalize writes it; other powers and other dividends must not be taken for it."""
    for shape, dividend in product(SHAPES, ("x", "g")):
        inputs = {"x": shape} if dividend == "x" else {"x": shape, "g": shape}
        other = "" if dividend == "x" else " other dividend"
        for axis, keep in product((1, -1), (1, 0) if shape == (4, 4) else (1,)):
            norm = f"n = ReduceL2<axes=[{axis}], keepdims={keep}>(x)"
            yield Variant(f"attribute {axis}{other} {by(shape)}", inputs, (norm, f"y = Div({dividend}, n)"), opset=13)
            yield Variant(
                f"input {axis}{other} {by(shape)}",
                inputs,
                ("n = ReduceL2<keepdims=1>(x, axes)", f"y = Div({dividend}, n)"),
                {"axes": ints(axis)},
            )
            for floor in (1e-12, 5.0):
                clipped = (norm, "c = Clip(n, low)", "e = Expand(c, to)", f"y = Div({dividend}, e)")
                yield Variant(
                    f"clipped at {floor:g} {axis}{other} {by(shape)}",
                    inputs,
                    clipped,
                    {"low": scalar(floor), "to": ints(*shape)},
                    opset=13,
                )
                most = ("q = Mul(x, x)", f"s = ReduceSum<axes=[{axis}], keepdims=1>(q)", "m = Max(s, low)",
                    "r = Sqrt(m)", "i = Reciprocal(r)",
                        f"y = Mul({dividend}, i)")  # fmt: skip
                yield Variant(
                    f"at least {floor:g} {axis}{other} {by(shape)}", inputs, most, {"low": scalar(floor)}, opset=11
                )
            for power in (2.0, 4.0):
                lines = (number("p", power), number("eps", 1e-6), "q = Pow(x, p)",
                    f"s = ReduceSum<axes=[{axis}], keepdims=1>(q)", "r = Sqrt(s)",
                         "a = Add(r, eps)", f"y = Div({dividend}, a)")  # fmt: skip
                yield Variant(f"power {power:g} {axis}{other} {by(shape)}", inputs, lines, opset=11)
    gone = ("n = ReduceL2<axes=[1], keepdims=0>(x)", "y = Div(x, n)")
    yield Variant("axes gone", {"x": (4, 4)}, gone, opset=13)
    yield Variant("two axes", {"x": MAP}, ("n = ReduceL2<axes=[2,3], keepdims=1>(x)", "y = Div(x, n)"), opset=13)


def batch_norm_in_parts() -> Iterator[Variant]:
    """A batch norm that an exporter spelled out, its parameters constant."""
    channels = batch_norm_constants(4)
    for numerator in (1.0, 2.0):
        constants: Constants = {**channels, "n": scalar(numerator), "to": ints(1, 4, 1, 1)}
        folded = ("r = Sqrt(v)", "d = Div(n, r)", "a = Mul(s, d)", "b = Reshape(a, to)", "e = Mul(m, a)",
        "f = Sub(h, e)", "g = Reshape(f, to)",
                  "i = Mul(x, b)", "y = Add(i, g)")  # fmt: skip
        yield Variant(f"reshaped last {numerator:g}", {"x": MAP}, folded, constants)
        early = ("s4 = Reshape(s, to)", "h4 = Reshape(h, to)", "v4 = Reshape(v, to)", "m4 = Reshape(m, to)",
            "r = Sqrt(v4)", "d = Div(n, r)",
                 "a = Mul(s4, d)", "e = Mul(m4, a)", "f = Sub(h4, e)", "i = Mul(x, a)", "y = Add(i, f)")  # fmt: skip
        yield Variant(f"reshaped first {numerator:g}", {"x": MAP}, early, constants)
    for shape in (MAP, (2, 4, 9)):
        wide = (1, 4, *[1] * (len(shape) - 2))
        scale_shift: Constants = {"k": Operand(wide, constant=True), "c": Operand(wide, constant=True)}
        for lines in (
            ("m = Mul(x, k)", "y = Add(m, c)"),
            ("m = Mul(k, x)", "y = Add(c, m)"),
            ("m = Sub(x, c)", "y = Mul(m, k)"),
        ):
            yield Variant(f"{' '.join(lines)} {by(shape)}", {"x": shape}, lines, scale_shift)


def cases() -> Iterator[Case]:
    return cases_of(
        (
            hard_swish_gate, hard_swish, sigmoid_gate, gelu_erf, gelu_tanh, softplus, mish, celu, softmax_in_parts,
                l2_normalize,
            batch_norm_in_parts,
        )
    )  # fmt: skip
