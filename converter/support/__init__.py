"""Step 4: what cv2.dnn can run, as measured.

A table answers one question, about a region of nodes: does this target compute it right? It always shows its evidence. What
was not measured is "unmeasured", never "ok".
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from converter.graph import signature
from converter.support.features import features
from converter.support.known import patterns_in
from converter.support.table import ask, load_table, measured_targets, pattern_verdict
from converter.support.verdict import Status, Verdict
from converter.targets import Target

__all__ = ["Status", "SupportTable", "Verdict", "measured_targets"]


class SupportTable:
    """What one target was seen to do: the measured table, and what was probed since on the user's own graph."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.measured = load_table(target.key)
        self._probed: dict[str, Verdict] = {}

    @classmethod
    def load(cls, target: Target) -> SupportTable:
        """The table of the target; one that knows nothing where it was not measured."""
        return cls(target)

    def verdict(self, nodes: Sequence[ir.Node]) -> Verdict:
        """The verdict on a region, with its evidence. Regions of several nodes are known by pattern or by probe only."""
        if self.measured is not None:
            for pattern in patterns_in(nodes):
                known = pattern_verdict(self.measured, pattern)
                if known is not None and not known:
                    return Verdict(known.status, f"{pattern}: {known.evidence}", known.error)
        if (found := self._probed.get(signature(nodes))) is not None:
            return found
        if (
            self.measured is not None
            and len(nodes) == 1
            and (told := ask(self.measured, features(nodes[0]))) is not None
        ):
            return told
        ops = " -> ".join(node.op_type for node in nodes)
        return Verdict("unmeasured", f"{ops} was never run on {self.target}")

    def record(self, nodes: Sequence[ir.Node], verdict: Verdict) -> None:
        """Remember what a probe on the user's own graph showed. It outweighs the table: it is the very node."""
        self._probed[signature(nodes)] = verdict
