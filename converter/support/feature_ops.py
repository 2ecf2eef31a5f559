"""What each op adds to its keys, beyond its operands: (name, fine value, coarse value), one function a kind of op."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import onnx_ir as ir

from converter.graph import array_of, static_shape

Entries = tuple[tuple[str, Any, Any], ...]
Describe = Callable[[ir.Node, dict[str, Any]], Entries]


def mask(shape: tuple[int, ...] | None) -> str:
    """One letter an axis: 1 for an extent of 1, n for more, 0 for none."""
    return "?" if shape is None else "".join("n" if size > 1 else str(size) for size in shape)


def plain(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    """Every attribute as it is, in both keys; axes by class in the coarse one."""
    rank = _rank(node)
    entries: list[tuple[str, Any, Any]] = []
    for name, value in sorted(attributes.items()):
        coarse = _axis(value, rank) if name == "axis" else value
        fine = value + rank if name == "axis" and isinstance(value, int) and value < 0 else value
        entries.append((name, fine, coarse))
    return (*entries, *_broadcast(node))


def _broadcast(node: ir.Node) -> Entries:
    """How two operands meet, for the coarse key: the fine one has their extents."""
    if len(node.inputs) != 2 or node.op_type not in _BINARY:
        return ()
    first, second = (static_shape(value) if value is not None else None for value in node.inputs)
    if first is None or second is None:
        return (("meet", None, "?"),)
    rank = max(len(first), len(second))
    a, b = (1,) * (rank - len(first)) + first, (1,) * (rank - len(second)) + second
    left = any(x == 1 < y for x, y in zip(a, b, strict=True))
    right = any(y == 1 < x for x, y in zip(a, b, strict=True))
    names = {(0, 0): "same", (1, 0): "left", (0, 1): "right", (1, 1): "both"}
    return (("meet", None, names[left, right]), ("scalar", _scalar(node), _scalar(node)))


_BINARY = {
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or",
    "Xor", "Min", "Max", "BitShift", "Sum", "Mean",
}  # fmt: skip


def _scalar(node: ir.Node) -> str | None:
    """The class of a constant scalar operand: whether it is 0, 1, 2, a half, or another number decides some fusions."""
    for value in node.inputs:
        array = array_of(value)
        if array is not None and array.size == 1:
            number = float(array.ravel()[0])
            return f"{number:g}" if number in (0, 1, 2, 3, 0.5, -1) else "x"
    return None


def _rank(node: ir.Node, position: int = 0) -> int:
    if position >= len(node.inputs) or node.inputs[position] is None:
        return 0
    value = node.inputs[position]
    shape = static_shape(value) if value is not None else None
    return len(shape) if shape is not None else 0


def _axis(axis: Any, rank: int) -> str:
    """An axis by class."""
    if not isinstance(axis, int):
        return str(axis)
    axis = axis + rank if axis < 0 else axis
    if axis == rank - 1:
        return "last"
    return "0" if axis == 0 else ("1" if axis == 1 else "mid")


def _axes(axes: tuple[int, ...] | None, rank: int) -> tuple[str, str]:
    """Axes exactly, and by class."""
    if axes is None:
        return "none", "none"
    axes = tuple(sorted(axis + rank if axis < 0 else axis for axis in axes))
    if len(axes) == rank:
        return "all", "all"
    if rank >= 3 and axes == tuple(range(2, rank)):
        return ",".join(map(str, axes)), "spatial"
    if axes == tuple(range(rank - len(axes), rank)):
        return ",".join(map(str, axes)), f"last{len(axes)}"
    return ",".join(map(str, axes)), "+".join(_axis(axis, rank) for axis in axes)


def _ints(node: ir.Node, position: int) -> tuple[int, ...] | None:
    """The integers of a constant input; None when it is absent or comes from a node."""
    if position >= len(node.inputs):
        return None
    array = array_of(node.inputs[position])
    return None if array is None else tuple(int(n) for n in array.ravel())


def _with_axes(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    """Ops whose axes are an attribute in old opsets and an input in new ones."""
    rank = _rank(node)
    form = (
        "attribute"
        if "axes" in attributes
        else ("input" if len(node.inputs) > 1 and node.inputs[1] is not None else "no")
    )
    axes = attributes.get("axes") if form == "attribute" else _ints(node, 1)
    if node.op_type == "Unsqueeze":
        rank += len(axes or ())
    fine, coarse = _axes(axes, rank)
    rest = tuple((name, value, value) for name, value in sorted(attributes.items()) if name != "axes")
    output = static_shape(node.outputs[0])
    # 4.8.1 reduces wrongly when many numbers come out, and rightly when few do
    many = "many" if node.op_type.startswith("Reduce") and output is not None and math.prod(output) >= 32 else None
    return (("form", form, form), ("axes", fine, coarse), ("out", many, many), *rest)


def _window(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    """Convolutions and pools: kernel, strides, dilations, pads, groups."""
    weight = static_shape(node.inputs[1]) if "Conv" in node.op_type and node.inputs[1] is not None else None
    kernel = attributes.get("kernel_shape") or (weight[2:] if weight else ())
    entries: list[tuple[str, Any, Any]] = [("kernel", _by(kernel), "1" if set(kernel) <= {1} else "k")]
    if weight:
        written = "absent" if "kernel_shape" not in attributes else None
        entries.append(("kernel_shape", written, written))
        channels = static_shape(node.inputs[0]) if node.inputs[0] is not None else None
        group = attributes.get("group", 1)
        kind = "1" if group == 1 else ("depthwise" if channels and group == channels[1] else "grouped")
        multiplier = "" if kind != "depthwise" or weight[0] == group else "*"
        # 5.0.0's new engine writes beyond its buffer for some groups that read many channels and make no multiple of eight
        if kind == "grouped" and weight[1] >= 48 and weight[0] // group > 8 and weight[0] // group % 8:
            multiplier = " deep"
        entries.append(("group", kind + multiplier, kind + multiplier))
    if "strides" in attributes:
        entries.append(("strides", _by(attributes["strides"]), "s"))
    if "dilations" in attributes:
        entries.append(("dilations", _by(attributes["dilations"]), "d"))
    pads = attributes.get("pads")
    if pads is not None:
        half = len(pads) // 2
        symmetric = pads[:half] == pads[half:]
        entries.append(("pads", _by(pads[:half]) if symmetric else _by(pads), "same" if symmetric else "asymmetric"))
    if attributes.get("ceil_mode") or "auto_pad" in attributes:
        fits = _fits(node, kernel, attributes)
        even = "even" if any(size % 2 == 0 for size in kernel) else None
        entries += [("fits", fits, fits), ("even", even, even)]
    rest = {"kernel_shape", "group", "strides", "dilations", "pads"}
    return (*entries, *((name, value, value) for name, value in sorted(attributes.items()) if name not in rest))


def _fits(node: ir.Node, kernel: Any, attributes: dict[str, Any]) -> str:
    """Whether the windows end at the map's end: what ceil_mode and auto_pad turn on."""
    shape = static_shape(node.inputs[0]) if node.inputs[0] is not None else None
    strides = attributes.get("strides", (1,) * len(kernel))
    pads = attributes.get("pads", (0,) * 2 * len(kernel))
    if shape is None or len(shape) != len(kernel) + 2:
        return "?"
    extents = [size + pads[i] + pads[i + len(kernel)] for i, size in enumerate(shape[2:])]
    if "auto_pad" in attributes:
        return "yes" if all(size % stride == 0 for size, stride in zip(shape[2:], strides, strict=False)) else "no"
    rests = [(extent - k) % stride for extent, k, stride in zip(extents, kernel, strides, strict=False)]
    return "yes" if not any(rests) else "no"


def _cumsum(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    axis = _ints(node, 1)
    place = None if axis is None or not axis else axis[0]
    return (
        ("axis", place, _axis(place, _rank(node))),
        _sign(place),
        *((n, v, v) for n, v in sorted(attributes.items())),
    )


def _group_norm(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    """Scale and bias per group (opset 18) or per channel (21)."""
    scale = static_shape(node.inputs[1]) if node.inputs[1] is not None else None
    groups = attributes.get("num_groups")
    per = "?" if scale is None else ("group" if scale[0] == groups else "channel")
    return (("scale", per, per), ("groups", "1" if groups == 1 else "n", None))


def _by(sizes: Any) -> str:
    return "x".join(map(str, sizes))


def _reshape(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    output = static_shape(node.outputs[0])
    target = _ints(node, 1)
    wild = "" if target is None else "".join(sorted({"0" if n == 0 else "-" for n in target if n <= 0}))
    rank = len(output) if output is not None else "?"
    return (("to", mask(output) + wild, rank), *((n, v, v) for n, v in sorted(attributes.items())))


def _to_output(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    """Expand, Tile, ConstantOfShape: what comes out decides."""
    output = static_shape(node.outputs[0])
    before = static_shape(node.inputs[0]) if node.inputs[0] is not None else None
    grown = "?"
    if before is not None and output is not None:
        padded = (1,) * (len(output) - len(before)) + before
        grown = "".join("+" if a != b else "=" for a, b in zip(padded, output, strict=False))
    count = grown.count("+") if grown != "?" else "?"
    return (
        ("to", mask(output), len(output or ())),
        ("grown", grown, count),
        *((n, v, v) for n, v in sorted(attributes.items())),
    )


def _slice(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    rank = _rank(node)
    shape = static_shape(node.inputs[0]) if node.inputs[0] is not None else None
    starts, ends = _ints(node, 1), _ints(node, 2)
    if starts is None or ends is None or shape is None:
        return (("parameters", "runtime", "runtime"), *((n, v, v) for n, v in sorted(attributes.items())))
    axes = _ints(node, 3) or tuple(range(len(starts)))
    steps = _ints(node, 4) or (1,) * len(starts)
    fine, coarse = _axes(axes, rank)
    signs = {
        "step": "".join("-" if s < 0 else ("1" if s == 1 else "s") for s in steps),
        "start": "".join("-" if s < 0 else ("0" if s == 0 else "+") for s in starts),
        "end": "".join("M" if e >= shape[a] else ("-" if e < 0 else "+") for e, a in zip(ends, axes, strict=False)),
    }
    kept = "1" if static_shape(node.outputs[0]) and 1 in (static_shape(node.outputs[0]) or ()) else "n"
    return (
        ("axes", fine, coarse),
        *((name, value, "".join(sorted(set(value)))) for name, value in signs.items() if name == "step"),
        *((name, value, None) for name, value in signs.items() if name != "step"),
        ("out", kept, None),
    )


def _pad(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    pads = attributes.get("pads") or _ints(node, 1)
    form = "attribute" if "pads" in attributes else "input"
    mode = attributes.get("mode", "constant")
    if pads is None:
        return (("mode", mode, mode), ("pads", "runtime", "runtime"))
    half = len(pads) // 2
    signs = "".join(
        "-" if min(a, b) < 0 else ("+" if max(a, b) > 0 else "0") for a, b in zip(pads[:half], pads[half:], strict=True)
    )
    value = array_of(node.inputs[2]) if len(node.inputs) > 2 else None
    filled = "0" if value is None or value.size == 0 or not value.any() else "x"
    return (
        ("mode", mode, mode),
        ("form", form, form),
        ("pads", signs, "".join(sorted(set(signs)))),
        ("value", filled, filled),
    )


def _resize(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    before = static_shape(node.inputs[0]) if node.inputs[0] is not None else None
    after = static_shape(node.outputs[0])
    ways = "?"
    if before is not None and after is not None and len(before) == len(after):
        ways = "".join(_way(a, b) for a, b in zip(before, after, strict=True))
    by = "sizes" if len(node.inputs) > 3 and node.inputs[3] is not None else "scales"
    classes = "".join(sorted(set(ways) - {"="}))
    entries: list[tuple[str, Any, Any]] = [("by", by, by), ("ways", ways, classes)]
    # 4.x asks for the attribute itself where ONNX has a default
    written = None if "coordinate_transformation_mode" in node.attributes else "absent"
    entries.append(("coordinates", written, written))
    if attributes.get("mode", "nearest") != "nearest":
        attributes = {name: value for name, value in attributes.items() if name != "nearest_mode"}
    if attributes.get("mode") != "cubic":
        attributes = {name: value for name, value in attributes.items() if name != "cubic_coeff_a"}
    return (*entries, *((name, value, value) for name, value in sorted(attributes.items())))


def _way(before: int, after: int) -> str:
    """U, u: up by a whole, a broken factor; D, d: down; =: as it was."""
    if before == after:
        return "="
    if after > before:
        return "U" if after % before == 0 else "u"
    return "D" if before % after == 0 else "d"


def _sign(axis: Any) -> tuple[str, str | None, str | None]:
    """Whether an axis is counted from the end: 4.x loses ranks below 2, and then counts from another end."""
    minus = "-" if isinstance(axis, int) and axis < 0 else None
    return ("sign", minus, minus)


def _gather(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    rank = _rank(node)
    axis = attributes.get("axis", 0)
    if "reduction" in attributes:
        return (
            ("axis", axis, _axis(axis, rank)),
            _sign(axis),
            ("reduction", attributes["reduction"], attributes["reduction"]),
        )
    indices = _ints(node, 1)
    what = (
        None if indices is None else ("-" if min(indices, default=0) < 0 else "+") + ("1" if len(indices) == 1 else "n")
    )
    return (("axis", axis + rank if axis < 0 else axis, _axis(axis, rank)), _sign(axis), ("indices", what, what))


def _transpose(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    rank = _rank(node)
    perm = tuple(attributes.get("perm", range(rank)[::-1]))
    named = {
        (0, 2, 3, 1): "to channels last",
        (0, 3, 1, 2): "to channels first",
        (*range(rank - 2), rank - 1, rank - 2): "last two",
        tuple(range(rank)): "same",
    }
    return (("perm", "".join(map(str, perm)), named.get(perm, "batch moves" if perm[:1] != (0,) else "other")),)


def _concat(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    rank = _rank(node)
    axis = attributes.get("axis", 0)
    count = min(len(node.inputs), 5)
    return (
        ("axis", axis + rank if axis < 0 else axis, _axis(axis, rank)),
        ("inputs", count, "1" if count == 1 else "n"),
    )


def _split(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    rank = _rank(node)
    axis = attributes.get("axis", 0)
    sizes = attributes.get("split") or _ints(node, 1)
    form = "attribute" if "split" in attributes else ("input" if sizes is not None else "count")
    equal = "equal" if sizes is None or len(set(sizes)) == 1 else "unequal"
    fine_axis = axis + rank if axis < 0 else axis
    return (
        ("axis", fine_axis, _axis(axis, rank)),
        ("form", form, form),
        ("parts", f"{min(len(node.outputs), 5)}{equal}", equal),
    )


def _instance_norm(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    written = None if "epsilon" in node.attributes else "absent"  # 4.8.1 and older ask for it
    return (("epsilon", written, written), *plain(node, attributes))


def _gemm(node: ir.Node, attributes: dict[str, Any]) -> Entries:
    scales = {name: "0" if attributes[name] == 0 else "x" for name in ("alpha", "beta") if name in attributes}
    entries: list[tuple[str, str, str | None]] = [(name, value, value) for name, value in scales.items()]
    weight = static_shape(node.inputs[1]) if node.inputs[1] is not None else None
    if weight is not None and len(set(weight)) == 1:
        entries.append(("weight", "square", None))  # 4.6.0 takes some of these only
    return (*entries, *((n, v, v) for n, v in sorted(attributes.items()) if n not in scales))


_REDUCTIONS = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip

DETAILS: dict[str, Describe] = {
    **dict.fromkeys((*_REDUCTIONS, "Squeeze", "Unsqueeze"), _with_axes),
    **dict.fromkeys(("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"), _window),
    **dict.fromkeys(("Expand", "Tile"), _to_output),
    "Reshape": _reshape,
    "Slice": _slice,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Gather": _gather,
    "GatherElements": _gather,
    "Transpose": _transpose,
    "Concat": _concat,
    "CumSum": _cumsum,
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "ScatterElements": _gather,
    "Split": _split,
    "Gemm": _gemm,
}
