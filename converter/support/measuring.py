"""Measures every case on a target and writes its table: python -m converter.support.measuring [V ...]

Without arguments, every installed target. Cases run in child processes; what can differ from run to run runs twice, the worse
run counts, and the table says that it is unstable. Cases that the table knows, unchanged, are not run again unless --again
says so. Measuring again gives the same file, its date included, unless a verdict changed.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import math
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.compare import compare
from converter.graph import WORKING_OPSET
from converter.opencv import OpenCVRun, OpenCVWorker
from converter.support.cases import Case, all_cases
from converter.support.features import features
from converter.support.measure import TOLERANCE
from converter.support.table import CASES, FORMAT, load_cases, load_table, measured_targets
from converter.targets import WHEELS, Target, environments, python_for

TABLES = Path(__file__).with_name("tables")
SEVERITY = "ornltwc"
"""From right to worst: of two runs that differ, the worse counts."""


def row(case: Case) -> list[str]:
    """The case's line in the list of cases: name, op, fine key, coarse key.

    A key belongs to the working opset: a case in an older form of its op carries that form's version in the key, and answers
    for no node of the pipeline. Graphs of several nodes answer for their pattern only, or for nothing.
    """
    if case.pattern:
        pattern = f"pattern:{case.name.split('/')[1]}"
        return [case.name, pattern, pattern, pattern]
    nodes = list(ir.from_proto(case.model).graph)
    if len(nodes) > 1:
        return [case.name, f"graph:{nodes[-1].op_type}", f"graph:{case.name}", f"graph:{case.name}"]
    keys = features(nodes[0])
    form = _older_form(nodes[0], case.model)
    return [case.name, keys.op, form + keys.fine, form + keys.coarse]


def _older_form(node: ir.Node, model: onnx.ModelProto) -> str:
    """ "@11 " for an op in a form older than the working opset's, else nothing."""
    if node.domain:
        return ""
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    try:
        since = onnx.defs.get_schema(node.op_type, min(opset, WORKING_OPSET)).since_version
        current = onnx.defs.get_schema(node.op_type, WORKING_OPSET).since_version
    except onnx.defs.SchemaError:
        return ""  # newer than the working opset: its only form
    return "" if since == current else f"@{since} "


def letter(run: OpenCVRun, case: Case) -> tuple[str, float | None]:
    """The letter for one run, and the error where it is wrong and finite."""
    if run.status != "ran":
        return {"fails at load": "l", "fails at run": "n", "crashes": "c", "timeout": "t"}[run.status], None
    found, worst = "o", 0.0
    for got, expected in zip(run.outputs, case.expected, strict=True):
        for name, array in expected.items():
            difference = compare(got[name], array, reshape=True)
            worst = max(worst, difference.relative)
            if got[name].shape != array.shape and found == "o":
                found = "r"
    return (found, None) if worst <= TOLERANCE else ("w", worst if math.isfinite(worst) else None)


def measure_case(worker: OpenCVWorker, case: Case) -> tuple[str, float | None, str]:
    """Letter, error and OpenCV's text. What can differ from run to run is run twice, and the worse run counts."""
    blob, outputs = case.model.SerializeToString(), [value.name for value in case.model.graph.output]
    run = worker.run(blob, case.samples, outputs)
    first, error = letter(run, case)
    if first in "orln" and not case.pattern and case.model.graph.node[-1].op_type != "Resize":
        return first, error, run.error
    again = worker.run(blob, case.samples, outputs)
    second, other = letter(again, case)
    if first == second:
        steady = error if error is not None and other is not None and math.isclose(error, other, rel_tol=0.5) else None
        return first, steady, run.error
    worse, text = (first, run.error) if SEVERITY.index(first) > SEVERITY.index(second) else (second, again.error)
    return worse, None, f"unstable from run to run; {text}".rstrip("; ")


@dataclass(frozen=True)
class Result:
    """What came of one case on one target."""

    code: str
    error: float | None = None
    text: str = ""


Known = dict[tuple[str, str], Result]
"""(case name, digest) -> what was measured before."""


def known(target: Target) -> Known:
    """What the target's present table says, by case."""
    table = load_table(target.key)
    if table is None:
        return {}
    found: Known = {}
    for index, case in enumerate(load_cases()):
        if (code := table.codes[index]) != "u":
            text = table.texts[table.why[index]] if index in table.why else ""
            found[case.name, case.digest] = Result(code, table.errors.get(index), text)
    return found


def measure(target: Target, cases: Sequence[Case], before: Known) -> list[Result]:
    """The result of every case; those that were measured before, unchanged, are not run again."""
    results = []
    with OpenCVWorker(target, timeout=20) as worker:
        for case in cases:
            old = before.get((case.name, digest(case)))
            results.append(old or Result(*measure_case(worker, case)))
    return results


def table_of(target: Target, results: Sequence[Result], meta: dict[str, str]) -> dict[str, Any]:
    """The target's table as it is written."""
    texts: dict[str, int] = {}
    return {
        "format": FORMAT,
        "target": target.name,
        **meta,
        "codes": "".join(result.code for result in results),
        "errors": {str(i): float(f"{r.error:.0e}") for i, r in enumerate(results) if r.error is not None},
        "why": {str(i): texts.setdefault(r.text[:200], len(texts)) for i, r in enumerate(results) if r.text},
        "texts": list(texts),
    }


def digest(case: Case) -> str:
    """A checksum of what is run: the model and its inputs."""
    crc = zlib.crc32(case.model.SerializeToString(deterministic=True))
    for sample in case.samples:
        for name, array in sample.items():
            crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), zlib.crc32(name.encode(), crc))
    return f"{crc:08x}"


def _versions(target: Target) -> dict[str, str]:
    code = "import cv2, numpy, platform; print(numpy.__version__, platform.machine())"
    done = subprocess.run([str(python_for(target)), "-c", code], capture_output=True, text=True, check=True)
    numpy, machine = done.stdout.split()
    wheel = WHEELS[target.version][0] if target.custom is None and target.version in WHEELS else target.version
    return {
        "opencv": wheel,
        "numpy": numpy,
        "machine": machine,
        "onnx": version("onnx"),
        "onnxruntime": version("onnxruntime"),
        "measured": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def write(path: Path, data: dict[str, Any]) -> bool:
    """Write the table; the old one stays, with its date, when nothing but the date would change. True when written."""
    if path.exists():
        old = json.loads(path.read_text(encoding="utf-8"))
        if {**old, "measured": ""} == {**data, "measured": ""}:
            return False
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    return True


def write_cases(rows: Sequence[Sequence[str]]) -> None:
    """Write the list of cases, compressed, its bytes depending on the rows alone."""
    TABLES.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(list(entry), separators=(",", ":"), ensure_ascii=False) for entry in rows)
    text = f'{{"format":{FORMAT},"cases":[\n{lines}\n]}}\n'
    part = TABLES / "cases.part"
    part.write_bytes(gzip.compress(text.encode(), mtime=0))
    part.replace(TABLES / CASES)


def main() -> None:
    """Measure the targets given, or all that are installed."""
    parser = argparse.ArgumentParser(prog="python -m converter.support.measuring", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="V", help="4.10.0, 5.0.0, 5.0.0-classic, ...")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--again", action="store_true", help="run every case, also those that the tables know")
    options = parser.parse_args()
    names = options.targets or [name for v, python in environments().items() if python for name in _engines(v)]
    began = time.perf_counter()
    cases = list(all_cases())
    rows = [[*row(case), digest(case)] for case in cases]
    print(f"{len(cases)} cases, built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    asked = [Target.parse(name) for name in names]
    others = [Target(*stem.rsplit("-", 1)) for stem in measured_targets()]
    before = {target: known(target) for target in dict.fromkeys([*asked, *others])}
    metas = {target: _meta(target) for target in others}
    write_cases(rows)
    for target in others:  # every table follows the list of cases at once; what is new in it is unmeasured
        results = [before[target].get((entry[0], entry[-1]), Result("u")) for entry in rows]
        write(_path(target), table_of(target, results, metas[target]))

    def run(target: Target) -> str:
        started = time.perf_counter()
        results = measure(target, cases, {} if options.again else before[target])
        written = write(_path(target), table_of(target, results, _versions(target)))
        counts = Counter(result.code for result in results)
        took = f"{time.perf_counter() - started:.0f} s, {'written' if written else 'unchanged'}"
        return f"{target}: {dict(counts.most_common())}, {took}"

    with ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(run, asked):
            print(line, flush=True)


def _path(target: Target) -> Path:
    return TABLES / f"{target.key}.json"


def _meta(target: Target) -> dict[str, str]:
    """What the present table says of its measurement."""
    table = load_table(target.key)
    return (
        {} if table is None else {name: value for name, value in table.meta.items() if name not in ("format", "target")}
    )


def _engines(name: str) -> list[str]:
    return [name] if name.startswith("4.") else [name, f"{name}-classic"]


if __name__ == "__main__":
    main()
