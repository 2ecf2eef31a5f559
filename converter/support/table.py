"""The measured tables: their files, and what they say of a node that was never measured itself.

tables/cases.json.gz lists the cases, one row each. tables/<version>-<engine>.json holds one letter
per case in that order, and for what is not right the error or OpenCV's text. Both are generated; nobody edits them.
A registered interpreter's table, <name>-<engine>.json, is the user's own: it lies beside the registration.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from converter.errors import TargetError
from converter.registered import tables_folder
from converter.support.verdict import Status, Verdict

if TYPE_CHECKING:
    from converter.support.features import Features

FORMAT = 1
CASES = "cases.json.gz"
LETTERS: dict[str, Status] = {
    "o": "ok",
    "r": "ok",  # right values in another shape: 4.x drops ranks below 2
    "w": "wrong",
    "l": "fails",
    "n": "fails",
    "c": "crashes",
    "t": "timeout",
    "u": "unmeasured",  # a case that came after the target was measured
}
"""Letter -> verdict: o ok, r reshaped, w wrong, l fails at load, n fails at run, c crashes, t timeout, u unmeasured."""

AGREEING = 2
"""How many measured variants a coarse key needs, all of one mind, to speak for one that was not measured."""


@dataclass(frozen=True)
class CaseInfo:
    """One measured case: its name, op ("pattern:<name>" for several nodes), keys, and a checksum of model and inputs."""

    name: str
    op: str
    fine: str
    coarse: str
    digest: str


@dataclass(frozen=True)
class MeasuredTable:
    """One target's file. `codes`: one letter per case; `errors`, `why`: by the case's index."""

    target: str
    meta: dict[str, Any]
    codes: str
    errors: dict[int, float]
    texts: list[str]
    why: dict[int, int]

    def reached(self, index: int) -> bool:
        """False when OpenCV did not even take the case's input (4.x: a mask), which says nothing of the node."""
        return (
            self.codes[index] != "n" or index not in self.why or not self.texts[self.why[index]].endswith("(setInput)")
        )

    def verdict(self, index: int, name: str) -> Verdict:
        """The verdict on one case, with its name as evidence."""
        letter = self.codes[index]
        said = self.texts[self.why[index]] if index in self.why else ""
        stage = {"l": "load: ", "n": "run: "}.get(letter, "")
        error = self.errors.get(index)
        if letter == "w" and error is not None:
            said = f"relative difference {error:.0e}"
        return Verdict(LETTERS[letter], f"{stage}{said} (case {name})" if said else f"case {name}", error)


@dataclass
class _Index:
    """Where the cases of a key are."""

    fine: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    coarse: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def _folder() -> Any:
    return files("converter.support").joinpath("tables")


@cache
def _listed() -> bytes:
    file = _folder().joinpath(CASES)
    return gzip.decompress(file.read_bytes()) if file.is_file() else b""


@cache
def load_cases() -> tuple[CaseInfo, ...]:
    """Every case that was measured, in the tables' order; none when nothing was measured yet."""
    return tuple(CaseInfo(*row) for row in json.loads(_listed())["cases"]) if _listed() else ()


def checksum(listed: bytes | None = None) -> str:
    """Of a list of cases, the present one if none is given. A user's table says with it which cases its letters are of."""
    return f"{zlib.crc32(_listed() if listed is None else listed):08x}"


@cache
def load_table(target: str) -> MeasuredTable | None:
    """The table of a target by its file's name ("4.10.0-classic", "board-new"); None when it was not measured.

    Raises TargetError for a registered interpreter's table that is of other cases than the present ones, and ValueError when
    one of our own is: then the installation is damaged.
    """
    ours = target[:1].isdigit()
    file = _folder().joinpath(f"{target}.json") if ours else tables_folder() / f"{target}.json"
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        table = MeasuredTable(
            data["target"],
            {name: value for name, value in data.items() if name not in ("codes", "errors", "texts", "why")},
            data["codes"],
            {int(index): error for index, error in data["errors"].items()},
            data["texts"],
            {int(index): text for index, text in data["why"].items()},
        )
        problem = _mismatch(table)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
    if not problem:
        return table
    if ours:
        raise ValueError(f"{file} is damaged: {problem}")
    raise TargetError(
        f"the measured table of {target} cannot be used",
        measured=f"{file}: {problem}",
        do=(
            f"measure again: python -m converter.support.measuring {target}",
            "or remove that file: nodes are probed then",
        ),
    )


def _mismatch(table: MeasuredTable) -> str:
    """What keeps the table from being of the present cases, or nothing."""
    if len(table.codes) != len(load_cases()):
        return f"it is of {len(table.codes)} cases, and there are {len(load_cases())}"
    if table.meta.get("cases", checksum()) != checksum():
        return "it is of other cases than the present ones"
    return ""


def measured_targets() -> list[str]:
    """The names of our own tables' files, by version: those of OpenCV's releases, which docs/support.html shows."""
    names = [entry.name[: -len(".json")] for entry in _folder().iterdir()] if _folder().is_dir() else []
    return sorted((n for n in names if n[0].isdigit()), key=lambda n: ([int(p) for p in n.split("-")[0].split(".")], n))


def measured_customs() -> list[str]:
    """The names of the tables' files of registered interpreters."""
    return sorted(file.stem for file in tables_folder().glob("[A-Za-z]*.json"))


@cache
def _index() -> _Index:
    index = _Index()
    for position, case in enumerate(load_cases()):
        index.fine[case.fine].append(position)
        index.coarse[case.coarse].append(position)
    return index


def ask(table: MeasuredTable, keys: Features) -> Verdict | None:
    """The table's verdict on a node with these keys, or None where it does not know.

    The fine key's own cases speak first: not ok if any of them is not. Else the coarse key's, when enough of them are measured
    and all say the same.
    """
    cases = load_cases()
    for fine, found in ((True, _index().fine.get(keys.fine)), (False, _index().coarse.get(keys.coarse))):
        positions = [position for position in found or () if table.codes[position] != "u" and table.reached(position)]
        if not positions:
            continue
        votes = Counter(LETTERS[table.codes[position]] for position in positions)
        if not fine and (len(votes) > 1 or len({cases[position].fine for position in positions}) < AGREEING):
            return None
        worst = max(positions, key=lambda position: _SEVERITY[LETTERS[table.codes[position]]])
        verdict = table.verdict(worst, cases[worst].name)
        what = "" if fine else f", as {len(positions)} measured variants of {keys.coarse}"
        share = f", {votes[verdict.status]} of {len(positions)} alike" if len(votes) > 1 else ""
        return Verdict(verdict.status, verdict.evidence + what + share, verdict.error)
    return None


_SEVERITY: dict[Status, int] = {"ok": 0, "unmeasured": 1, "fails": 2, "timeout": 3, "wrong": 4, "crashes": 5}


def pattern_verdict(table: MeasuredTable, pattern: str) -> Verdict | None:
    """The worst verdict on a pattern's cases, or None when it was not measured."""
    cases = load_cases()
    positions = [i for i in _index().fine.get(f"pattern:{pattern}", ()) if table.codes[i] != "u"]
    if not positions:
        return None
    worst = max(positions, key=lambda position: _SEVERITY[LETTERS[table.codes[position]]])
    return table.verdict(worst, cases[worst].name)
