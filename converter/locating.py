"""Where a model goes wrong on a target whose layers are right one by one: the graph is cut off ever earlier.

Layers fuse, so asking the whole net for its inner values would change what it does. Instead the first part of the graph is
run as a model of its own, and halved until one node more makes the difference; then the smallest surroundings of that node
that still go wrong are looked for.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import onnx
import onnx_ir as ir

from converter.graph import cut, static_shape, window
from converter.support import Verdict
from converter.support.measure import Measurer
from converter.support.probes import Activations, Region
from converter.targets import Target

DEPTHS = (0, 1, 2, 3, 4, 6, 8, 12)
"""How many levels of producers are looked at, one after the other, to find the smallest region that goes wrong."""

MOST_NODES = 120
"""A larger neighbourhood of a node is not looked at."""

DRIFT = 1e-2
"""Rounding adds up to less than this, relative to the largest number; what differs by more was computed wrong."""

SEVERAL = 5
"""In more nodes than these, a small difference is rounding that adds up, unless a rule cures it."""

MOST_ACTIVATIONS = 100_000_000
"""Numbers, for each sample, up to which all inner values are kept in memory: 0.4 GB."""


@dataclass(frozen=True)
class Located:
    """The smallest region that was seen to go wrong, and what the target did with it."""

    region: Region
    verdict: Verdict
    drift: bool = False
    """True when every region is right by itself: the error grows over many nodes."""

    @property
    def rounding(self) -> bool:
        """Whether it can be the rounding of many nodes: then no one of them is to blame, and an island cures nothing."""
        off = self.verdict.error
        return self.verdict.status == "wrong" and len(self.region.nodes) > SEVERAL and (off is None or off < DRIFT)


class TimeUp(Exception):  # noqa: N818 - it is an answer, not an error
    """The place was not found before the deadline."""


@dataclass(frozen=True)
class _Inquiry:
    """What is asked of one target about parts of one model, until the deadline (`time.monotonic`)."""

    target: Target
    activations: Activations
    measurer: Measurer
    deadline: float

    def prefix(self, nodes: Sequence[ir.Node], count: int) -> Verdict:
        """What the target makes of the first `count` nodes: of every value that the rest of the graph reads."""
        part = Region(tuple(nodes[:count]), live=True)
        weights: dict[str, ir.TensorProtocol] = {}
        model = cut(part.nodes, part.outputs, weights)
        return self._probe(part.inputs, part.outputs, model, f"the first {count} nodes", weights)

    def wrong(self, nodes: Sequence[ir.Node], live: bool = False) -> Verdict | None:
        """What the target says of a region that goes wrong there; None when it does not, or has nothing to feed."""
        region = Region(tuple(nodes), live)
        if not region.inputs:
            return None
        found = self._probe(region.inputs, region.outputs, region.model(), str(region))
        return None if found else found

    def _probe(
        self,
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        model: onnx.ModelProto,
        what: str,
        weights: dict[str, ir.TensorProtocol] | None = None,
    ) -> Verdict:
        if time.monotonic() > self.deadline:
            raise TimeUp
        fed, expected = self.activations.of(inputs), self.activations.of(outputs)
        return self.measurer.probe(self.target, model, fed, expected, what, weights=weights)


def locate(
    model: ir.Model, target: Target, activations: Activations, measurer: Measurer, deadline: float = math.inf
) -> Located | None:
    """The region where `model` goes wrong on the target; None when the whole model is right there.

    Raises TimeUp when the deadline (of `time.monotonic`) comes first.
    """
    nodes = list(model.graph)
    asked = _Inquiry(target, activations, measurer, deadline)
    whole = asked.prefix(nodes, len(nodes))
    if whole:
        return None
    _fetch_all(nodes, activations)  # in one run of the whole model, not one for each step
    if (named := _named(whole, nodes)) is not None:
        found = _narrow(named, asked)
        if found is not None:
            return found
    good, bad, verdict = 0, len(nodes), whole
    while bad - good > 1:
        middle = (good + bad) // 2
        half = asked.prefix(nodes, middle)
        if half:
            good = middle
        else:
            bad, verdict = middle, half
    narrow = _narrow(nodes[bad - 1], asked)
    small = verdict.status == "wrong" and (verdict.error is None or verdict.error < DRIFT)
    return narrow or Located(Region(tuple(nodes[:bad]), live=True), verdict, drift=small)


def _fetch_all(nodes: Sequence[ir.Node], activations: Activations) -> None:
    values = [value for node in nodes for value in node.outputs if value.uses() or value.is_graph_output()]
    sizes = [math.prod(static_shape(value) or (0,)) for value in values]
    if sum(sizes) <= MOST_ACTIVATIONS:
        activations.fetch(values)


def _named(verdict: Verdict, nodes: Sequence[ir.Node]) -> ir.Node | None:
    """The node that OpenCV's refusal names, by itself or by its output."""
    quoted = set(_QUOTED.findall(verdict.evidence))
    for node in nodes:
        if node.name in quoted or any(value.name in quoted for value in node.outputs):
            return node
    return None


_QUOTED = re.compile(r"'([^']+)'")


def _narrow(culprit: ir.Node, asked: _Inquiry) -> Located | None:
    """The smallest surroundings of the culprit that go wrong by themselves; None when none does."""
    windows = [window(culprit, depth) for depth in DEPTHS]
    windows = [nodes for nodes in windows if len(nodes) <= MOST_NODES]
    if windows:  # in one run of the whole model, not one for each part
        asked.activations.fetch(
            v for n in windows[-1] for v in (*n.inputs, *n.outputs) if v is not None and _is_activation(v)
        )
    before = 0
    for nodes in windows:
        if len(nodes) == before:
            break
        before = len(nodes)
        for live in (False, True):
            if live and Region(tuple(nodes), live).outputs == Region(tuple(nodes)).outputs:
                continue
            if (found := asked.wrong(nodes, live)) is not None:
                return _shrink(nodes, found, asked, live)
    return None


def _is_activation(value: ir.Value) -> bool:
    return value.const_value is None and (
        (value.producer() is not None and bool(value.uses())) or value.is_graph_output()
    )


def _shrink(nodes: Sequence[ir.Node], verdict: Verdict, asked: _Inquiry, live: bool) -> Located:
    """The same without the nodes that it takes no part of: first from the front, by halves, then one by one."""
    kept = list(nodes)
    step = len(kept) // 2
    while step:
        start = 0
        while start < len(kept) - 1:
            fewer = kept[:start] + kept[min(start + step, len(kept) - 1) :]
            found = asked.wrong(fewer, live) if _connected(fewer) else None
            if found is not None:
                kept, verdict = fewer, found
            else:
                start += step
        step //= 2
    return Located(Region(tuple(kept), live), verdict)


def _connected(nodes: Sequence[ir.Node]) -> bool:
    """True when every node leads to the last one within the list."""
    members, reached = set(nodes), {nodes[-1]}
    for node in reversed(nodes):
        if node in reached:
            reached.update(p for v in node.inputs if v is not None and (p := v.producer()) in members and p is not None)
    return len(reached) == len(members)


def alike(region: Region, model: ir.Model) -> list[Region]:
    """All regions of the model that are built of the same ops in the same places, sizes aside: this one among them."""
    found = []
    for node in model.graph:
        matched: dict[ir.Node, ir.Node] = {}
        if _match(region.node, node, set(region.nodes), matched) and len(set(matched.values())) == len(region.nodes):
            found.append(Region(tuple(matched[member] for member in region.nodes), region.live))
    return found


def _match(pattern: ir.Node, node: ir.Node, members: set[ir.Node], matched: dict[ir.Node, ir.Node]) -> bool:
    """Whether `node` and its producers have the ops and the wiring of `pattern` and its producers among the members."""
    if pattern in matched:
        return matched[pattern] is node
    if (node.op_type, node.domain, len(node.inputs)) != (pattern.op_type, pattern.domain, len(pattern.inputs)):
        return False
    matched[pattern] = node
    for ours, theirs in zip(pattern.inputs, node.inputs, strict=True):
        producer = ours.producer() if ours is not None else None
        if producer is None or producer not in members:
            continue
        other = theirs.producer() if theirs is not None else None
        if other is None or not _match(producer, other, members, matched):
            return False
    return True
