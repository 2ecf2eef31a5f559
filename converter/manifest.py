"""What a bundle says about itself: manifest.json's content, and the same facts as lines for the console."""

from __future__ import annotations

import importlib.metadata
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.islands import render_islands
from converter.preprocess import Preprocess
from converter.targets import Target

if TYPE_CHECKING:
    from converter.attempt import Attempt
    from converter.checkpoint import LoadedModel
    from converter.export import Network
    from converter.islands import Plan
    from converter.legalize import Flag, Legalized, Rewrite, Survey
    from converter.passes import Simplified
    from converter.support.measure import Measurer
    from converter.verification import Check


def version() -> str:
    """torch2cv's own version."""
    try:
        return importlib.metadata.version("torch2cv")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"


def build(
    loaded: LoadedModel,
    net: Network,
    preprocess: Preprocess | None,
    task: str,
    task_settings: Mapping[str, Any],
    labels: Sequence[str] | None,
    targets: Sequence[Target],
    best: Attempt,
    tolerance: float,
    numpy_tolerance: float,
) -> dict[str, Any]:
    """Everything that manifest.json holds, but for the format and the files' hashes. Free of dates and of paths."""
    return {
        "name": _name(loaded),
        "tool": {"name": "torch2cv", "version": version()},
        "versions": {
            name: importlib.metadata.version(name) for name in ("torch", "onnx", "onnxruntime", "onnxsim", "numpy")
        },
        "source": {
            "file": loaded.path.name if loaded.path else None,
            "sha256": loaded.sha256,
            "kind": loaded.kind,
            "arch": _arch(loaded.arch),
            "notes": list(loaded.notes),
        },
        "inputs": [_tensor(name, array) for name, array in best.verification.samples[0].inputs.items()],
        "outputs": [_tensor(name, array) for name, array in best.verification.samples[0].outputs.items()],
        "preprocess": preprocess.to_dict() if preprocess else None,
        "preprocess_in_words": preprocess.describe() if preprocess else "none: the network reads no image",
        "task": task,
        "task_settings": dict(task_settings),
        "labels": len(labels) if labels is not None else None,
        "export": {
            "exporter": best.exported.rung,
            "failed_before": dict(best.exported.failures),
            "batch": best.exported.batch,
            "notes": [*net.notes, *best.exported.notes],
        },
        "simplify": {
            "nodes_before": best.simplified.nodes_before,
            "changes": best.simplified.changes,
            "notes": list(best.simplified.notes),
        },
        "ops": dict(sorted(Counter(node.op_type for node in best.legalized.model.graph).items())),
        "targets": [_target(target, best) for target in targets],
        **_note_islands(best),
        "rewrites": [_rewrite(rewrite) for rewrite in best.legalized.rewrites],
        "flags": [_flag(flag) for flag in best.flags()],
        "overruled": [_flag(flag) for flag in best.flags(standing=False)],
        "numpy": {"folded": best.program.folded, "weights": _precision(best)},
        "verification": {
            "tolerance": tolerance,
            "numpy_tolerance": numpy_tolerance,
            "measure": "max |difference| / max |PyTorch's output|, per output; the worst of all inputs",
            "inputs": [sample.name for sample in best.verification.samples],
            "checks": [_check(check) for check in best.verification.checks],
        },
    }


def _precision(best: Attempt) -> str:
    """How weights.npz holds large weights."""
    return "float16" if any(array.dtype == np.float16 for array in best.program.weights.values()) else "float32"


def _name(loaded: LoadedModel) -> str:
    if loaded.arch:
        return loaded.arch.rsplit(":", 1)[-1]
    return loaded.path.stem if loaded.path else type(loaded.module).__name__


def _target(target: Target, best: Attempt) -> dict[str, Any]:
    check = best.verification.of("opencv", target.name)
    islands = [island for plan in best.plans if plan.target == target for island in _islands(plan, best)]
    return {
        "name": target.name,  # as --target says it: the version, or what the interpreter was registered as
        "version": target.version,
        "engine": target.engine,
        "backend": "opencv" if check.ok else "numpy",
        "reason": "" if check.ok else f"{check.status}: {check.reason}",
        **({"islands": islands} if islands else {}),
    }


def _islands(plan: Plan, best: Attempt) -> list[dict[str, Any]]:
    why = {
        flag.node: "; ".join([str(flag.verdict), *flag.reasons])
        for flag in best.legalized.flags
        if flag.target == plan.target.name
    }
    return [
        {"node": island.node, "op": island.op, "why": why.get(island.node, ""), "mechanism": plan.mechanism}
        for island in plan.islands
    ]


def _note_islands(best: Attempt) -> dict[str, Any]:
    """What whoever wants to use model.onnx alone must know; nothing where there are no islands."""
    if not best.plans:
        return {}
    kit = render_islands(best.plans)
    return {
        "islands": {
            "note": "where a target lists islands, model.onnx needs deploy.py there, which runs these nodes in NumPy",
            "mechanisms": {
                "layers": "each is a layer of the net that calls back into Python",
                "parts": "they run between the parts of the net, which are files of their own",
            },
            "parts": {
                name: {"files": list(files), "bytes": sum(len(kit.parts[file]) for file in files)}
                for name, files in kit.files.items()
                if files
            },
        }
    }


def _rewrite(rewrite: Rewrite) -> dict[str, Any]:
    return {
        "node": rewrite.node,
        "op": rewrite.op_type,
        "rule": rewrite.rule,
        "replaced_by": list(rewrite.replaced_by),
        "needed_by": rewrite.needed_by,
        "error": _round(rewrite.error),
        "promised": rewrite.promised,
        "error_after": {target: _round(error) for target, error in rewrite.error_after.items()},
    }


def _arch(spec: str | None) -> str | None:
    """--arch without the user's folders: they are nobody's business, and differ from machine to machine."""
    if spec is None or ".py:" not in spec:
        return spec
    file, name = spec.rsplit(":", 1)
    return f"{PurePath(file.replace(chr(92), '/')).name}:{name}"


def _tensor(name: str, array: np.ndarray) -> dict[str, Any]:
    return {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "node": flag.node,
        "op": flag.op_type,
        "target": flag.target,
        "verdict": flag.verdict.status,
        "measured": flag.verdict.evidence,
        "reasons": list(flag.reasons),
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "backend": check.backend,
        "target": check.target,
        "status": check.status,
        "worst": _round(check.worst),
        "argmax_agreement": check.top1,
        "reason": check.reason,
        "errors": {sample: {n: _round(e) for n, e in outputs.items()} for sample, outputs in check.errors.items()},
    }


def _round(error: float) -> float | None:
    """Two digits: the rest is this machine's thread count. JSON has no infinity."""
    return float(f"{error:.1e}") if math.isfinite(error) else None


def megabytes(path: Path) -> str:
    """A file's size in words."""
    return f"{path.stat().st_size / 1e6:.1f} MB"


# --- one line per step, for the console ------------------------------------------------------------------------------


def describe_source(loaded: LoadedModel, net: Network) -> str:
    weights = sum(parameter.numel() for parameter in loaded.module.parameters())
    shapes = ", ".join("x".join(map(str, given.shape)) for given in net.inputs)
    text = f"{loaded.kind}, {loaded.arch or type(loaded.module).__name__}, {weights / 1e6:.2f} M parameters, input {shapes}"
    return "\n".join([text, *loaded.notes])


def describe_simplified(simplified: Simplified) -> str:
    changes = ", ".join(f"{name} {count}" for name, count in simplified.changes.items() if count)
    text = f"{simplified.nodes_before} nodes -> {len(simplified.model.graph)} ({changes or 'nothing to change'})"
    return "\n".join([text, *simplified.notes])


def describe_survey(surveyed: Survey, measurer: Measurer) -> str:
    lines = []
    for target in measurer.targets:
        counts = Counter(verdicts[target.name].status for verdicts in surveyed.verdicts.values())
        lines.append(f"{target}: " + ", ".join(f"{count} {status}" for status, count in counts.most_common()))
    return "\n".join([*lines, f"{measurer.probed} probes in child processes"])


def describe_checks(found: Attempt) -> str:
    lines = [str(check) for check in found.verification.checks]
    for plan in found.plans:
        nodes = Counter(island.op for island in plan.islands)
        what = ", ".join(f"{count} x {op}" for op, count in nodes.most_common())
        lines.append(f"{plan.target}: islands in NumPy, as {plan.mechanism} of the net: {what}")
    return "\n".join(lines)


def describe_legalized(legalized: Legalized) -> str:
    if not legalized.rewrites and not legalized.flags:
        return "nothing to rewrite"
    rules = Counter((rewrite.op_type, rewrite.rule) for rewrite in legalized.rewrites)
    lines = [f"{count} x {op} by {rule}" for (op, rule), count in rules.most_common()]
    flagged = Counter((flag.op_type, flag.target, flag.verdict.status) for flag in legalized.flags)
    lines += [f"flagged: {count} x {op} {status} on {target}" for (op, target, status), count in flagged.most_common()]
    return "\n".join(lines)
