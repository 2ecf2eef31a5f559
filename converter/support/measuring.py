"""Measures every case on a target and writes its table: python -m converter.support.measuring [V ...]

Without arguments, every installed target; a registered interpreter by its name. Cases run in child processes; what can differ
from run to run runs twice, the worse run counts, and the table says that it is unstable. Cases that the table knows, unchanged,
are not run again unless --again says so. Measuring again gives the same file, its date included, unless a verdict changed.

Measuring OpenCV's releases writes the list of cases, and all tables follow it. A registered interpreter is measured on the
cases that are listed, and its table is the user's: see converter/support/table.py.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import math
import multiprocessing
import pickle
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from converter.compare import compare
from converter.errors import ConverterError, TargetError
from converter.graph import WORKING_OPSET
from converter.opencv import OpenCVRun, OpenCVWorker
from converter.registered import tables_folder
from converter.support.cases import Case, all_cases
from converter.support.features import features, older_form
from converter.support.measure import TOLERANCE
from converter.support.table import (
    CASES,
    FORMAT,
    checksum,
    load_cases,
    load_table,
    measured_customs,
    measured_targets,
)
from converter.targets import WHEELS, Target, environments, python_for

TABLES = Path(__file__).with_name("tables")
SEVERITY = "ornltwc"
"""From right to worst: of two runs that differ, the worse counts."""

EVERY = 20.0
"""Seconds between two lines of progress of a target."""


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
    opset = next((entry.version for entry in case.model.opset_import if entry.domain in ("", "ai.onnx")), WORKING_OPSET)
    form = "" if nodes[0].domain else older_form(nodes[0].op_type, opset)
    return [case.name, keys.op, form + keys.fine, form + keys.coarse]


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


UNSTABLE = "unstable from run to run"

UNSTEADY = {"Gemm": 6}
"""Op -> how often its cases run: on 4.x some are right or wrong by what lies in memory that nobody wrote."""


def measure_case(worker: OpenCVWorker, case: Case) -> tuple[str, float | None, str]:
    """Letter, error and OpenCV's text. What can differ from run to run runs several times, and the worst run counts."""
    blob, outputs = case.model.SerializeToString(), [value.name for value in case.model.graph.output]
    op = "pattern" if case.pattern else case.model.graph.node[-1].op_type
    run = worker.run(blob, case.samples, outputs)
    letter_of_run, error = letter(run, case)
    found = [(letter_of_run, error, run.error)]
    if letter_of_run not in "orln" or op in ("pattern", "Resize", *UNSTEADY):
        for _ in range(UNSTEADY.get(op, 2) - 1):
            again = worker.run(blob, case.samples, outputs)
            found.append((*letter(again, case), again.error))
    worst, error, text = max(found, key=lambda entry: SEVERITY.index(entry[0]))
    if len({entry[0] for entry in found}) > 1:
        return worst, None, f"{UNSTABLE}; {text}".rstrip("; ")
    errors = [entry[1] for entry in found if entry[1] is not None]
    steady = len(errors) == len(found) > 1 and max(errors) <= 1.5 * min(errors)
    return worst, max(errors) if steady else None, text


@dataclass(frozen=True)
class Result:
    """What came of one case on one target."""

    code: str
    error: float | None = None
    text: str = ""


def agreed(before: Result | None, now: Result) -> Result:
    """One result of two measurements of the same build: what differs is unstable, and the worse counts from then on.

    So measuring again and again gives the same table. A time that was up says more of the machine than of OpenCV: the other
    measurement counts.
    """
    if before is None or before.code == "t":
        return now
    if now.code == "t":
        return before
    if before.code != now.code:
        worse = max(before, now, key=lambda result: SEVERITY.index(result.code))
        return (
            worse
            if worse.text.startswith(UNSTABLE)
            else Result(worse.code, None, f"{UNSTABLE}; {worse.text}".rstrip("; "))
        )
    if before.text.startswith(UNSTABLE) or now.code == "c":  # which signal it is varies
        return before
    if before.error is None or now.error is None:
        return Result(now.code, None, now.text)
    steady = max(before.error, now.error) <= 1.5 * min(before.error, now.error)
    return Result(now.code, before.error if steady else None, now.text)


Known = dict[tuple[str, str], Result]
"""(case name, digest) -> what was measured before."""


def known(target: Target) -> Known:
    """What the target's present table says, by case."""
    try:
        table = load_table(target.key)
    except TargetError as error:  # of other cases: all of them are measured then
        print(f"{error.what}: {error.measured}", file=sys.stderr)
        return {}
    if table is None:
        return {}
    found: Known = {}
    for index, case in enumerate(load_cases()):
        if (code := table.codes[index]) != "u":
            text = table.texts[table.why[index]] if index in table.why else ""
            found[case.name, case.digest] = Result(code, table.errors.get(index), text)
    return found


def measure(target: Target, stored: Path, wanted: frozenset[int]) -> dict[int, Result]:
    """The results of the wanted ones of the stored cases, by index. Says on standard error how far it is."""
    results: dict[int, Result] = {}
    told = time.monotonic()
    with OpenCVWorker(target, timeout=20) as worker:
        for index, case in _unpacked(stored):
            if index not in wanted:
                continue
            results[index] = Result(*measure_case(worker, case))
            if time.monotonic() - told >= EVERY:
                told = time.monotonic()
                print(f"{target}: {len(results)} of {len(wanted)} cases", file=sys.stderr, flush=True)
    return results


def _pack(stored: Path, cases: Iterable[tuple[int, Case]]) -> None:
    """Store cases one by one, so that whoever reads them holds one at a time."""
    with stored.open("wb") as file:
        for entry in cases:
            pickle.dump(entry, file, protocol=pickle.HIGHEST_PROTOCOL)


def _unpacked(stored: Path) -> Iterator[tuple[int, Case]]:
    with stored.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)


def table_of(target: Target, results: Sequence[Result], meta: dict[str, str]) -> dict[str, Any]:
    """The target's table as it is written."""
    texts: dict[str, int] = {}
    return {
        "format": FORMAT,
        "target": target.name,
        **meta,
        "codes": "".join(result.code for result in results),
        "errors": {str(i): float(f"{r.error:.0e}") for i, r in enumerate(results) if r.error is not None},
        "why": {str(i): texts.setdefault(r.text, len(texts)) for i, r in enumerate(results) if r.text},
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
    code = "import cv2, numpy, platform; print(cv2.__version__, numpy.__version__, platform.machine())"
    done = subprocess.run([str(python_for(target)), "-c", code], capture_output=True, text=True, check=True)
    opencv, numpy, machine = done.stdout.split()
    wheel = WHEELS[target.version][0] if target.custom is None and target.version in WHEELS else opencv
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
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    return True


Rows = Sequence[Sequence[str]]


def write_cases(rows: Rows) -> None:
    """Write the list of cases, compressed, its bytes depending on the rows alone."""
    TABLES.mkdir(exist_ok=True)
    part = TABLES / "cases.part"
    part.write_bytes(gzip.compress(_spelt(rows), mtime=0))
    part.replace(TABLES / CASES)


def _spelt(rows: Rows) -> bytes:
    lines = ",\n".join(json.dumps(list(entry), separators=(",", ":"), ensure_ascii=False) for entry in rows)
    return f'{{"format":{FORMAT},"cases":[\n{lines}\n]}}\n'.encode()


def main() -> None:
    """Measure the targets given, or all that are installed."""
    parser = argparse.ArgumentParser(prog="python -m converter.support.measuring", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="V", help="4.10.0, 5.0.0, 5.0.0-classic, a registered name, ...")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--again", action="store_true", help="run every case, also those that the tables know")
    options = parser.parse_args()
    try:
        names = options.targets or [name for v, python in environments().items() if python for name in _engines(v)]
        asked = list(dict.fromkeys(Target.parse(name) for name in names))
        for target in asked:
            python_for(target)  # what is not there shows before a minute has passed
        began = time.perf_counter()
        cases = list(all_cases())
        print(f"{len(cases)} cases, built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        failed = measure_all(asked, cases, jobs=options.jobs, again=options.again)
    except ConverterError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(2 if failed else 0)


def measure_all(asked: Sequence[Target], cases: Sequence[Case], *, jobs: int, again: bool) -> bool:
    """Measure the cases on every target, `jobs` at a time, each in a process of its own; write what came of it.

    True when a target could not be measured: it is told on standard error, and the others are measured all the same.
    """
    built = [[*row(case), digest(case)] for case in cases]
    customs_only = all(target.custom is not None for target in asked) and len(load_cases()) > 0
    before = {target: known(target) for target in asked}
    if customs_only:
        rows: Rows = [[case.name, case.op, case.fine, case.coarse, case.digest] for case in load_cases()]
    else:
        rows = built
        _list_anew(rows)
    places = {(entry[0], entry[-1]): index for index, entry in enumerate(rows)}
    placed = [(places.get((entry[0], entry[-1])), case) for entry, case in zip(built, cases, strict=True)]
    present = {index: case for index, case in placed if index is not None}
    if len(present) < len(rows):
        print(f"{len(rows) - len(present)} of the listed cases cannot be built here: unmeasured", file=sys.stderr)
    old = {target: _old(rows, before[target]) for target in asked}
    wanted = {target: frozenset(i for i in present if again or i not in old[target]) for target in asked}
    failed = False
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        stored = Path(folder) / "cases"
        _pack(stored, ((index, present[index]) for index in sorted(frozenset().union(*wanted.values()))))
        # threads would share one interpreter lock; a fork of a process that has worked may hang
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max(1, min(jobs, len(asked))), mp_context=spawning) as pool:
            running = [
                pool.submit(_measured, target, _path(target), rows, old[target], stored, wanted[target])
                for target in asked
            ]
            for done in as_completed(running):
                try:
                    print(done.result(), flush=True)
                except ConverterError as error:
                    print(error, file=sys.stderr, flush=True)
                    failed = True
    return failed


def _measured(
    target: Target, path: Path, rows: Rows, old: dict[int, Result], stored: Path, wanted: frozenset[int]
) -> str:
    """Measure one target and write its table, in the process of its own; what to tell of it."""
    started = time.perf_counter()
    versions = _versions(target)
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    comparable = all(versions[name] == earlier.get(name) for name in ("opencv", "numpy", "machine"))
    new = measure(target, stored, wanted)
    results = {
        **old,
        **{index: agreed(old.get(index) if comparable else None, result) for index, result in new.items()},
    }
    complete = [results.get(index, Result("u")) for index in range(len(rows))]
    written = write(path, table_of(target, complete, {**versions, **_of(target, rows)}))
    counts = Counter(result.code for result in complete)
    took = f"{time.perf_counter() - started:.0f} s, {'written' if written else 'unchanged'}"
    return f"{target}: {dict(counts.most_common())}, {took}"


def _old(rows: Rows, before: Known) -> dict[int, Result]:
    """What was measured before, by the case's index in the list."""
    return {index: before[case] for index, entry in enumerate(rows) if (case := (entry[0], entry[-1])) in before}


def _list_anew(rows: Rows) -> None:
    """Write the list of cases. Every table follows it at once; what is new in it is unmeasured."""
    followers = [Target(*stem.rsplit("-", 1)) for stem in measured_targets()]
    tables = {target: (_old(rows, known(target)), _meta(target)) for target in followers}
    for name in measured_customs():
        try:
            target = Target.parse(name)
            tables[target] = _old(rows, known(target)), _meta(target)
        except TargetError as error:  # an older list's, or of a name that was taken off the file by hand
            print(f"left as it is: {error.what}", file=sys.stderr)
    write_cases(rows)
    for target, (results, meta) in tables.items():
        complete = [results.get(index, Result("u")) for index in range(len(rows))]
        write(_path(target), table_of(target, complete, {**meta, **_of(target, rows)}))


def _of(target: Target, rows: Rows) -> dict[str, str]:
    """A user's table says which cases it is of: the list may change without it."""
    return {} if target.custom is None else {"cases": checksum(_spelt(rows))}


def _path(target: Target) -> Path:
    return (TABLES if target.custom is None else tables_folder()) / f"{target.key}.json"


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
