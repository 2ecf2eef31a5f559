"""What convolutional networks do between convolutions: sums over maps, resizing, joining, shuffling; and several outputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from converter.support.cases import Case
from converter.support.cases._drawing import Operand, floats, ints, scalar
from converter.support.cases._sketching import (
    Constants,
    Variant,
    batch_norm_constants,
    by,
    cases_of,
    convolution,
    some_convolutions,
)


def reduce_mean_spatial() -> Iterator[Variant]:
    """OpenCV issue 24198: the mean over a map, kept or dropped, alone and behind a convolution, flattened after."""
    for shape, axes, keep in product(
        ((1, 4, 5, 7), (2, 16, 7, 7), (1, 8, 1, 1)), ((2, 3), (-1, -2), (-2, -1), (3, 2)), (1, 0)
    ):
        listed = ",".join(map(str, axes))
        old = f"ReduceMean<axes=[{listed}], keepdims={keep}>(x)"
        yield Variant(f"attribute {listed} keep {keep} {by(shape)}", {"x": shape}, (f"y = {old}",), opset=13)
        yield Variant(
            f"input {listed} keep {keep} {by(shape)}",
            {"x": shape},
            (f"y = ReduceMean<keepdims={keep}>(x, axes)",),
            {"axes": ints(*axes)},
        )
    for conv, keep in product(some_convolutions(), (1, 0)):
        constants = {**conv.constants, "axes": ints(2, 3)}
        yield Variant(
            f"conv keep {keep} {conv.label}",
            {"x": conv.shape},
            (conv.line, f"y = ReduceMean<keepdims={keep}>(c, axes)"),
            constants,
        )
        head: Constants = {"k": Operand((10, conv.result[1]), constant=True), "o": Operand((10,), constant=True)}
        last = "y = Gemm<transB=1>(f, k, o)"
        lines: tuple[str, ...]
        if keep:
            lines = (conv.line, "r = Relu(c)", "m = ReduceMean<keepdims=1>(r, axes)", "f = Flatten<axis=1>(m)", last)
        else:
            lines = (conv.line, "r = Relu(c)", "f = ReduceMean<keepdims=0>(r, axes)", last)
        yield Variant(f"head keep {keep} {conv.label}", {"x": conv.shape}, lines, {**constants, **head})
        pool = (conv.line, "r = Relu(c)", "m = GlobalAveragePool(r)", "f = Flatten<axis=1>(m)", last)
        if keep:
            yield Variant(f"pooled head {conv.label}", {"x": conv.shape}, pool, {**conv.constants, **head})


def two_outputs() -> Iterator[Variant]:
    """OpenCV issue 22543: outputs that come in another order than the graph says."""
    for shape, outputs in product(((1, 4, 5, 7), (2, 6, 8), (3, 9)), (("y", "z"), ("z", "y"))):
        label = f"{','.join(outputs)} {by(shape)}"
        yield Variant(f"side by side {label}", {"x": shape}, ("y = Relu(x)", "z = Sigmoid(x)"), outputs=outputs)
        yield Variant(f"one behind the other {label}", {"x": shape}, ("y = Relu(x)", "z = Exp(y)"), outputs=outputs)
        yield Variant(f"crossed {label}", {"x": shape}, ("z = Relu(x)", "a = Neg(x)", "y = Tanh(a)"), outputs=outputs)
        yield Variant(
            f"three {label}", {"x": shape}, ("z = Relu(x)", "a = Neg(z)", "y = Tanh(a)"), outputs=("a", *outputs)
        )
        yield Variant(
            f"split {label}", {"x": (*shape[:-1], 8)}, ("y, z = Split<axis=-1, num_outputs=2>(x)",), outputs=outputs
        )
        yield Variant(
            f"two inputs {label}",
            {"x": shape, "w": shape},
            ("y = Sub(w, x)", "z = Div(x, w)"),
            outputs=outputs,
            kinds={"w": "positive"},
        )
        yield Variant(
            f"inputs turned {label}", {"w": shape, "x": shape}, ("y = Sub(w, x)", "z = Add(x, y)"), outputs=outputs
        )
    for outputs in (("p", "q"), ("q", "p")):
        left, right = (
            convolution((1, 4, 6, 7), 8, into="p", mark="1"),
            convolution((1, 4, 6, 7), 5, 1, into="q", mark="2"),
        )
        yield Variant(
            f"heads {','.join(outputs)}",
            {"x": (1, 4, 6, 7)},
            (left.line, right.line),
            {**left.constants, **right.constants},
            outputs,
        )


RESIZES = {
    "linear": 'mode="linear", coordinate_transformation_mode="half_pixel"',
    "linear torch": 'mode="linear", coordinate_transformation_mode="pytorch_half_pixel"',
    "linear corners": 'mode="linear", coordinate_transformation_mode="align_corners"',
    "nearest": 'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"',
    "cubic": 'mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75',
}


def resize_of_one_row() -> Iterator[Variant]:
    """A map of one row, column or pixel made larger, as ASPP's pooled branch is; behind a convolution right only by luck."""
    for (mode, attributes), before, outward in product(RESIZES.items(), ((1, 1), (1, 4), (4, 1)), (8, 17)):
        conv = convolution((1, 4, *before), outward, 1)
        constants = {**conv.constants, "sizes": ints(1, outward, 6, 8)}
        line = f"y = Resize<{attributes}>({{}}, , , sizes)"
        yield Variant(f"{mode} {conv.label}", {"x": conv.shape}, (conv.line, line.format("c")), constants)
        yield Variant(
            f"{mode} Relu {conv.label}", {"x": conv.shape}, (conv.line, "r = Relu(c)", line.format("r")), constants
        )
        if outward == 8:
            pooled = (f"p = GlobalAveragePool(x) {conv.line.replace('(x,', '(p,')}", "r = Relu(c)", line.format("r"))
            yield Variant(f"{mode} pooled {conv.label}", {"x": (1, 4, 6, 8)}, pooled, constants)


def resize_behind_conv() -> Iterator[Variant]:
    for (mode, attributes), (before, after), outward in product(
        RESIZES.items(), (((5, 7), (10, 14)), ((5, 7), (8, 9)), ((8, 8), (4, 4)), ((2, 2), (7, 7))), (8, 17)
    ):
        conv = convolution((1, 4, *before), outward)
        constants = {**conv.constants, "sizes": ints(1, outward, *after)}
        yield Variant(
            f"{mode} to {by(after)} {conv.label}",
            {"x": conv.shape},
            (conv.line, f"y = Resize<{attributes}>(c, , , sizes)"),
            constants,
        )


def upsample_concat() -> Iterator[Variant]:
    """A pyramid's step: a map made twice as large and joined with, or added to, the finer one."""
    for (mode, attributes), join, order in product(RESIZES.items(), ("Concat<axis=1>", "Add"), ("u, f", "f, u")):
        conv = convolution((1, 4, 3, 5), 8)
        constants = {**conv.constants, "scales": floats(1, 1, 2, 2)}
        lines = (conv.line, f"u = Resize<{attributes}>(c, , scales)", f"y = {join}({order})")
        yield Variant(f"{mode} {join} {order}", {"x": conv.shape, "f": (1, 8, 6, 10)}, lines, constants)


def concat_behind_conv() -> Iterator[Variant]:
    """Branches joined: convolutions and pools, channel counts in and out of the blocks' width, and what is joined again."""
    for channels in ((8, 8), (8, 5), (3, 17), (16, 4, 8)):
        convs = [
            convolution((1, 4, 6, 7), count, 3 if i % 2 else 1, into=f"c{i}", mark=str(i))
            for i, count in enumerate(channels)
        ]
        constants = {name: value for conv in convs for name, value in conv.constants.items()}
        lines = [conv.line for conv in convs]
        names = ", ".join(f"c{i}" for i in range(len(channels)))
        label = ",".join(map(str, channels))
        yield Variant(f"convolutions {label}", {"x": (1, 4, 6, 7)}, (*lines, f"y = Concat<axis=1>({names})"), constants)
        yield Variant(
            f"convolutions and input {label}",
            {"x": (1, 4, 6, 7)},
            (*lines, f"y = Concat<axis=1>({names}, x)"),
            constants,
        )
        yield Variant(
            f"input first {label}", {"x": (1, 4, 6, 7)}, (*lines, f"y = Concat<axis=1>(x, {names})"), constants
        )
        yield Variant(
            f"Relu {label}", {"x": (1, 4, 6, 7)}, (*lines, f"j = Concat<axis=1>({names})", "y = Relu(j)"), constants
        )
        total = sum(channels)
        after = convolution((1, total, 6, 7), 6, of="j", into="y", mark="z")
        yield Variant(
            f"convolved again {label}",
            {"x": (1, 4, 6, 7)},
            (*lines, f"j = Concat<axis=1>({names})", after.line),
            {**constants, **after.constants},
        )
        norm = (*lines, f"j = Concat<axis=1>({names})", "n = BatchNormalization(j, s, h, m, v)", "y = Relu(n)")
        yield Variant(f"norm {label}", {"x": (1, 4, 6, 7)}, norm, {**constants, **batch_norm_constants(total)})
        pool = "p = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)"
        yield Variant(
            f"and pool {label}", {"x": (1, 4, 6, 7)}, (*lines, pool, f"y = Concat<axis=1>({names}, p)"), constants
        )
        seen = (*lines, f"y = Concat<axis=1>({names})", "z = Sub(c0, half)")
        yield Variant(f"used twice {label}", {"x": (1, 4, 6, 7)}, seen, {**constants, "half": scalar(0.5)}, ("y", "z"))
    for shape in ((1, 4, 5, 7), (2, 6, 8)):
        yield Variant(f"twice {by(shape)}", {"x": shape}, ("r = Relu(x)", "y = Concat<axis=1>(r, r)"))


def shuffles() -> Iterator[Variant]:
    """Channel shuffle and pixel shuffle as Reshape, Transpose, Reshape; behind a convolution too."""
    for batch, channels, groups in ((1, 8, 2), (2, 6, 3), (1, 12, 4)):
        constants: Constants = {
            "five": ints(batch, groups, channels // groups, 4, 5),
            "four": ints(batch, channels, 4, 5),
        }
        lines = ("r = Reshape({}, five)", "t = Transpose<perm=[0,2,1,3,4]>(r)", "y = Reshape(t, four)")
        label = f"channels {batch}x{channels} in {groups}"
        yield Variant(label, {"x": (batch, channels, 4, 5)}, tuple(line.format("x") for line in lines), constants)
        conv = convolution((batch, 4, 4, 5), channels)
        yield Variant(
            f"{label} conv",
            {"x": conv.shape},
            (conv.line, *(line.format("c") for line in lines)),
            {**constants, **conv.constants},
        )
    for factor, channels in product((2, 3), (1, 3)):
        deep = channels * factor * factor
        constants = {"six": ints(1, channels, factor, factor, 3, 4), "four": ints(1, channels, 3 * factor, 4 * factor)}
        lines = ("r = Reshape(x, six)", "t = Transpose<perm=[0,1,4,2,5,3]>(r)", "y = Reshape(t, four)")
        yield Variant(f"pixels {deep} by {factor}", {"x": (1, deep, 3, 4)}, lines, constants)
        conv = convolution((1, 4, 3, 4), deep)
        for mode in ("CRD", "DCR"):
            yield Variant(
                f"pixels conv {mode} {deep} by {factor}",
                {"x": conv.shape},
                (conv.line, f'y = DepthToSpace<blocksize={factor}, mode="{mode}">(c)'),
                conv.constants,
            )


def norm_alone() -> Iterator[Variant]:
    """A BatchNormalization with nothing to fuse into, behind an activation, a pool, a sum."""
    for shape in ((1, 4, 5, 7), (2, 6, 8, 8), (1, 17, 3, 3)):
        constants = batch_norm_constants(shape[1])
        for name, line in (
            ("Relu", "d = Relu(x)"), ("Sigmoid", "d = Sigmoid(x)"), ("MaxPool", "d = MaxPool<kernel_shape=[2,2]>(x)"),
            ("AveragePool", "d = AveragePool<kernel_shape=[2,2]>(x)"), ("GlobalAveragePool",
            "d = GlobalAveragePool(x)"), ("Add", "d = Add(x, x)"),
        ):  # fmt: skip
            yield Variant(
                f"behind {name} {by(shape)}", {"x": shape}, (line, "y = BatchNormalization(d, s, h, m, v)"), constants
            )
        yield Variant(
            f"before Relu {by(shape)}",
            {"x": shape},
            ("d = BatchNormalization(x, s, h, m, v)", "y = Relu(d)"),
            constants,
        )
        conv = convolution(shape, 8, of="e", into="y")
        pre = ("d = BatchNormalization(x, s, h, m, v)", "e = Relu(d)", conv.line)
        yield Variant(f"before Relu and Conv {by(shape)}", {"x": shape}, pre, {**constants, **conv.constants})
        bare = convolution(shape, 8, of="d", into="y")
        yield Variant(
            f"before Conv {by(shape)}",
            {"x": shape},
            ("d = BatchNormalization(x, s, h, m, v)", bare.line),
            {**constants, **bare.constants},
        )


def max_pool_same() -> Iterator[Variant]:
    """Padding by minus infinity, as TensorFlow's SAME pool is rebuilt; pools behind convolutions."""
    for widths, kernel, stride in (((0, 0, 1, 1), 3, 2), ((1, 1, 1, 1), 3, 1), ((0, 0, 1, 1), 2, 1)):
        for value in (float("-inf"), 0.0):
            up, left, down, right = widths
            constants: Constants = {"pads": ints(0, 0, up, left, 0, 0, down, right), "value": scalar(value)}
            lines = (
                "p = Pad(x, pads, value)",
                f"y = MaxPool<kernel_shape=[{kernel},{kernel}], strides=[{stride},{stride}]>(p)",
            )
            yield Variant(
                f"{value:g} {up},{left},{down},{right} k{kernel} s{stride}", {"x": (1, 4, 8, 7)}, lines, constants
            )
    for conv, pool in product(some_convolutions(), ("MaxPool", "AveragePool")):
        if min(conv.result[2:]) > 2:
            line = f"y = {pool}<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>({{}})"
            yield Variant(f"{pool} {conv.label}", {"x": conv.shape}, (conv.line, line.format("c")), conv.constants)
            yield Variant(
                f"{pool} Relu {conv.label}",
                {"x": conv.shape},
                (conv.line, "r = Relu(c)", line.format("r")),
                conv.constants,
            )


def reshaped_behind_conv() -> Iterator[Variant]:
    """Everything that reads a convolution's block layout as if it were plain."""
    for outward in (8, 17, 4):
        conv = convolution((1, 4, 6, 5), outward)
        readers: tuple[tuple[str, Constants], ...] = (
            ("y = Flatten<axis=1>(c)", {}), ("y = Reshape(c, to)", {"to": ints(1, outward, 30)}),
            ("y = Transpose<perm=[0,2,3,1]>(c)", {}),
            ("y = Transpose<perm=[0,1,3,2]>(c)", {}), ("y = Softmax<axis=1>(c)", {}),
            ("y = Softmax<axis=-1>(c)", {}), ("y = ArgMax<axis=1>(c)", {}),
            ("y = Slice(c, from, to, axis)", {"from": ints(1), "to": ints(outward), "axis": ints(1)}),
            ("y = Slice(c, from, to, axis)", {"from": ints(1), "to": ints(5), "axis": ints(2)}),
            ("y = Pad(c, pads)", {"pads": ints(0, 0, 1, 1, 0, 0, 1, 1)}),
            ("y, z = Split<axis=1>(c, parts)", {"parts": ints(1, outward - 1)}),
            ("y = Gather<axis=1>(c, at)", {"at": ints(1, 0, 2)}),
            ("y = ReduceMax<keepdims=1>(c, axes)", {"axes": ints(1)}), ("y = ReduceMean<keepdims=1>(c, axes)",
            {"axes": ints(1)}),
            ("y = ReduceSum<keepdims=1>(c, axes)", {"axes": ints(2, 3)}), ("y = Tile(c, times)", {"times": ints(1, 1, 2, 2)}),
            ("y = InstanceNormalization(c, s, h)", {"s": Operand((outward,), constant=True),
            "h": Operand((outward,), constant=True)}),
            ("y = LayerNormalization<axis=1>(c, s)", {"s": Operand((outward, 6, 5), constant=True)}),
            ("y = MatMul(c, m)", {"m": Operand((5, 3), constant=True)}),
            ("y = Squeeze(c, axis)", {"axis": ints(0)}), ("y = Unsqueeze(c, axis)", {"axis": ints(2)}),
            ("y = Pow(c, two)", {"two": scalar(2)}),
            ("y = LpNormalization<axis=1>(c)", {}), ("y = CumSum(c, axis)", {"axis": scalar(1, "int64")}),
            ("y = Mul(c, m)", {"m": Operand((6, 5), constant=True)}),
            ("y = Mul(c, m)", {"m": Operand((1, 1, 6, 5), constant=True)}), ("y = Add(c, m)", {"m": Operand((5,),
            constant=True)}),
            ("y = Where(t, c, zero)", {"t": Operand((1, 1, 6, 5), dtype="bool", constant=True), "zero": scalar(0)}),
            ("y = LRN<size=3>(c)", {}),
            ("y = Resize<mode=\"linear\">(c, , scales)", {"scales": floats(1, 1, 2, 2)}),
            ("y = ConvTranspose<strides=[2,2], kernel_shape=[2,2]>(c, m)", {"m": Operand((outward, 3, 2, 2), constant=True)}),
        )  # fmt: skip
        for line, extra in readers:
            outputs = ("y", "z") if "z =" in line else ("y",)
            given = [str(v) if isinstance(v, Operand) else str(v.ravel().tolist()) for v in extra.values()]
            label = " ".join([line.split("= ")[1], *given, str(outward)])
            yield Variant(label, {"x": conv.shape}, (conv.line, line), {**conv.constants, **extra}, outputs)


def transpose_pairs() -> Iterator[Variant]:
    """Two transpositions in a row: undoing each other or not, read in between or not."""
    for first, second in product(("0231", "0312", "0132", "3210", "1023"), repeat=2):
        perms = [",".join(perm) for perm in (first, second)]
        lines = (f"t = Transpose<perm=[{perms[0]}]>(x)", f"y = Transpose<perm=[{perms[1]}]>(t)")
        yield Variant(f"{first} {second}", {"x": (2, 3, 4, 5)}, lines)
        if second == "0312":
            yield Variant(f"{first} {second} read between", {"x": (2, 3, 4, 5)}, lines, outputs=("y", "t"))


def average_pool_of_pytorch() -> Iterator[Variant]:
    """A padded AveragePool that says not to count the padding, in a file that says it is PyTorch's."""
    yield from _average_pools(", count_include_pad=0")


def average_pool_of_pytorch_silent() -> Iterator[Variant]:
    """The same, not counting the padding by default."""
    yield from _average_pools("")


def _average_pools(attribute: str) -> Iterator[Variant]:
    for shape, kernel, stride, pads in product(
        ((1, 4, 6, 7), (2, 3, 9, 9)), ("3,3", "2,2"), ("1,1", "2,2"), ("1,1,1,1", "0,1,1,0")
    ):
        node = f"AveragePool<kernel_shape=[{kernel}], strides=[{stride}], pads=[{pads}]{attribute}>(x)"
        label = f"{'x'.join(map(str, shape))} k{kernel} s{stride} p{pads}"
        yield Variant(label, {"x": shape}, (f"y = {node}",), producer="pytorch")


def cases() -> Iterator[Case]:
    return cases_of(
        (
            reduce_mean_spatial, two_outputs, resize_of_one_row, resize_behind_conv, upsample_concat,
                concat_behind_conv, shuffles, norm_alone,
            max_pool_same, reshaped_behind_conv, transpose_pairs,
            average_pool_of_pytorch, average_pool_of_pytorch_silent,
        )
    )  # fmt: skip
