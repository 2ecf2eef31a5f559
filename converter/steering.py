"""Rewrites that are made wherever they apply, because cv2.dnn was measured to be faster with them, and never slower.

What a target cannot run is another matter (`legalize`): there the support table decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx_ir as ir

from converter.graph import array_of, static_shape
from converter.passes import remove_unused
from converter.rewrites import RULES, apply
from converter.targets import Target

FASTER: dict[str, tuple[tuple[int, int], tuple[int, int] | None]] = {
    "batch_norm_into_product": ((4, 5), None),
    "add_by_conv": ((4, 5), (4, 8)),
    "matmul_by_conv": ((4, 5), (4, 8)),
    "add_by_gemm": ((4, 10), None),
    "matmul_by_gemm": ((4, 10), None),
    "transpose_of_rank_4": ((4, 5), None),
}
"""Rules by name, in their order, and the first and the last OpenCV on which they were measured to pay (None: the newest)."""

ON_CLASSIC_ALONE = {"add_by_gemm", "matmul_by_gemm"}
"""What makes no difference to the new engine is left out where nobody has the classic one."""


def steer(model: ir.Model, targets: Sequence[Target], names: Iterable[str] = FASTER) -> int:
    """Apply the rules that pay on all targets, in place, and merge Reshapes that follow each other; how many nodes changed."""
    versions = sorted(tuple(map(int, target.version.split(".")[:2])) for target in targets)
    classic = any(target.engine == "classic" for target in targets)
    wanted = [
        name
        for name in names
        if FASTER[name][0] <= versions[0] and versions[-1] <= (FASTER[name][1] or versions[-1])
        if classic or name not in ON_CLASSIC_ALONE
    ]
    changed = 0
    for name in wanted:
        for node in list(model.graph):
            if node.op_type == RULES[name].op_type and not node.domain:
                changed += apply(RULES[name], node).declined is None
    if changed:
        remove_unused(model)
        merge_reshapes(model)
    return changed


def merge_reshapes(model: ir.Model) -> int:
    """A Reshape that reads a Reshape reads what that one reads; what nobody reads any more is removed."""
    merged = 0
    for node in list(model.graph):
        source = node.inputs[0].producer() if node.op_type == "Reshape" and node.inputs[0] is not None else None
        after = static_shape(node.outputs[0]) if source is not None and source.op_type == "Reshape" else None
        if source is None or after is None or 0 in after or source.inputs[0] is None:
            continue
        _write_shape(model, node, after)  # a 0 or -1 of the old one was of the shape between
        node.replace_input_with(0, source.inputs[0])
        merged += 1
        if not source.outputs[0].uses() and not source.outputs[0].is_graph_output():
            shape = source.inputs[1]
            model.graph.remove(source, safe=True)
            if shape is not None and shape.is_initializer() and not shape.uses() and shape.name is not None:
                model.graph.initializers.pop(shape.name, None)
    return merged


def _write_shape(model: ir.Model, node: ir.Node, shape: tuple[int, ...]) -> None:
    old = node.inputs[1]
    if old is not None and (array := array_of(old)) is not None and array.tolist() == list(shape):
        return
    name = f"{node.name}/shape"
    own = ir.Value(name=name, const_value=ir.tensor(list(shape), dtype=ir.DataType.INT64, name=name))
    own.dtype, own.shape = ir.DataType.INT64, ir.Shape([len(shape)])
    model.graph.register_initializer(own)
    node.replace_input_with(1, own)
    if old is not None and old.is_initializer() and not old.uses() and old.name is not None:
        model.graph.initializers.pop(old.name, None)
