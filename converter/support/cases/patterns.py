"""What OpenCV fuses into or behind a convolution: norms, activations, sums, gates. Silent errors live here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, ints, scalar
from converter.support.cases._sketching import (
    Constants,
    Variant,
    batch_norm_constants,
    cases_of,
    convolution,
    some_convolutions,
)

ACTIVATIONS = {
    "Relu": "Relu({})",
    "LeakyRelu": "LeakyRelu<alpha=0.1>({})",
    "PRelu": "PRelu({}, slope)",
    "Sigmoid": "Sigmoid({})",
    "Tanh": "Tanh({})",
    "HardSigmoid": "HardSigmoid<alpha=0.16666667, beta=0.5>({})",
    "HardSwish": "HardSwish({})",
    "Elu": "Elu<alpha=1.0>({})",
    "Selu": "Selu({})",
    "Celu": "Celu<alpha=1.0>({})",
    "Mish": "Mish({})",
    "Softplus": "Softplus({})",
    "Gelu": "Gelu({})",
    "Gelu tanh": 'Gelu<approximate="tanh">({})',
    "Relu6": "Clip({}, zero, six)",
    "Exp": "Exp({})",
    "Abs": "Abs({})",
    "Erf": "Erf({})",
}


def slopes(text: str, channels: int) -> dict[str, Operand | np.ndarray]:
    """The constants that the activation's text names."""
    known: dict[str, Operand | np.ndarray] = {
        "slope": Operand((channels, 1, 1), "positive", constant=True),
        "zero": scalar(0),
        "six": scalar(6),
    }
    return {name: value for name, value in known.items() if name in text}


def conv_bn() -> Iterator[Variant]:
    for conv in some_convolutions():
        constants = {**conv.constants, **batch_norm_constants(conv.result[1])}
        yield Variant(conv.label, {"x": conv.shape}, (conv.line, "y = BatchNormalization(c, s, h, m, v)"), constants)
        yield Variant(
            f"{conv.label} twice", {"x": conv.shape},
            (conv.line, "d = BatchNormalization(c, s, h, m, v)", "y = BatchNormalization(d, s, h, m, v)"), constants,
        )  # fmt: skip


def conv_activation() -> Iterator[Variant]:
    for number, conv in enumerate(some_convolutions()):
        for turn, (name, text) in enumerate(ACTIVATIONS.items()):
            if number < 2 or (number + turn) % 3 == 0:
                constants = {**conv.constants, **slopes(text, conv.result[1])}
                yield Variant(
                    f"{name} {conv.label}", {"x": conv.shape}, (conv.line, f"y = {text.format('c')}"), constants
                )


def conv_bn_activation() -> Iterator[Variant]:
    for number, conv in enumerate(some_convolutions()):
        for turn, (name, text) in enumerate(ACTIVATIONS.items()):
            if (number + turn) % 4 == 0:
                constants = {**conv.constants, **batch_norm_constants(conv.result[1]), **slopes(text, conv.result[1])}
                lines = (conv.line, "d = BatchNormalization(c, s, h, m, v)", f"y = {text.format('d')}")
                yield Variant(f"{name} {conv.label}", {"x": conv.shape}, lines, constants)


def conv_relu_bn() -> Iterator[Variant]:
    """OpenCV issue 28689: the norm behind the activation goes into the convolution before it."""
    for number, conv in enumerate(some_convolutions()):
        for turn, (name, text) in enumerate(ACTIVATIONS.items()):
            if name == "Relu" or (number + turn) % 6 == 0:
                constants = {**conv.constants, **batch_norm_constants(conv.result[1]), **slopes(text, conv.result[1])}
                lines = (conv.line, f"d = {text.format('c')}", "y = BatchNormalization(d, s, h, m, v)")
                yield Variant(f"{name} {conv.label}", {"x": conv.shape}, lines, constants)


def conv_bn_relu_bn() -> Iterator[Variant]:
    for conv in some_convolutions():
        both = {**batch_norm_constants(conv.result[1]), **batch_norm_constants(conv.result[1], "2")}
        lines = (
            conv.line,
            "d = BatchNormalization(c, s, h, m, v)",
            "e = Relu(d)",
            "y = BatchNormalization(e, s2, h2, m2, v2)",
        )
        yield Variant(conv.label, {"x": conv.shape}, lines, {**conv.constants, **both})


def conv_add() -> Iterator[Variant]:
    """A sum behind a convolution: with an input, with the convolution's own input, with another convolution."""
    for conv, first in product(some_convolutions(), (True, False)):
        order = "c, r" if first else "r, c"
        yield Variant(
            f"{order} {conv.label}",
            {"x": conv.shape, "r": conv.result},
            (conv.line, f"y = Add({order})"),
            conv.constants,
        )
        twin = convolution(conv.shape, conv.result[1], 1, into="r", mark="r")
        if twin.result == conv.result:
            lines = (conv.line, twin.line, f"y = Add({order})")
            yield Variant(f"two {order} {conv.label}", {"x": conv.shape}, lines, {**conv.constants, **twin.constants})
        if conv.shape == conv.result:
            yield Variant(
                f"itself {order} {conv.label}",
                {"x": conv.shape},
                (conv.line, f"y = Add({order.replace('r', 'x')})"),
                conv.constants,
            )
        if first:
            yield Variant(f"doubled {conv.label}", {"x": conv.shape}, (conv.line, "y = Add(c, c)"), conv.constants)
            channels = Operand((1, conv.result[1], 1, 1), constant=True)
            for op in ("Add", "Mul", "Sub", "Div"):
                for order, constant in (
                    ("c, k", channels),
                    ("k, c", channels),
                    ("c, k", scalar(1.7)),
                    ("k, c", scalar(1.7)),
                ):
                    if (op, order) == ("Div", "k, c"):
                        continue
                    kind = "scalar" if isinstance(constant, np.ndarray) else "channels"
                    yield Variant(
                        f"{op} {order} {kind} {conv.label}",
                        {"x": conv.shape},
                        (conv.line, f"y = {op}({order})"),
                        {**conv.constants, "k": constant},
                    )


def conv_add_activation() -> Iterator[Variant]:
    for number, conv in enumerate(some_convolutions()):
        for turn, (name, text) in enumerate(ACTIVATIONS.items()):
            for order in ("c, r", "r, c"):
                if name == "Relu" or (number + turn) % 5 == 0:
                    constants = {**conv.constants, **slopes(text, conv.result[1])}
                    lines = (conv.line, f"d = Add({order})", f"y = {text.format('d')}")
                    yield Variant(f"{name} {order} {conv.label}", {"x": conv.shape, "r": conv.result}, lines, constants)


def conv_add_bn() -> Iterator[Variant]:
    """OpenCV issue 29160: the norm behind the sum goes into one of the sum's convolutions."""
    for conv, order in product(some_convolutions(), ("c, r", "r, c")):
        constants = {**conv.constants, **batch_norm_constants(conv.result[1])}
        norm = "y = BatchNormalization(d, s, h, m, v)"
        yield Variant(
            f"{order} {conv.label}",
            {"x": conv.shape, "r": conv.result},
            (conv.line, f"d = Add({order})", norm),
            constants,
        )
        relu = (conv.line, f"d = Add({order})", "e = BatchNormalization(d, s, h, m, v)", "y = Relu(e)")
        yield Variant(f"Relu {order} {conv.label}", {"x": conv.shape, "r": conv.result}, relu, constants)
        twin = convolution(conv.shape, conv.result[1], 1, into="r", mark="r")
        if twin.result == conv.result:
            lines = (conv.line, twin.line, f"d = Add({order})", norm)
            yield Variant(f"two {order} {conv.label}", {"x": conv.shape}, lines, {**constants, **twin.constants})


def conv_bn_relu_add() -> Iterator[Variant]:
    for conv, order in product(some_convolutions(), ("e, r", "r, e")):
        constants = {**conv.constants, **batch_norm_constants(conv.result[1])}
        lines = (conv.line, "d = BatchNormalization(c, s, h, m, v)", "e = Relu(d)", f"y = Add({order})")
        yield Variant(f"{order} {conv.label}", {"x": conv.shape, "r": conv.result}, lines, constants)
        yield Variant(
            f"Relu {order} {conv.label}",
            {"x": conv.shape, "r": conv.result},
            (*lines[:-1], f"f = Add({order})", "y = Relu(f)"),
            constants,
        )


def conv_relu_used_twice() -> Iterator[Variant]:
    """What a fusion would swallow is read elsewhere too, or is an output itself."""
    for conv in some_convolutions():
        constants = {**conv.constants, **batch_norm_constants(conv.result[1])}
        yield Variant(
            f"Relu {conv.label}",
            {"x": conv.shape},
            (conv.line, "d = Relu(c)", "y = Sub(d, c)"),
            constants=dict(conv.constants),
        )
        lines = (conv.line, "d = BatchNormalization(c, s, h, m, v)", "e = Relu(d)", "y = Mul(e, c)")
        yield Variant(f"BatchNormalization {conv.label}", {"x": conv.shape}, lines, constants)
        yield Variant(
            f"output {conv.label}", {"x": conv.shape}, (conv.line, "y = Relu(c)"), dict(conv.constants), ("y", "c")
        )
        yield Variant(
            f"output first {conv.label}",
            {"x": conv.shape},
            (conv.line, "y = Relu(c)"),
            dict(conv.constants),
            ("c", "y"),
        )


def conv_swish() -> Iterator[Variant]:
    for conv, order in product(some_convolutions(), ("c, g", "g, c")):
        yield Variant(
            f"{order} {conv.label}",
            {"x": conv.shape},
            (conv.line, "g = Sigmoid(c)", f"y = Mul({order})"),
            conv.constants,
        )


def conv_hard_swish() -> Iterator[Variant]:
    for conv, order in product(some_convolutions(), ("c, g", "g, c")):
        lines = (conv.line, "g = HardSigmoid<alpha=0.16666667, beta=0.5>(c)", f"y = Mul({order})")
        yield Variant(f"{order} {conv.label}", {"x": conv.shape}, lines, conv.constants)
        old = (
            conv.line,
            "d = Add(c, three)",
            "e = Clip(d, zero, six)",
            f"f = Mul({order.replace('g', 'e')})",
            "y = Div(f, six)",
        )
        limits = {"three": scalar(3), "zero": scalar(0), "six": scalar(6)}
        yield Variant(f"in parts {order} {conv.label}", {"x": conv.shape}, old, {**conv.constants, **limits})


def conv_clip() -> Iterator[Variant]:
    for conv, (low, high) in product(some_convolutions(), ((0, 6), (0, 1), (-1, 1), (0, 20))):
        limits = {"low": scalar(low), "high": scalar(high)}
        yield Variant(
            f"{low} to {high} {conv.label}",
            {"x": conv.shape},
            (conv.line, "y = Clip(c, low, high)"),
            {**conv.constants, **limits},
        )
    for conv in some_convolutions():
        yield Variant(
            f"attributes {conv.label}",
            {"x": conv.shape},
            (conv.line, "y = Clip<min=0.0, max=6.0>(c)"),
            conv.constants,
            opset=10,
        )


def conv_with_computed_weights() -> Iterator[Variant]:
    """Weights that nodes compute from constants (weight standardisation, reparametrised blocks)."""
    for conv in some_convolutions():
        outward = conv.result[1]
        line = conv.line.replace("(x, w", "(x, u")
        gain = Operand((outward, 1, 1, 1), "positive", constant=True)
        yield Variant(
            f"scaled {conv.label}",
            {"x": conv.shape},
            ("u = Mul(w, k)", line.replace("c =", "y =")),
            {**conv.constants, "k": gain},
        )
        standardised = (
            "m = ReduceMean(w, axes)", "d = Sub(w, m)", "q = Mul(d, d)", "v = ReduceMean(q, axes)",
            "e = Add(v, eps)", "s = Sqrt(e)",
            "u = Div(d, s)", line.replace("c =", "y ="),
        )  # fmt: skip
        yield Variant(
            f"standardised {conv.label}", {"x": conv.shape}, standardised,
            {**conv.constants, "axes": ints(1, 2, 3), "eps": scalar(1e-3)},
        )  # fmt: skip
        shape = conv.constants["w"]
        assert isinstance(shape, Operand)
        flat = Operand((int(np.prod(shape.shape)),), "small", constant=True)
        constants = {**{k: v for k, v in conv.constants.items() if k != "w"}, "w": flat, "to": ints(*shape.shape)}
        yield Variant(
            f"reshaped {conv.label}", {"x": conv.shape}, ("u = Reshape(w, to)", line.replace("c =", "y =")), constants
        )


def pad_conv() -> Iterator[Variant]:
    """Padding in a node of its own: symmetric, asymmetric (as TensorFlow's SAME), reflected."""
    for mode, widths in product(
        ("constant", "reflect", "edge"), ((1, 1, 1, 1), (0, 0, 1, 1), (1, 2, 0, 1), (2, 2, 2, 2))
    ):
        for kernel, stride in ((3, 1), (3, 2), (1, 1)):
            up, left, down, right = widths
            line = f"y = Conv<kernel_shape=[{kernel},{kernel}], strides=[{stride},{stride}]>(p, w, b)"
            constants: Constants = {
                "w": Operand((8, 4, kernel, kernel), "small", constant=True),
                "b": Operand((8,), constant=True),
                "pads": ints(0, 0, up, left, 0, 0, down, right),
            }
            pad = f'p = Pad<mode="{mode}">(x, pads)'
            yield Variant(
                f"{mode} {up},{left},{down},{right} k{kernel} s{stride}", {"x": (1, 4, 7, 6)}, (pad, line), constants
            )


def conv_behind_permuted() -> Iterator[Variant]:
    """A convolution that reads a Transpose, a Reshape or a Slice (block layouts)."""
    for channels in (4, 8, 17):
        conv = convolution((1, channels, 6, 5), 8, of="p", into="y")
        taken = {"from": ints(channels), "to": ints(2 * channels), "axis": ints(1)}
        shaped = {"to": ints(1, channels, 6, 5)}
        turned = "q = Transpose<perm=[0,2,1]>(x) p = Reshape(q, to)"
        sources: tuple[tuple[str, tuple[int, ...], str, dict[str, np.ndarray]], ...] = (
            ("Transpose", (1, 6, 5, channels), "p = Transpose<perm=[0,3,1,2]>(x)", {}),
            ("Reshape", (1, channels, 30), "p = Reshape(x, to)", shaped),
            ("Slice", (1, 2 * channels, 6, 5), "p = Slice(x, from, to, axis)", taken),
            ("Transpose Reshape", (1, 30, channels), turned, shaped),
        )
        for name, before, line, extra in sources:
            known: Constants = {**conv.constants, **extra}
            yield Variant(f"{name} {channels}", {"x": before}, (line, conv.line), known)


def cases() -> Iterator[Case]:
    return cases_of(
        (
            conv_bn, conv_activation, conv_bn_activation, conv_relu_bn, conv_bn_relu_bn, conv_add,
                conv_add_activation, conv_add_bn,
            conv_bn_relu_add, conv_relu_used_twice, conv_swish, conv_hard_swish, conv_clip,
                conv_with_computed_weights, pad_conv,
            conv_behind_permuted,
        )
    )  # fmt: skip
