"""Measures every case on a target and writes its table: python -m converter.support.measuring [V ...]

Without arguments, every installed target. A case runs twice, in child processes; where the two runs differ the worse one
counts, and the table says that it is unstable. Measuring again gives the same file, its date included, unless a verdict
changed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx_ir as ir

from converter.compare import compare
from converter.graph import infer_types
from converter.opencv import OpenCVRun, OpenCVWorker
from converter.support.cases import Case, all_cases
from converter.support.features import features
from converter.support.measure import TOLERANCE
from converter.support.table import FORMAT
from converter.targets import WHEELS, Target, environments, python_for

TABLES = Path(__file__).with_name("tables")
SEVERITY = "ornltwc"
"""From right to worst: of two runs that differ, the worse counts."""


def row(case: Case) -> list[str]:
    """The case's line in cases.json: name, op, fine key, coarse key."""
    if case.pattern:
        pattern = case.name.split("/")[1]
        return [case.name, f"pattern:{pattern}", f"pattern:{pattern}", f"pattern:{pattern}"]
    graph = ir.from_proto(case.model).graph
    nodes = list(graph)
    infer_types(nodes)
    keys = features(nodes[-1])
    return [case.name, keys.op, keys.fine, keys.coarse]


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
    """Letter, error and OpenCV's text, the worse of two runs."""
    blob, outputs = case.model.SerializeToString(), [value.name for value in case.model.graph.output]
    runs = [worker.run(blob, case.samples, outputs) for _ in range(2)]
    judged = [letter(run, case) for run in runs]
    (first, error), (second, other) = judged
    if first == second:
        steady = error if error is not None and other is not None and math.isclose(error, other, rel_tol=0.5) else None
        return first, steady, runs[0].error
    worse = max((0, 1), key=lambda i: SEVERITY.index(judged[i][0]))
    return judged[worse][0], None, f"unstable from run to run; {runs[worse].error}".rstrip("; ")


def measure(target: Target, cases: Sequence[Case]) -> dict[str, Any]:
    """The target's table as it is written."""
    codes: list[str] = []
    errors: dict[str, float] = {}
    texts: dict[str, int] = {}
    why: dict[str, int] = {}
    with OpenCVWorker(target, timeout=20) as worker:
        for index, case in enumerate(cases):
            code, error, text = measure_case(worker, case)
            codes.append(code)
            if error is not None:
                errors[str(index)] = float(f"{error:.0e}")
            if text:
                why[str(index)] = texts.setdefault(text[:200], len(texts))
    return {
        "format": FORMAT,
        "target": target.name,
        **_versions(target),
        "codes": "".join(codes),
        "errors": errors,
        "texts": list(texts),
        "why": why,
    }


def _versions(target: Target) -> dict[str, str]:
    code = "import cv2, numpy, platform; print(numpy.__version__, platform.machine())"
    done = subprocess.run([str(python_for(target)), "-c", code], capture_output=True, text=True, check=True)
    numpy, machine = done.stdout.split()
    wheel = WHEELS[target.version][0] if target.version in WHEELS else target.version
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
    """Write tables/cases.json, one case a line."""
    TABLES.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(list(entry), separators=(",", ":"), ensure_ascii=False) for entry in rows)
    (TABLES / "cases.json").write_text(f'{{"format":{FORMAT},"cases":[\n{lines}\n]}}\n', encoding="utf-8")


def main() -> None:
    """Measure the targets given, or all that are installed."""
    parser = argparse.ArgumentParser(prog="python -m converter.support.measuring", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="V", help="4.10.0, 5.0.0, 5.0.0-classic, ...")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    options = parser.parse_args()
    names = options.targets or [name for v, python in environments().items() if python for name in _engines(v)]
    began = time.perf_counter()
    cases = list(all_cases())
    write_cases([row(case) for case in cases])
    print(f"{len(cases)} cases, built in {time.perf_counter() - began:.0f} s", file=sys.stderr)

    def run(name: str) -> str:
        started = time.perf_counter()
        target = Target.parse(name)
        data = measure(target, cases)
        written = write(TABLES / f"{target.version}-{target.engine}.json", data)
        counts = {code: data["codes"].count(code) for code in "orwlnct"}
        return f"{target}: {counts}, {time.perf_counter() - started:.0f} s, {'written' if written else 'unchanged'}"

    with ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(run, names):
            print(line, flush=True)


def _engines(name: str) -> list[str]:
    return [name] if name.startswith("4.") else [name, f"{name}-classic"]


if __name__ == "__main__":
    main()
