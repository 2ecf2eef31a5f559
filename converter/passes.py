"""Step 3: simplify and tidy, to one working opset. An ordered tuple of passes, a reason per line.

A pass edits the model in place and returns how many places changed, so 0 means a fixed point. After each pass the
invariants are checked; a broken one names the pass that broke it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import onnx
import onnx_ir as ir
import onnx_ir.passes.common as common

from converter.backends import OnnxRuntime
from converter.errors import ConversionError
from converter.graph import IR_VERSION, WORKING_OPSET, array_of, is_constant, static_shape
from converter.wire import is_large


class Pass(Protocol):
    """Edits `model` in place. Returns how many places changed."""

    __name__: str

    def __call__(self, model: ir.Model, /) -> int: ...


PRODUCER = "torch2cv"
"""What the written model says that it was made by. In a file by "pytorch", OpenCV's classic importer averages the padding of
every AveragePool, whatever the node says; the support tables are of files by others."""


@dataclass(frozen=True)
class Simplified:
    """The model in the working opset, every name unique, every shape known, and what each step changed."""

    model: ir.Model
    changes: dict[str, int]
    nodes_before: int
    notes: tuple[str, ...] = ()


def simplify(model: onnx.ModelProto, *, passes: Sequence[Pass] | None = None) -> Simplified:
    """Constant folding and clean-up by onnxsim, the working opset, then `PASSES`.

    onnxsim failing is a note, not an end: the passes then work on the exporter's own graph.
    Raises ConversionError when the model has an opset that cannot be converted.
    """
    before = len(model.graph.node)
    notes: list[str] = []
    changes: dict[str, int] = {}
    model, changes["to_working_opset"] = to_working_opset(model)
    model, changes["onnxsim"], note = run_onnxsim(model)
    notes += [note] if note else []
    graph = ir.from_proto(model)
    graph.ir_version = IR_VERSION
    graph.producer_name = PRODUCER
    changes.update(run_passes(graph, PASSES if passes is None else passes))
    _hold_as_arrays(graph)
    return Simplified(graph, changes, before, tuple(notes))


def _hold_as_arrays(model: ir.Model) -> None:
    """Large constants as arrays that everybody shares: a tensor of a proto gives each who asks a copy of its own."""
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if isinstance(tensor, ir.serde.TensorProtoTensor) and is_large(tensor):
            value.const_value = ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)


def to_working_opset(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int]:
    """The model in `WORKING_OPSET`, and 1 when that changed it."""
    version = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), WORKING_OPSET)
    if version == WORKING_OPSET:
        return model, 0
    try:
        return onnx.version_converter.convert_version(model, WORKING_OPSET), 1
    except Exception as error:  # the converter raises RuntimeError or its own C++ errors
        raise ConversionError(
            f"the model's opset {version} cannot be converted to {WORKING_OPSET}",
            measured=f"{type(error).__name__}: {str(error).strip().splitlines()[0]}",
            do=("export with opset 17 to 20",),
        ) from error


def run_onnxsim(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int, str]:
    """onnxsim's result, how many nodes it removed, and why it was not used (or "")."""
    import onnxsim

    before = len(model.graph.node)
    try:
        simplified, same = onnxsim.simplify(model)
        if strange := domains(simplified) - domains(model):
            # it writes self-attention as ONNX Runtime's own op where it can: no OpenCV knows that
            simplified, same = onnxsim.simplify(model, skipped_optimizers=["fuse_attention"])
            if domains(simplified) - domains(model):
                simplified, same = onnxsim.simplify(model, perform_optimization=False)
            if domains(simplified) - domains(model):
                return model, 0, f"onnxsim wrote ops of {min(strange)}, the graph goes on without it"
        OnnxRuntime.of(ir.from_proto(simplified))  # it was seen to fold a shape into one that cannot be
    except Exception as error:  # onnxsim raises what its C++ core raises
        return model, 0, f"onnxsim failed, the graph goes on without it: {str(error).strip().splitlines()[0]}"
    if not same:
        return model, 0, "onnxsim's own check found other numbers, the graph goes on without it"
    return simplified, before - len(simplified.graph.node), ""


def domains(model: onnx.ModelProto) -> set[str]:
    """The domains of the model's ops, ONNX's own aside."""
    return {node.domain for node in model.graph.node} - {"", "ai.onnx"}


# --- passes ----------------------------------------------------------------------------------------------------------


def inline_functions(model: ir.Model) -> int:
    """Replace calls of model-local functions by their bodies."""
    functions = len(model.functions)
    common.InlinePass()(model)
    return functions


def lift_constants(model: ir.Model) -> int:
    """Turn Constant nodes into initializers: importers ask for parameters there."""
    before = _count(model)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    return before - _count(model)


def resolve_cast_like(model: ir.Model) -> int:
    """Replace CastLike by Cast, or by the constant that it makes: the bodies of ONNX's functions use it, no OpenCV has it."""
    resolved = 0
    for node in list(model.graph):
        if node.op_type != "CastLike" or node.domain or node.inputs[1] is None or node.inputs[1].dtype is None:
            continue
        to, output, source = node.inputs[1].dtype, node.outputs[0], node.inputs[0]
        known = array_of(source) if source is not None else None
        if known is not None and not output.is_graph_output():
            constant = ir.val(output.name, const_value=ir.tensor(known.astype(to.numpy()), name=output.name))
            output.name = f"{output.name}/resolved"
            model.graph.register_initializer(constant)
            output.replace_all_uses_with(constant)
        else:
            cast = ir.node("Cast", [source], {"to": to}, name=node.name)
            cast.outputs[0].type, cast.outputs[0].shape = ir.TensorType(to), output.shape
            model.graph.insert_before(node, cast)
            _take_over(output, cast.outputs[0])
        model.graph.remove(node, safe=True)
        resolved += 1
    return resolved


def drop_identities(model: ir.Model) -> int:
    """Remove Identity and inference-mode Dropout, so that no later pattern has to look through them."""
    dropped = 0
    for node in list(model.graph):
        if node.op_type not in ("Identity", "Dropout") or node.domain or len(node.inputs) == 0:
            continue
        (source, output) = (node.inputs[0], node.outputs[0])
        if source is None or any(extra.uses() or extra.is_graph_output() for extra in node.outputs[1:]):
            continue
        if output.is_graph_output() and (source.producer() is None or source.is_graph_output()):
            continue  # a graph output needs a node of its own
        _take_over(output, source)
        model.graph.remove(node, safe=True)
        dropped += 1
    return dropped


def drop_empty_work(model: ir.Model) -> int:
    """Remove nodes that change nothing: Reshape, Expand, Transpose, Slice, Pad, Cast, Tile to what the input is already."""
    dropped = 0
    for node in list(model.graph):
        source = node.inputs[0] if node.inputs else None
        if node.domain or source is None or not _changes_nothing(node, source):
            continue
        if node.outputs[0].is_graph_output() and (source.producer() is None or source.is_graph_output()):
            continue
        _take_over(node.outputs[0], source)
        model.graph.remove(node, safe=True)
        dropped += 1
    return dropped


def _changes_nothing(node: ir.Node, source: ir.Value) -> bool:
    output = node.outputs[0]
    before, after = static_shape(source), static_shape(output)
    if before is None or before != after or source.dtype is None or source.dtype != output.dtype:
        return False
    if node.op_type in ("Reshape", "Expand", "Cast", "Flatten", "Squeeze", "Unsqueeze", "Tile"):
        return True
    if node.op_type == "Transpose":
        permutation = node.attributes.get("perm")
        return permutation is not None and bool(tuple(permutation.as_ints()) == tuple(range(len(before))))
    if node.op_type == "Slice" and len(node.inputs) > 4:
        steps = array_of(node.inputs[4])
        return steps is not None and bool((steps == 1).all())
    return bool(node.op_type == "Slice")


def _take_over(output: ir.Value, source: ir.Value) -> None:
    """Everything that read `output` reads `source`; a graph output keeps its name."""
    name, is_output = output.name, output.is_graph_output()
    output.replace_all_uses_with(source, replace_graph_outputs=True)
    if is_output:
        output.name = f"{name}/dropped"
        source.name = name


def cut_pool_windows(model: ir.Model) -> int:
    """Give a pool whose only window hangs over the whole map a window of the map's size, without padding.

    Some networks write global pooling so, with windows of 1280x1280 on maps of 7x7: whoever pads for them makes gigabytes.
    """
    cut = 0
    for node in model.graph:
        if node.op_type in ("AveragePool", "MaxPool") and not node.domain and (space := _hung_over(node)) is not None:
            node.attributes.clear()
            node.attributes["kernel_shape"] = ir.AttrInt64s("kernel_shape", space)
            cut += 1
    return cut


def _hung_over(node: ir.Node) -> Sequence[int] | None:
    """The extents of the map, where one window covers more than it and nothing but the map goes into the result."""
    before, after = (static_shape(value) if value is not None else None for value in (node.inputs[0], node.outputs[0]))
    if before is None or after is None or any(size != 1 for size in after[2:]) or 0 in before or len(node.outputs) > 1:
        return None
    space, attributes = before[2:], node.attributes
    pads, dilations = attributes.get_ints("pads", [0] * 2 * len(space)), attributes.get_ints("dilations", [1])
    if any(dilation != 1 for dilation in dilations) or (any(pads) and attributes.get_int("count_include_pad", 0)):
        return None
    kernel = attributes.get_ints("kernel_shape", [])
    covered = all(width - start >= size for width, start, size in zip(kernel, pads, space, strict=False))
    padded = attributes.get_string("auto_pad", "NOTSET") != "NOTSET"
    return space if covered and not padded and tuple(kernel) != tuple(space) else None


def remove_unused(model: ir.Model) -> int:
    """Remove nodes and initializers that no output needs."""
    before = _count(model) + len(model.graph.initializers)
    common.RemoveUnusedNodesPass()(model)
    for name in [
        n for n, value in model.graph.initializers.items() if not value.uses() and not value.is_graph_output()
    ]:
        del model.graph.initializers[name]
    return before - _count(model) - len(model.graph.initializers)


def drop_initializer_inputs(model: ir.Model) -> int:
    """Weights are not inputs: cv2.dnn would ask for them."""
    before = len(model.graph.inputs)
    common.RemoveInitializersFromInputsPass()(model)
    return before - len(model.graph.inputs)


def strip_metadata(model: ir.Model) -> int:
    """Drop stack traces and doc strings of the exporter: they name the user's files, and change from run to run."""
    stripped = 0
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    model.doc_string = None
    for node in model.graph:
        stripped += bool(node.metadata_props or node.doc_string)
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
            value.doc_string = None
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
        value.doc_string = None
    return stripped


def name_nodes(model: ir.Model) -> int:
    """Give every node a unique name, by its op and place: OpenCV's errors and our report speak of nodes by name."""
    renamed = 0
    seen: Counter[str] = Counter()
    taken = {node.name for node in model.graph if node.name}
    for node in model.graph:
        name = node.name or ""
        if name and not seen[name]:
            seen[name] += 1
            continue
        base = name or node.op_type
        while True:
            fresh = f"{base}_{seen[base]}"
            seen[base] += 1
            if fresh not in taken:
                break
        node.name = fresh
        taken.add(fresh)
        seen[fresh] += 1
        renamed += 1
    return renamed


def unshare_constants(model: ir.Model) -> int:
    """Give every node small constants of its own.

    OpenCV's importers change some in place: on 4.8.1 the second Gather that reads one scalar index keeps the axis that it
    should drop (measured; cait_s24_224 does not load for it), and a Gemm whose bias another op adds too gets it as an input
    (nest_small, whose untrained biases are equal and were merged).
    """
    copies = 0
    for node in model.graph:
        for position, value in enumerate(node.inputs):
            tensor = value.const_value if value is not None else None
            if value is None or tensor is None or tensor.size > MOST_UNSHARED or len(value.uses()) < 2:
                continue
            copies += 1
            name = _fresh(f"{value.name}_of_{node.name}", model)
            own = ir.Value(
                name=name, type=value.type, shape=value.shape, const_value=ir.Tensor(tensor.numpy(), name=name)
            )
            model.graph.register_initializer(own)
            node.replace_input_with(position, own)
    return copies


def _fresh(name: str, model: ir.Model) -> str:
    number = 1
    while name in model.graph.initializers:
        number += 1
        name = f"{name}_{number}"
    return name


MOST_UNSHARED = 16384
"""Elements of a constant that is copied for each node that reads it: indices, axes, shapes, scalars, and merged biases."""


def infer_shapes(model: ir.Model) -> int:
    """Fill in the dtypes and shapes that are missing."""
    before = _untyped(model)
    if not before:
        return 0
    common.ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)
    return before - _untyped(model)


def _untyped(model: ir.Model) -> int:
    return sum(v.dtype is None or static_shape(v) is None for node in model.graph for v in node.outputs)


PASSES: tuple[Pass, ...] = (
    inline_functions,  # first: every later pass may assume one flat graph
    drop_initializer_inputs,  # before anything asks what an input is
    lift_constants,  # before shapes: inference reads constants from initializers
    infer_shapes,  # before what asks for shapes
    resolve_cast_like,  # before what looks for empty casts
    drop_identities,  # later patterns may then assume there are none
    drop_empty_work,  # needs shapes
    cut_pool_windows,  # needs shapes
    remove_unused,  # last of the removals
    strip_metadata,  # what is written depends on the network alone
    name_nodes,  # last: passes above may merge or drop nodes
)


def run_passes(model: ir.Model, passes: Iterable[Pass] = PASSES) -> dict[str, int]:
    """Run the passes in order; how many places each changed."""
    changes = {}
    for run in passes:
        changes[run.__name__] = run(model)
        check_invariants(model, after=run.__name__)
    return changes


def check_invariants(model: ir.Model, *, after: str) -> None:
    """Values are defined before use and named once. Raises ValueError naming the pass: a broken graph is our bug."""
    defined: set[ir.Value] = {*model.graph.inputs, *model.graph.initializers.values()}
    names = Counter(value.name for value in defined)
    for node in model.graph:
        for value in node.inputs:
            if value is not None and value not in defined and not is_constant(value):
                raise ValueError(f"after {after}: {node.op_type} {node.name!r} reads {value.name!r} before it is made")
        defined.update(node.outputs)
        names.update(value.name for value in node.outputs if value.name)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"after {after}: several values are called {twice[0]!r}")
    for output in model.graph.outputs:
        if output not in defined:
            raise ValueError(f"after {after}: nothing makes the output {output.name!r}")


def _count(model: ir.Model) -> int:
    return len(model.graph)
