"""`convert check`: which nodes of an ONNX model each target runs right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import InputError
from converter.progress import Progress
from converter.targets import Target, default_targets

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    from converter.backends import Arrays
    from converter.export import Input
    from converter.support import Verdict


@dataclass(frozen=True)
class CheckReport:
    """Every node's verdict on every target: node -> (op, target -> verdict).

    whole: installed target -> what it makes of the file as it is; layers that are right one by one can fail in company.
    """

    nodes: dict[str, tuple[str, dict[str, Verdict]]]
    targets: tuple[str, ...]
    whole: dict[str, Verdict] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when neither a node nor the whole file was seen to fail or to compute wrong numbers."""
        found = [verdict for _, verdicts in self.nodes.values() for verdict in verdicts.values()]
        return all(verdict.status in ("ok", "unmeasured") for verdict in (*found, *self.whole.values()))

    def rows(self) -> list[tuple[str, str, str, int, str]]:
        """(op, target, status, how many nodes, evidence of the first), what does not run first."""
        groups: Counter[tuple[str, str, str]] = Counter()
        evidence: dict[tuple[str, str, str], str] = {}
        for op, verdicts in self.nodes.values():
            for target, verdict in verdicts.items():
                groups[op, target, verdict.status] += 1
                evidence.setdefault((op, target, verdict.status), verdict.evidence)
        rows = [(*key, count, evidence[key]) for key, count in groups.items()]
        rows += [("the whole file", t, v.status, len(self.nodes), v.evidence) for t, v in self.whole.items()]
        known = ("ok", "unmeasured")
        return sorted(rows, key=lambda row: (row[2] == "ok", row[2] in known, row[0] == "the whole file", row))

    def to_json(self) -> str:
        """The report as a JSON document."""
        nodes = [
            {
                "node": name,
                "op": op,
                "targets": _plain(verdicts),
            }
            for name, (op, verdicts) in self.nodes.items()
        ]
        found = {"ok": self.ok, "targets": list(self.targets), "whole": _plain(self.whole), "nodes": nodes}
        return json.dumps(found, indent=2)


def _plain(verdicts: Mapping[str, Verdict]) -> dict[str, dict[str, str | float | None]]:
    return {t: {"verdict": v.status, "evidence": v.evidence, "error": v.error} for t, v in verdicts.items()}


def check(
    model: str | Path, *, targets: Sequence[str | Target] = (), example: Any = None, progress: Progress | None = None
) -> CheckReport:
    """Say which nodes of an .onnx file each OpenCV runs right, node by node, alone and behind their producers.

    model: an .onnx file, or a bundle's folder. example: the input shape, where the file leaves it open ("1x3x224x224").
    For the nodes the model is folded and tidied first, as `convert` would do; nothing is rewritten. Then each target that
    is installed runs the file as it is, beside ONNX Runtime. Raises InputError when the file cannot be used.
    """
    from converter.legalize import survey
    from converter.passes import simplify
    from converter.support.measure import Measurer

    tell = progress or Progress()
    asked = tuple(t if isinstance(t, Target) else Target.parse(t) for t in targets) or default_targets()
    tell.start("simplify")
    proto = read_onnx(Path(model))
    inputs = bind_inputs(proto, example)
    serialized = proto.SerializeToString()
    simplified = simplify(proto)
    tell.finish(f"{simplified.nodes_before} nodes -> {len(simplified.model.graph)}")
    with Measurer(asked) as measurer:
        tell.start("check")
        samples = [{given.name: given.draw(seed) for given in inputs} for seed in (11, 12)]
        found = survey(simplified.model, samples, measurer, tell.advance)
        tell.finish(f"{measurer.probed} probes in child processes")
        tell.start("verify")
        whole = run_whole(serialized, samples, [target for target in asked if measurer.can_probe(target)])
        tell.finish(
            ", ".join(f"OpenCV {name}: {verdict.status}" for name, verdict in whole.items()) or "none installed"
        )
    ops = {node.name: node.op_type for node in simplified.model.graph}
    nodes = {name: (ops[name], verdicts) for name, verdicts in found.verdicts.items()}
    if proto.producer_name == "pytorch":
        for node in simplified.model.graph:
            if (pattern := average_pool_of_pytorch(node)) is not None:
                nodes[node.name or ""][1].update(_not_right(pattern, asked))
    return CheckReport(nodes, tuple(target.name for target in asked), whole)


def run_whole(model: bytes, samples: Sequence[Arrays], targets: Sequence[Target]) -> dict[str, Verdict]:
    """What each target makes of a serialized model: its floating-point outputs against ONNX Runtime's."""
    from converter.backends import run_onnxruntime, run_opencv
    from converter.support.measure import judge

    if not targets:
        return {}
    expected = [
        {name: array for name, array in outputs.items() if array.dtype.kind == "f"}
        for outputs in run_onnxruntime(model, samples)
    ]
    if not expected[0]:
        return {}
    return {
        target.name: judge(run_opencv(model, samples, list(expected[0]), target), expected, "of the whole file")
        for target in targets
    }


def average_pool_of_pytorch(node: ir.Node) -> str | None:
    """The pattern that an AveragePool with padding which it does not count makes in a file by "pytorch", else None."""
    pads = node.attributes.get("pads")
    if node.op_type != "AveragePool" or pads is None or not any(pads.as_ints()):
        return None
    counted = node.attributes.get("count_include_pad")
    if counted is None:
        return "average_pool_of_pytorch_silent"
    return None if counted.as_int() else "average_pool_of_pytorch"


def _not_right(pattern: str, targets: Sequence[Target]) -> dict[str, Verdict]:
    """Target -> what it does with the pattern, where that was measured and is not right.

    The tables of single nodes are of files by torch2cv; OpenCV takes a file by "pytorch" to count the padding.
    """
    from converter.support.table import load_table, pattern_verdict

    tables = {target.name: load_table(target.key) for target in targets}
    found = {name: pattern_verdict(table, pattern) for name, table in tables.items() if table is not None}
    return {name: verdict for name, verdict in found.items() if verdict is not None and not verdict}


def read_onnx(path: Path) -> onnx.ModelProto:
    """The ONNX model in a file or in a bundle's folder. Raises InputError for anything else."""
    import onnx
    from google.protobuf.message import DecodeError

    file = path / "model.onnx" if path.is_dir() else path
    try:
        model = onnx.load(file)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        first = str(error).strip().splitlines() or [""]
        raise InputError(
            f"{path} cannot be read as an ONNX model",
            measured=f"{type(error).__name__}: {first[0]}",
            do=(
                "give an .onnx file, or a bundle's folder",
                "a PyTorch checkpoint is converted first: convert CHECKPOINT",
            ),
        ) from error
    return model


def bind_inputs(model: onnx.ModelProto, example: Any) -> tuple[Input, ...]:
    """Fix every input's shape in place: the file's own where it is complete, else `example`'s. Raises InputError."""
    import onnx

    from converter.export import Input
    from converter.inputs import parse_shape

    given = [example] if isinstance(example, str) else list(example or [])
    initializers = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in initializers]
    bound = []
    for position, value in enumerate(values):
        tensor = value.type.tensor_type
        dims = [dim.dim_value for dim in tensor.shape.dim]
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
        if position < len(given):
            dims = list(parse_shape(given[position])[0])
            del tensor.shape.dim[:]
            tensor.shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=size) for size in dims)
        if not dims or 0 in dims:
            raise InputError(
                f"the input {value.name!r} has no fixed shape",
                measured=f"{[dim.dim_param or dim.dim_value or '?' for dim in tensor.shape.dim]}",
                do=("say which one is meant: --input 1x3x224x224",),
            )
        bound.append(Input(value.name, tuple(dims), dtype))
    if given:
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
    return tuple(bound)
