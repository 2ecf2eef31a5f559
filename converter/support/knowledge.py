"""What one target is known to do: by the measured table, and by probes on the user's own graph."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from converter.forms import NotExpressible
from converter.graph import WORKING_OPSET, signature
from converter.support.features import Features, features_in
from converter.support.known import patterns_in
from converter.support.table import ask, load_table, pattern_verdict
from converter.support.verdict import Verdict
from converter.targets import Target


class SupportTable:
    """What one target was seen to do with models in one opset: the measured table, and what was probed since on the user's
    own graph.
    """

    def __init__(self, target: Target, form: int = WORKING_OPSET) -> None:
        self.target = target
        self.form = form
        self.measured = load_table(target.key)
        self._probed: dict[str, Verdict] = {}
        self._keys: dict[str, Features | Verdict] = {}

    @classmethod
    def load(cls, target: Target, form: int = WORKING_OPSET) -> SupportTable:
        """The table of the target; one that knows nothing where it was not measured."""
        return cls(target, form)

    def verdict(self, nodes: Sequence[ir.Node], key: str | None = None) -> Verdict:
        """The verdict on a region, with its evidence. Regions of several nodes are known by pattern or by probe only.

        `key`: the region's `signature`, where the caller has it.
        """
        if not (known := self.pattern(nodes)) and known.status != "unmeasured":
            return known
        key = key or signature(nodes)
        if (found := self._probed.get(key)) is not None:
            return found
        if len(nodes) == 1:
            keys = self._keys_of(key, nodes[0])
            if isinstance(keys, Verdict):
                return keys
            if self.measured is not None and (told := ask(self.measured, keys)) is not None:
                return told
        ops = " -> ".join(node.op_type for node in nodes)
        return Verdict("unmeasured", f"{ops} was never run on {self.target}")

    def pattern(self, nodes: Sequence[ir.Node]) -> Verdict:
        """The verdict on a known pattern that ends with the last node; "unmeasured" when none is there, or none is wrong."""
        for pattern in patterns_in(nodes) if self.measured is not None else ():
            known = pattern_verdict(self.measured, pattern) if self.measured is not None else None
            if known is not None and not known:
                return Verdict(known.status, f"{pattern}: {known.evidence}", known.error)
        return Verdict("unmeasured", "no pattern that is known to go wrong")

    def _keys_of(self, key: str, node: ir.Node) -> Features | Verdict:
        """The node's keys in this table's opset, or the verdict that it cannot be written in it."""
        if key not in self._keys:
            try:
                self._keys[key] = features_in(node, self.form)
            except NotExpressible as reason:
                self._keys[key] = Verdict("fails", str(reason))
        return self._keys[key]

    def record(self, nodes: Sequence[ir.Node], verdict: Verdict) -> None:
        """Remember what a probe on the user's own graph showed. It outweighs the table: it is the very node."""
        self._probed[signature(nodes)] = verdict
