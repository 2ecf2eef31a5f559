"""docs/support.html, written from the tables: python -m converter.support.page docs/support.html

One file that loads nothing. The tables of ops and patterns are plain HTML; the evidence behind each cell is JSON, compressed,
read by templates/support.js.
"""

from __future__ import annotations

import argparse
import ast
import base64
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter.errors import OutputError
from converter.render import render
from converter.support.overview import GRAPH, ORDER, PATTERN, UNSAID, all_tables, by_op, count, ratio
from converter.support.table import CaseInfo, MeasuredTable

LEGEND = {
    "ok": "ran, and gave the right numbers",
    "reshaped": "right numbers in another shape (4.x drops ranks below 2); counted as right",
    "wrong": "ran without an error and gave other numbers",
    "fails": "OpenCV refused it, at load or at run, with an error",
    "crashes": "took the process down",
    "timeout": "gave no answer in time",
    "unmeasured": "no case shows it: not known, which is not ok",
}
assert tuple(LEGEND) == ORDER


def write_page(path: str | Path, *, targets: Sequence[str] = ()) -> Path:
    """Write the page of these targets, of all measured ones when none is named. Equal tables give equal bytes.

    Raises TargetError for a target that was not measured, OutputError when the file cannot be written.
    """
    cases, tables = all_tables(targets)
    file = Path(path)
    text = page(cases, tables)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"the page cannot be written to {file}",
            measured=f"{type(error).__name__}: {error.strerror}",
            do=("give a file in a folder that can be written to",),
        ) from error
    return file


def page(cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable]) -> str:
    """The page as text."""
    from converter.support.measure import TOLERANCE

    about = descriptions()
    ops, patterns, everything = [], [], []
    for op, indices in by_op(cases).items():
        if op.startswith(PATTERN):
            name = op.removeprefix(PATTERN)
            patterns.append(_row(op, name.replace("_", " "), indices, tables, about.get(name, "")))
        else:
            label = op.replace(GRAPH, "graphs ending in ")
            ops.append(_row(op, label, indices, tables))
            everything += indices
    return render(
        "support.html",
        cases=len(cases),
        targets=[_about(table) for table in tables],
        legend=LEGEND,
        names=[row["op"] for row in [*ops, *patterns]],
        ops=[{**_row("", "all of these", everything, tables), "all": True}, *ops],
        patterns=sorted(patterns, key=lambda row: not row["wrong"]),
        tolerance=f"{TOLERANCE:g}",
        data=pack(evidence(cases, tables)),
    )


def descriptions() -> dict[str, str]:
    """Pattern -> what it is about: the docstring of the function that draws its cases, read without running it."""
    found = {}
    for file in sorted(Path(__file__).with_name("cases").glob("patterns*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node)):
                found[node.name] = text.splitlines()[0]
    return found


def _row(
    op: str, label: str, indices: Sequence[int], tables: Sequence[MeasuredTable], text: str = ""
) -> dict[str, Any]:
    counted = [count(table, indices) for table in tables]
    cells = [
        {
            "style": _shares(counts),
            "label": ratio(counts),
            "title": ", ".join(f"{n} {state}" for state, n in counts.items()),
        }
        for counts in counted
    ]
    wrong = any("wrong" in counts for counts in counted)
    return {"op": op, "label": label, "text": text, "cells": cells, "wrong": wrong, "all": False}


def _shares(counts: dict[str, int]) -> str:
    """Where one colour of the cell ends and the next begins: ok, reshaped, wrong, fails, crashes and timeouts."""
    total = sum(counts.values()) or 1
    stops, reached = [], 0
    for name, states in zip(
        "abcde", (("ok",), ("reshaped",), ("wrong",), ("fails",), ("crashes", "timeout")), strict=True
    ):
        reached += sum(counts.get(state, 0) for state in states)
        stops.append(f"--{name}:{100 * reached / total:.4g}%")
    return ";".join(stops)


def _about(table: MeasuredTable) -> dict[str, Any]:
    """What is known of the measurement itself."""
    names = ("opencv", "numpy", "onnxruntime", "onnx", "machine", "measured")
    facts = {name: table.meta.get(name, "") for name in names}
    classic = re.match(r"4\.", str(facts["opencv"])) or table.target.endswith("-classic")
    engine = "classic" if classic else "new"
    return {
        "name": table.target,
        "short": table.target.removesuffix("-classic"),
        "engine": engine,
        "cases": len(table.codes),
        **facts,
    }


def evidence(cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable]) -> dict[str, Any]:
    """What templates/support.js reads: cases in the order of op, signature and name, so that a group is a range.

    {"targets": [name], "ops": [[op, [[signature, number of cases]]]], "names": [case], "codes": [letters of a target],
    "errors": [{case: error}], "texts": [text], "why": [{case: index into texts}],
    "unsaid": text for a wrong answer without an error}
    """
    ops: list[list[Any]] = []
    order: list[int] = []
    for op, indices in by_op(cases).items():
        indices.sort(key=lambda index: (cases[index].coarse, cases[index].name))
        keys: dict[str, int] = {}
        for index in indices:
            keys[cases[index].coarse] = keys.get(cases[index].coarse, 0) + 1
        ops.append([op, list(map(list, keys.items()))])
        order += indices
    texts: dict[str, int] = {}
    errors: list[dict[int, float]] = []
    why: list[dict[int, int]] = []
    for table in tables:
        errors.append({new: table.errors[old] for new, old in enumerate(order) if old in table.errors})
        said = {new: table.texts[table.why[old]] for new, old in enumerate(order) if old in table.why}
        why.append({new: texts.setdefault(text, len(texts)) for new, text in said.items()})
    return {
        "targets": [table.target for table in tables],
        "ops": ops,
        "names": [cases[index].name for index in order],
        "codes": ["".join(table.codes[i] if i < len(table.codes) else "-" for i in order) for table in tables],
        "errors": errors,
        "texts": list(texts),
        "why": why,
        "unsaid": UNSAID,
    }


def pack(data: dict[str, Any]) -> str:
    """JSON, deflated, as base64: what a browser unpacks without help."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(html: str) -> dict[str, Any]:
    """The evidence in a page, to compare pages by what they say."""
    found = re.search(r'id="data">([^<]*)<', html)
    if found is None:
        raise ValueError("this is no page of ours: it holds no data")
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return data


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m converter.support.page", description=__doc__)
    parser.add_argument("path", type=Path)
    print(write_page(parser.parse_args().path))
