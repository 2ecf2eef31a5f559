"""Step 4: what cv2.dnn can run, as measured.

A table answers one question, about a region of nodes, by the region's signature: does this target compute it right? It
always shows its evidence. What was not measured is "unmeasured", never "ok".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import onnx_ir as ir

from converter.graph import signature
from converter.support.known import known_fault
from converter.targets import Target

Status = Literal["ok", "wrong", "fails", "crashes", "timeout", "unmeasured"]


@dataclass(frozen=True)
class Verdict:
    """What a target does with a region. Only "ok" is true: "wrong" runs, and gives other numbers.

    `error` is max |difference| over max |reference| against ONNX Runtime where the region ran, else None.
    """

    status: Status
    evidence: str
    error: float | None = None

    def __bool__(self) -> bool:
        return self.status == "ok"

    def __str__(self) -> str:
        return self.status if not self.evidence else f"{self.status}: {self.evidence}"


class SupportTable:
    """What one target was seen to do, region by region."""

    def __init__(self, target: Target, verdicts: dict[str, Verdict] | None = None) -> None:
        self.target = target
        self._verdicts = dict(verdicts or {})

    @classmethod
    def load(cls, target: Target) -> SupportTable:
        """The measured table of the target; empty where none was measured yet (everything is then "unmeasured")."""
        file = files("converter.support").joinpath("tables", f"{target.version}-{target.engine}.json")
        if not file.is_file():
            return cls(target)
        entries = json.loads(file.read_text(encoding="utf-8"))["verdicts"]
        return cls(target, {key: Verdict(*entry) for key, entry in entries.items()})

    def verdict(self, nodes: Sequence[ir.Node]) -> Verdict:
        """The verdict on a region, with its evidence."""
        if (fault := known_fault(self.target, nodes)) is not None:
            return Verdict("wrong", fault)
        found = self._verdicts.get(signature(nodes))
        if found is not None:
            return found
        ops = " -> ".join(node.op_type for node in nodes)
        return Verdict("unmeasured", f"{ops} was never run on {self.target}")

    def record(self, nodes: Sequence[ir.Node], verdict: Verdict) -> None:
        """Remember what was measured."""
        self._verdicts[signature(nodes)] = verdict

    def __len__(self) -> int:
        return len(self._verdicts)
