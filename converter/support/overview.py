"""What the tables say, in numbers and in words, for whoever looks at them: `convert support` and the page.

Read from the tables alone: no OpenCV, no torch.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from converter.errors import InputError, TargetError
from converter.support.table import CaseInfo, MeasuredTable, load_cases, load_table, measured_customs, measured_targets

STATES = {
    "o": "ok",
    "r": "reshaped",
    "w": "wrong",
    "l": "fails",
    "n": "fails",
    "c": "crashes",
    "t": "timeout",
}
"""Letter of a table -> state. A case that a table does not know (it is older than the case) is "unmeasured"."""

ORDER = ("ok", "reshaped", "wrong", "fails", "crashes", "timeout", "unmeasured")
RIGHT = ("ok", "reshaped")
PATTERN, GRAPH = "pattern:", "graph:"
"""How the op of a case with several nodes begins: a pattern of ours, or a graph of ONNX's own, named by its last node."""

UNSAID = "the size differs, NaN or infinity stand in other places, or the numbers change from run to run"
"""What a wrong answer without an error figure was."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What one case showed on one target. `error`: the relative one, of finite wrong numbers. `text`: OpenCV's own words."""

    state: str
    error: float | None = None
    text: str = ""

    @property
    def why(self) -> str:
        """The evidence in words."""
        if self.state != "wrong":
            return self.text
        if self.error is None:
            return self.text or UNSAID
        return "; ".join(filter(None, [f"relative difference {self.error:.0e}", self.text]))


def finding(table: MeasuredTable, index: int) -> Finding:
    """What the table says of the case with that index."""
    letter = table.codes[index] if index < len(table.codes) else ""
    text = table.texts[table.why[index]] if index in table.why else ""
    if stage := {"l": "load", "n": "run"}.get(letter):
        text = f"{stage}: {text}"
    return Finding(STATES.get(letter, "unmeasured"), table.errors.get(index), text)


def choose(targets: Sequence[str] = ()) -> list[MeasuredTable]:
    """The tables of these targets, of all our own when none is named. Raises TargetError for one without."""
    files = {file: table for file in measured_targets() if (table := load_table(file)) is not None}
    if not files:
        raise TargetError(
            "no OpenCV was measured yet",
            measured="this installation has no tables",
            do=("measure those that are installed: python -m converter.support.measuring",),
        )
    if not targets:
        return list(files.values())
    named = {**{table.target: table for table in files.values()}, **files}  # 5.0.0-new is 5.0.0
    for file in measured_customs():
        if {file, file.rpartition("-")[0]} & set(targets) and (table := load_table(file)) is not None:
            named |= {table.target: table, file: table}
    for target in targets:
        if target not in named:
            raise TargetError(
                f"OpenCV {target} was never measured",
                measured=", ".join(["measured: " + ", ".join(t.target for t in files.values()), *measured_customs()]),
                do=("give one of these, or leave out --target to see all of them",),
            )
    return list({named[target].target: named[target] for target in targets}.values())


def by_op(cases: Iterable[CaseInfo]) -> dict[str, list[int]]:
    """Op -> the indices of its cases; ops by name, then graphs of several nodes, patterns last."""
    found: dict[str, list[int]] = {}
    for index, case in enumerate(cases):
        found.setdefault(case.op, []).append(index)
    return dict(sorted(found.items(), key=lambda item: (item[0].startswith(PATTERN), ":" in item[0], item[0].lower())))


def count(table: MeasuredTable, indices: Iterable[int]) -> dict[str, int]:
    """State -> how many of these cases, in the order of ORDER, without zeros."""
    counts = Counter(finding(table, index).state for index in indices)
    return {state: counts[state] for state in ORDER if counts[state]}


def find_op(name: str, cases: Sequence[CaseInfo]) -> str:
    """The op as the tables write it, whatever its case. Raises InputError, with close matches, when no case measures it."""
    ops = {case.op.removeprefix(PATTERN).lower(): case.op for case in cases}
    ops |= {case.op.lower(): case.op for case in cases}
    if (found := ops.get(name.lower())) is not None:
        return found
    close = list(dict.fromkeys(ops[match] for match in get_close_matches(name.lower(), ops, n=4, cutoff=0.6)))
    raise InputError(
        f"no case measures an op called {name!r}",
        measured=f"{len({case.op for case in cases})} ops and patterns are measured",
        do=(
            *([f"did you mean: {', '.join(close)}"] if close else []),
            "see them all: convert support",
        ),
    )


def ratio(counts: dict[str, int]) -> str:
    """Such as "37/40": how many cases gave right numbers, of those that were measured."""
    measured = sum(number for state, number in counts.items() if state != "unmeasured")
    return f"{sum(counts.get(state, 0) for state in RIGHT)}/{measured}" if measured else "-"


def op_rows(cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable]) -> list[Row]:
    """Per op: its name, and for each table how many of its cases are right. The last row counts all."""
    groups = by_op(cases)
    rows = [(op, *(ratio(count(table, indices)) for table in tables)) for op, indices in groups.items()]
    return [*rows, ("all", *(ratio(count(table, range(len(cases)))) for table in tables))]


def signatures(op: str, cases: Sequence[CaseInfo]) -> dict[str, list[int]]:
    """The op's coarse keys -> the indices of their cases."""
    found: dict[str, list[int]] = {}
    for index, case in enumerate(cases):
        if case.op == op:
            found.setdefault(case.coarse, []).append(index)
    return dict(sorted(found.items()))


def op_text(op: str, cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable]) -> str:
    """Every signature of the op, with what came of it: the verdict, the targets that gave it, why, and a case that shows it."""
    groups = signatures(op, cases)
    lines = [f"{op}: {sum(map(len, groups.values()))} cases, {len(groups)} signatures"]
    for key, indices in groups.items():
        lines += ["", f"{key}  ({len(indices)} case{'s' if len(indices) > 1 else ''})"]
        for (state, _), (where, why, name) in sorted(_outcomes(cases, tables, indices).items(), key=_order):
            targets = [t if n == len(indices) else f"{t} ({n} of {len(indices)})" for t, n in where.items()]
            lines.append(f"  {state:<11}{', '.join(targets)}  (case {name})")
            lines += [f"  {'':<11}{why}"] if why else []
    return "\n".join(lines)


Outcome = tuple[dict[str, int], str, str]
"""Targets with the number of cases, why, and the first case."""


def _outcomes(
    cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable], indices: Sequence[int]
) -> dict[tuple[str, str], Outcome]:
    """(State, gist of the reason) -> who shows it."""
    found: dict[tuple[str, str], Outcome] = {}
    for table in tables:
        for index in indices:
            seen = finding(table, index)
            where, _, _ = found.setdefault((seen.state, gist(seen.text)), ({}, seen.why, cases[index].name))
            where[table.target] = where.get(table.target, 0) + 1
    return found


def _order(item: tuple[tuple[str, str], Outcome]) -> int:
    return ORDER.index(item[0][0])


def gist(text: str) -> str:
    """The text without what differs from version to version: OpenCV's own number and lines of code."""
    text = re.sub(r"OpenCV\([^)]*\) ?|dnn\d+_v\d+::", "", text)
    return re.sub(r"\.([ch]pp):\d+", r".\1", text)


def to_json(op: str | None, cases: Sequence[CaseInfo], tables: Sequence[MeasuredTable]) -> str:
    """All of it as a JSON document: counts for every op, or for one op every case with its verdict on each target."""
    document: dict[str, object] = {"targets": {table.target: table.meta for table in tables}, "cases": len(cases)}
    if op is None:
        document["ops"] = {
            name: {table.target: count(table, indices) for table in tables} for name, indices in by_op(cases).items()
        }
        return json.dumps(document, indent=2, ensure_ascii=False)
    document["op"] = op
    document["signatures"] = {
        key: [
            {"case": cases[i].name, "key": cases[i].fine, "verdicts": {t.target: _plain(finding(t, i)) for t in tables}}
            for i in indices
        ]
        for key, indices in signatures(op, cases).items()
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _plain(found: Finding) -> dict[str, object]:
    return {"verdict": found.state, "error": found.error, "text": found.text}


def all_tables(targets: Sequence[str] = ()) -> tuple[Sequence[CaseInfo], list[MeasuredTable]]:
    """The cases, and the tables of these targets. Raises TargetError where one was not measured."""
    return load_cases(), choose(targets)
