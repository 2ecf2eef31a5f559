"""What transformers are made of: norms in primitives, attention as exporters write it, windows, tokens, embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, ints, scalar
from converter.support.cases._sketching import Constants, Variant, by, cases_of

END = 2**63 - 1


def layer_norm_in_parts() -> Iterator[Variant]:
    """Mean, difference, variance, root: with axes as attribute and as input, squares by Pow and Mul, with scale and bias."""
    for shape, axes, form, square in product(
        ((2, 6, 8), (3, 9), (1, 4, 5, 6)), ((-1,), "last", (1,), (-2, -1)), ("attribute", "input"), ("Pow", "Mul")
    ):
        if len(shape) < 3 and axes in ((-2, -1), (1,)):
            continue
        over = (len(shape) - 1,) if axes == "last" else axes
        assert isinstance(over, tuple)
        mean = (
            f"ReduceMean<axes=[{','.join(map(str, over))}], keepdims=1>({{}})"
            if form == "attribute"
            else "ReduceMean<keepdims=1>({}, axes)"
        )
        squared = "q = Pow(d, two)" if square == "Pow" else "q = Mul(d, d)"
        lines = (f"m = {mean.format('x')}", "d = Sub(x, m)", squared, f"v = {mean.format('q')}", "e = Add(v, eps)",
            "s = Sqrt(e)", "n = Div(d, s)",
                 "k = Mul(n, scale)", "y = Add(k, bias)")  # fmt: skip
        constants: Constants = {
            "eps": scalar(1e-5),
            "scale": Operand(shape[-1:], constant=True),
            "bias": Operand(shape[-1:], constant=True),
        }
        if square == "Pow":
            constants["two"] = scalar(2)
        if form == "input":
            constants["axes"] = ints(*over)
        opset = 13 if form == "attribute" else 20
        yield Variant(
            f"{form} {','.join(map(str, over))} {square} {by(shape)}", {"x": shape}, lines, constants, opset=opset
        )
        if square == "Pow" and form == "attribute":
            cubed = {**constants, "two": scalar(1)}
            even = tuple(line.replace("s = Sqrt(e)", "a = Abs(e) s = Sqrt(a)") for line in lines)
            yield Variant(f"power 1 {','.join(map(str, over))} {by(shape)}", {"x": shape}, even, cubed, opset=opset)
            yield Variant(f"no scale {','.join(map(str, over))} {by(shape)}", {"x": shape}, (*lines[:-3], "y = Div(d, s)"),
                          {k: c for k, c in constants.items() if k in ("eps", "two")}, opset=opset)  # fmt: skip
    whole = ("m = ReduceMean<keepdims=1>(x)", "d = Sub(x, m)", "q = Pow(d, two)", "v = ReduceMean<keepdims=1>(q)",
        "e = Add(v, eps)", "s = Sqrt(e)",
             "n = Div(d, s)", "k = Mul(n, scale)", "y = Add(k, bias)")  # fmt: skip
    constants = {
        "eps": scalar(1e-5),
        "two": scalar(2),
        "scale": Operand((8,), constant=True),
        "bias": Operand((8,), constant=True),
    }
    for opset in (13, 20):
        yield Variant(f"all axes opset {opset}", {"x": (2, 6, 8)}, whole, constants, opset=opset)


def rms_norm() -> Iterator[Variant]:
    for shape, square, inverse in product(((2, 6, 8), (1, 4, 5, 6)), ("Pow", "Mul"), ("Div", "Reciprocal")):
        squared = "q = Pow(x, two)" if square == "Pow" else "q = Mul(x, x)"
        over = ("n = Div(x, s)",) if inverse == "Div" else ("i = Reciprocal(s)", "n = Mul(x, i)")
        lines = (
            squared,
            "v = ReduceMean<keepdims=1>(q, axes)",
            "e = Add(v, eps)",
            "s = Sqrt(e)",
            *over,
            "y = Mul(n, scale)",
        )
        constants: Constants = {"eps": scalar(1e-6), "scale": Operand(shape[-1:], constant=True), "axes": ints(-1)}
        if square == "Pow":
            constants["two"] = scalar(2)
        yield Variant(f"{square} {inverse} {by(shape)}", {"x": shape}, lines, constants)


def group_norm_in_parts() -> Iterator[Variant]:
    """Groups by Reshape to three axes, an InstanceNormalization, and back: how torch.onnx writes GroupNorm."""
    for (shape, groups), affine in product(
        (((1, 8, 5, 7), 2), ((1, 8, 5, 7), 1), ((2, 6, 4, 4), 3), ((1, 8, 5, 7), 8)), (True, False)
    ):
        size = (shape[1], 1, 1)
        constants: Constants = {"s": Operand((groups,), "positive", constant=True),
            "h": Operand((groups,), "zeros", constant=True),
                                "to": ints(0, groups, -1), "back": ints(*shape)}  # fmt: skip
        lines = ("r = Reshape(x, to)", "n = InstanceNormalization(r, s, h)")
        if not affine:
            yield Variant(f"{by(shape)} in {groups}", {"x": shape}, (*lines, "y = Reshape(n, back)"), constants)
            continue
        constants |= {"k": Operand(size, constant=True), "c": Operand(size, constant=True)}
        yield Variant(
            f"{by(shape)} in {groups} scaled",
            {"x": shape},
            (*lines, "b = Reshape(n, back)", "m = Mul(b, k)", "y = Add(m, c)"),
            constants,
        )


def attention() -> Iterator[Variant]:
    """Scaled products of queries, keys and values, from the bare four nodes to the whole block."""
    for shape, scaling, order in product(
        ((1, 2, 5, 4), (2, 3, 7, 8), (3, 5, 4)), ("none", "after", "query", "both", "divided"), ("mask", "no mask")
    ):
        rank = len(shape)
        flipped = f"kt = Transpose<perm=[{','.join(map(str, (*range(rank - 2), rank - 1, rank - 2)))}]>(k)"
        constants: Constants = {"f": scalar(0.5)} if scaling != "none" else {}
        query, key = ("q", "kt")
        before: tuple[str, ...] = (flipped,)
        if scaling in ("query", "both"):
            before, query = (*before, "qs = Mul(q, f)"), "qs"
        if scaling == "both":
            before, key = (*before, "ks = Mul(kt, f)"), "ks"
        product_line = f"a = MatMul({query}, {key})"
        after: tuple[str, ...] = ()
        last = "a"
        if scaling in ("after", "divided"):
            after, last = (f"b = {'Mul' if scaling == 'after' else 'Div'}(a, f)",), "b"
        if order == "mask":
            after, last = (*after, f"m = Add({last}, mask)"), "m"
            constants["mask"] = Operand((1,) * (rank - 2) + (shape[-2], shape[-2]), constant=True)
        lines = (*before, product_line, *after, f"s = Softmax<axis=-1>({last})", "y = MatMul(s, v)")
        yield Variant(f"{scaling} {order} {by(shape)}", dict.fromkeys("qkv", shape), lines, constants)


def attention_block() -> Iterator[Variant]:
    """From tokens to tokens: one product for queries, keys and values, taken apart by Split, Gather or Slice."""
    for (batch, tokens, heads, width), apart, bias in product(
        ((1, 5, 2, 4), (2, 9, 3, 8), (1, 17, 1, 8)), ("Split", "Gather", "Slice"), (True, False)
    ):
        whole = heads * width
        constants: Constants = {
            "wq": Operand((whole, 3 * whole), "small", constant=True), "wo": Operand((whole, whole), "small", constant=True),
            "five": ints(batch, tokens, 3, heads, width), "three": ints(batch, tokens, whole), "f": scalar(width**-0.5),
        }  # fmt: skip
        start = ["a = MatMul(x, wq)"]
        if bias:
            constants["bq"] = Operand((3 * whole,), constant=True)
            start += ["ab = Add(a, bq)"]
        last = "ab" if bias else "a"
        start += [f"r = Reshape({last}, five)", "t = Transpose<perm=[2,0,3,1,4]>(r)"]
        if apart == "Split":
            start += [
                "s0, s1, s2 = Split<axis=0, num_outputs=3>(t)",
                "q = Squeeze(s0, zero)",
                "k = Squeeze(s1, zero)",
                "v = Squeeze(s2, zero)",
            ]
            constants["zero"] = ints(0)
        elif apart == "Gather":
            start += [f"{name} = Gather<axis=0>(t, i{number})" for number, name in enumerate("qkv")]
            constants |= {f"i{number}": scalar(number, "int64") for number in range(3)}
        else:
            start += [
                f"s{n} = Slice(t, i{n}, i{n + 1}, i0)\n{name} = Squeeze(s{n}, i0)" for n, name in enumerate("qkv")
            ]
            constants |= {f"i{number}": ints(number) for number in range(4)}
        lines = (*start, "kt = Transpose<perm=[0,1,3,2]>(k)", "qs = Mul(q, f)", "p = MatMul(qs, kt)",
            "s = Softmax<axis=-1>(p)", "o = MatMul(s, v)",
                 "ot = Transpose<perm=[0,2,1,3]>(o)", "orr = Reshape(ot, three)", "y = MatMul(orr, wo)")  # fmt: skip
        yield Variant(
            f"{apart}{' bias' if bias else ''} {batch}x{tokens} {heads} heads of {width}",
            {"x": (batch, tokens, whole)},
            lines,
            constants,
        )


def attention_sequence_first() -> Iterator[Variant]:
    """As nn.MultiheadAttention was exported: sequence first, slices of one biased product; other orders are no attention."""
    for (batch, tokens, heads, width), query_perm, scale in product(
        ((1, 5, 2, 4), (2, 6, 2, 4)), ((1, 0, 2), (0, 1, 2)), (2.0, 3.0)
    ):
        whole = heads * width
        if query_perm == (0, 1, 2) and tokens != batch * heads:
            continue
        constants: Constants = {
            "w": Operand((whole, 3 * whole), "small", constant=True), "b": Operand((3 * whole,), constant=True),
            "f": scalar(scale), "axis": ints(2),
            "i0": ints(0), "i1": ints(whole), "i2": ints(2 * whole), "i3": ints(3 * whole), "one": ints(1),
            "heads": ints(tokens, batch * heads, width), "flat": ints(tokens, batch, whole),
        }  # fmt: skip
        taken = [f"s{n} = Slice(a, i{n}, i{n + 1}, axis, one)\nr{n} = Reshape(s{n}, heads)" for n in range(3)]
        lines = ("t = Transpose<perm=[1,0,2]>(x)", "m = MatMul(t, w)", "a = Add(b, m)", *taken,
            "q = Transpose<perm=[1,0,2]>(r0)",
                 "k = Transpose<perm=[1,2,0]>(r1)", "v = Transpose<perm=[1,0,2]>(r2)", "qs = Div(q, f)",
                 "p = MatMul(qs, k)", "s = Softmax<axis=-1>(p)",
                 "o = MatMul(s, v)", "ot = Transpose<perm=[1,0,2]>(o)", "y = Reshape(ot, flat)")  # fmt: skip
        label = (
            f"{batch}x{tokens} {heads} heads of {width} by {scale:g}{'' if query_perm == (1, 0, 2) else ' other order'}"
        )
        yield Variant(
            label,
            {"x": (batch, tokens, whole)},
            tuple(
                line.replace("q = Transpose<perm=[1,0,2]>", f"q = Transpose<perm=[{','.join(map(str, query_perm))}]>")
                for line in lines
            ),
            constants,
        )


def matmul_add() -> Iterator[Variant]:
    """A product and a sum: the bias in every shape, on either side, behind a constant on either side."""
    for shape, weight in (
        ((6, 8), (8, 5)),
        ((1, 8), (8, 5)),
        ((2, 6, 8), (8, 5)),
        ((1, 3, 6, 8), (8, 5)),
        ((2, 6, 8), (2, 8, 5)),
    ):
        result = (*shape[:-1], weight[-1])
        for bias in dict.fromkeys(
            ((5,), (), (1,), (1, 5), (result[-2], 1), result, (1, *result[1:]) if len(result) > 2 else (5,))
        ):
            for order in ("m, b", "b, m"):
                constants: Constants = {"w": Operand(weight, "small", constant=True), "b": Operand(bias, constant=True)}
                yield Variant(
                    f"{order} {by(shape)} {by(weight)} bias {by(bias) or 'scalar'}",
                    {"x": shape},
                    ("m = MatMul(x, w)", f"y = Add({order})"),
                    constants,
                )
        constants = {"w": Operand(weight, "small", constant=True), "b": Operand((5,), constant=True)}
        yield Variant(
            f"Relu {by(shape)} {by(weight)}",
            {"x": shape},
            ("m = MatMul(x, w)", "a = Add(m, b)", "y = Relu(a)"),
            constants,
        )
        yield Variant(
            f"used twice {by(shape)} {by(weight)}",
            {"x": shape},
            ("m = MatMul(x, w)", "a = Add(m, b)", "y = Mul(a, m)"),
            constants,
        )
        yield Variant(
            f"fed bias {by(shape)} {by(weight)}",
            {"x": shape, "b": result},
            ("m = MatMul(x, w)", "y = Add(m, b)"),
            {"w": constants["w"]},
        )
    for shape, weight in (((8, 5), (6, 8)), ((2, 8, 5), (6, 8))):
        result = (*shape[:-2], weight[0], shape[-1])
        for bias in ((shape[-1],), (weight[0], 1), ()):
            constants = {"w": Operand(weight, "small", constant=True), "b": Operand(bias, constant=True)}
            yield Variant(
                f"constant left {by(shape)} {by(weight)} bias {by(bias) or 'scalar'}",
                {"x": shape},
                ("m = MatMul(w, x)", "y = Add(m, b)"),
                constants,
            )


def mlp() -> Iterator[Variant]:
    """Two products with an activation between."""
    for shape, text in product(
        ((1, 9, 8), (2, 8), (1, 3, 4, 8)), ("Relu(a)", "Gelu(a)", "HardSwish(a)", 'Gelu<approximate="tanh">(a)')
    ):
        constants: Constants = {"w1": Operand((8, 16), "small", constant=True), "b1": Operand((16,), constant=True),
                                "w2": Operand((16, 8), "small", constant=True), "b2": Operand((8,), constant=True)}  # fmt: skip
        lines = (
            "m = MatMul(x, w1)",
            "a = Add(m, b1)",
            f"g = {text}",
            "n = MatMul(g, w2)",
            "o = Add(n, b2)",
            "y = Add(x, o)",
        )
        yield Variant(f"{text} {by(shape)}", {"x": shape}, lines, constants)
        if len(shape) == 2:
            dense = ("a = Gemm<transB=0>(x, w1, b1)", f"g = {text}", "y = Gemm<transB=0>(g, w2, b2)")
            yield Variant(f"Gemm {text} {by(shape)}", {"x": shape}, dense, constants)


def window_partition() -> Iterator[Variant]:
    """A map cut into windows by Reshape and Transpose of rank 6, and put together again."""
    for batch, height, width, channels, size in ((1, 4, 6, 8, 2), (2, 4, 4, 3, 2), (1, 6, 6, 4, 3)):
        down, across = height // size, width // size
        constants: Constants = {
            "six": ints(batch, down, size, across, size, channels),
            "out": ints(-1, size * size, channels),
        }
        lines = ("r = Reshape(x, six)", "t = Transpose<perm=[0,1,3,2,4,5]>(r)", "y = Reshape(t, out)")
        yield Variant(
            f"apart {batch}x{height}x{width}x{channels} by {size}",
            {"x": (batch, height, width, channels)},
            lines,
            constants,
        )
        constants = {
            "six": ints(batch, down, across, size, size, channels),
            "out": ints(batch, height, width, channels),
        }
        yield Variant(
            f"together {batch}x{height}x{width}x{channels} by {size}",
            {"x": (batch * down * across, size * size, channels)},
            lines,
            constants,
        )
        constants = {
            "six": ints(batch, channels, down, size, across, size),
            "out": ints(batch, -1, channels, size * size),
        }
        first = ("r = Reshape(x, six)", "t = Transpose<perm=[0,2,4,1,3,5]>(r)", "y = Reshape(t, out)")
        yield Variant(
            f"channels first {batch}x{channels}x{height}x{width} by {size}",
            {"x": (batch, channels, height, width)},
            first,
            constants,
        )


def roll() -> Iterator[Variant]:
    """Two slices swapped, on one axis and on two."""
    for shape, axis, shift in product(((1, 6, 5, 4), (2, 6, 8)), (1, 2), (2, 3)):
        constants: Constants = {"axis": ints(axis), "at": ints(shift), "end": ints(END), "zero": ints(0)}
        lines = ("a = Slice(x, at, end, axis)", "b = Slice(x, zero, at, axis)", f"y = Concat<axis={axis}>(a, b)")
        yield Variant(f"{by(shape)} {axis} by {shift}", {"x": shape}, lines, constants)
        if axis == 1:
            twice = (
                *lines[:2],
                "m = Concat<axis=1>(a, b)",
                "c = Slice(m, at, end, two)",
                "d = Slice(m, zero, at, two)",
                "y = Concat<axis=2>(c, d)",
            )
            yield Variant(f"{by(shape)} both by {shift}", {"x": shape}, twice, {**constants, "two": ints(2)})


def cls_token() -> Iterator[Variant]:
    """Patches to tokens, a token put before them, positions added."""
    for batch, size, channels in ((1, 8, 6), (2, 8, 6), (1, 12, 17)):
        count = (size // 4) ** 2
        constants: Constants = {
            "w": Operand((channels, 3, 4, 4), "small", constant=True), "b": Operand((channels,), constant=True),
            "cls": Operand((batch, 1, channels), constant=True),
            "pos": Operand((1, count + 1, channels), constant=True), "to": ints(batch, channels, count),
            "zero": scalar(0, "int64"),
        }  # fmt: skip
        lines = ("c = Conv<kernel_shape=[4,4], strides=[4,4]>(x, w, b)", "r = Reshape(c, to)", "t = Transpose<perm=[0,2,1]>(r)",
                 "k = Concat<axis=1>(cls, t)", "y = Add(k, pos)")  # fmt: skip
        used = {k: v for k, v in constants.items() if k != "zero"}
        yield Variant(f"{batch}x3x{size}x{size} to {channels}", {"x": (batch, 3, size, size)}, lines, used)
        picked = (*lines[:-1], "s = Add(k, pos)", "y = Gather<axis=1>(s, zero)")
        yield Variant(f"picked {batch}x3x{size}x{size} to {channels}", {"x": (batch, 3, size, size)}, picked, constants)
        yield Variant(f"tokens {batch} {channels}", {"x": (batch, count, channels)},
            ("k = Concat<axis=1>(cls, x)", "y = Add(pos, k)"),
                      {k: v for k, v in constants.items() if k in ("cls", "pos")})  # fmt: skip


def transpose_layer_norm() -> Iterator[Variant]:
    """ConvNeXt: a norm over channels between two transpositions, its block, and the scale of its branch."""
    shape: tuple[int, ...]
    for shape in ((1, 8, 5, 6), (2, 16, 4, 4), (1, 17, 3, 7)):
        channels = shape[1]
        norm: Constants = {"s": Operand((channels,), constant=True), "h": Operand((channels,), constant=True)}
        last, first = "t = Transpose<perm=[0,2,3,1]>(x)", "y = Transpose<perm=[0,3,1,2]>(n)"
        yield Variant(by(shape), {"x": shape}, (last, "n = LayerNormalization<axis=-1>(t, s, h)", first), norm)
        block: Constants = {
            **norm, "w": Operand((channels, 1, 7, 7), "small", constant=True), "b": Operand((channels,), constant=True),
            "w1": Operand((channels, 4 * channels), "small", constant=True), "b1": Operand((4 * channels,), constant=True),
            "w2": Operand((4 * channels, channels), "small", constant=True), "b2": Operand((channels,), constant=True),
            "gamma": Operand((channels, 1, 1), constant=True),
        }  # fmt: skip
        lines = (
            f"c = Conv<kernel_shape=[7,7], pads=[3,3,3,3], group={channels}>(x, w, b)", "t = Transpose<perm=[0,2,3,1]>(c)",
            "n = LayerNormalization<axis=-1>(t, s, h)", "m = MatMul(n, w1)", "a = Add(m, b1)", "g = Gelu(a)",
            "o = MatMul(g, w2)", "p = Add(o, b2)",
            "u = Transpose<perm=[0,3,1,2]>(p)", "l = Mul(u, gamma)", "y = Add(l, x)",
        )  # fmt: skip
        yield Variant(f"block {by(shape)}", {"x": shape}, lines, block)
    for shape, order in product(((2, 6, 8), (1, 4, 5, 7)), ("x, k", "k, x")):
        scale = Operand(shape[-1:] if len(shape) == 3 else (shape[1], 1, 1), constant=True)
        yield Variant(
            f"layer scale {order} {by(shape)}",
            {"x": shape, "r": shape},
            (f"m = Mul({order})", "y = Add(r, m)"),
            {"k": scale},
        )


def cases() -> Iterator[Case]:
    return cases_of(
        (
            layer_norm_in_parts, rms_norm, group_norm_in_parts, attention, attention_block,
                attention_sequence_first, matmul_add, mlp,
            window_partition, roll, cls_token, transpose_layer_norm,
        )
    )  # fmt: skip
