"""The second half of `table_truth.py`: whole networks, run on every target, against what the tables say of their nodes."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
from harvest import file_name, in_child, network_of, read, reason, write

from converter.errors import ConverterError
from converter.support import SupportTable
from converter.support.probes import regions_of
from converter.targets import Target

BARE_ABOVE = 64
"""Weights of more elements than this are left out of the graph that is kept: no key looks at their numbers."""


def run_model(architecture: str, file: str, targets: Sequence[str], millions: float) -> None:
    """Export the network as `convert` would first, run it on the targets, and write down what came of it."""
    import torch

    from converter.backends import OnnxRuntime
    from converter.export import climb
    from converter.opencv import OpenCVWorker
    from converter.passes import simplify
    from converter.support.measure import judge

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tempfile.tempdir = f"{file}.tmp"
    Path(tempfile.tempdir).mkdir(exist_ok=True)
    document: dict[str, Any] = {"architecture": architecture, "targets": {}, **read(Path(file))}
    try:
        net = network_of(architecture, millions)
        exported = next(climb(net))
        simplified = simplify(exported.model)
        proto = ir.to_proto(simplified.model)
        blob = proto.SerializeToString()
        samples = [{given.name: given.draw(seed) for given in net.inputs} for seed in (11, 12)]
        session = OnnxRuntime(blob)
        expected = [session.run(sample) for sample in samples]
    except (ConverterError, ValueError) as error:
        return write(file, {**document, "failed": reason(error)})
    bare(proto)
    onnx.save(proto, file.removesuffix(".json") + ".onnx")
    document["rung"] = exported.rung
    for name in targets:
        with OpenCVWorker(Target.parse(name), timeout=120) as worker:
            verdict = judge(worker.run(blob, samples, list(expected[0])), expected, "whole")
        document["targets"][name] = [verdict.status, verdict.evidence, verdict.error]
        write(file, document)
    return None


def bare(proto: onnx.ModelProto) -> None:
    """Drop the numbers of large float weights, in place; `filled` puts zeros there."""
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) > 4 * BARE_ABOVE:
            tensor.raw_data = b""


def filled(file: Path) -> ir.Model:
    """The graph that was kept, with zeros for its weights."""
    proto = onnx.load(file)
    for tensor in proto.graph.initializer:
        size = 4
        for dim in tensor.dims:
            size *= dim
        if tensor.data_type == onnx.TensorProto.FLOAT and size and not (tensor.raw_data or tensor.float_data):
            tensor.raw_data = bytes(size)
    return ir.from_proto(proto)


def predicted(table: SupportTable, model: ir.Model) -> tuple[str, str]:
    """("will run" | "will not run" | "not known", the node that decides), from every node alone and in its pattern."""
    unknown = ""
    for node in model.graph:
        for region in regions_of(node):
            verdict = table.verdict(region.nodes)
            if region.alone and verdict.status == "unmeasured":
                unknown = unknown or f"{node.op_type}: {verdict.evidence}"
            elif verdict.status not in ("ok", "unmeasured"):
                return "will not run", f"{node.op_type}: {verdict}"
    return ("not known", unknown) if unknown else ("will run", "")


def models_report(context: Any, names: Sequence[str], targets: Sequence[Target], options: Namespace) -> dict[str, Any]:
    """Run what was not run yet, print each target's confusion matrix, and return everything for --json."""
    folder = options.harvest / "models"
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    for name in names:
        file = folder / file_name(name)
        known = read(file) if file.exists() else {"targets": {}}
        missing = [target.name for target in targets if target.name not in known["targets"]]
        if not missing or ("failed" in known and not options.retry):
            continue
        if time.perf_counter() - began > options.budget:
            print(f"out of time before {name}", file=sys.stderr)
            break
        known.pop("failed", None)
        write(str(file), {"architecture": name, **known})
        why = in_child(context, run_model, (name, str(file), missing, options.millions), options.limit)
        shutil.rmtree(f"{file}.tmp", ignore_errors=True)
        if why:
            write(str(file), {**read(file), "failed": why})
        done = read(file)
        told = done.get("failed") or ", ".join(f"{name} {entry[0]}" for name, entry in done["targets"].items())
        print(f"{name}: {told}", file=sys.stderr, flush=True)
    return {target.name: _confusion(target, folder, names) for target in targets}


def _confusion(target: Target, folder: Path, names: Sequence[str]) -> dict[str, Any]:
    table = SupportTable.load(target)
    counts: Counter[tuple[str, str]] = Counter()
    rows = []
    for name in names:
        file = folder / file_name(name)
        entry = (read(file) if file.exists() else {"targets": {}})["targets"].get(target.name)
        if entry is None:
            continue
        said, why = predicted(table, filled(file.with_suffix(".onnx")))
        counts[said, "runs" if entry[0] == "ok" else entry[0]] += 1
        rows.append({"architecture": name, "table": said, "why": why, "live": entry})
    seen = sorted({status for _, status in counts}, key=lambda status: (status != "runs", status))
    print(f"{target.name}: {len(rows)} networks, {_right(counts)} predicted right")
    print(f"  {'':14}" + "".join(f"{status:>10}" for status in seen))
    for said in ("will run", "will not run", "not known"):
        print(f"  {said:14}" + "".join(f"{counts[said, status]:10}" for status in seen))
    for row in rows:
        if (row["table"] == "will run") != (row["live"][0] == "ok"):
            status, evidence, _ = row["live"]
            print(f"    {row['architecture']}: {row['table']}, but {status}: {evidence[:160]}  {row['why'][:160]}")
    return {"counts": [[*key, count] for key, count in sorted(counts.items())], "networks": rows}


def _right(counts: Counter[tuple[str, str]]) -> int:
    return sum(
        n for (said, seen), n in counts.items() if said != "not known" and (said == "will run") == (seen == "runs")
    )
