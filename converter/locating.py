"""Where a model goes wrong on a target whose layers are right one by one: the graph is cut off ever earlier.

Layers fuse, so asking the whole net for its inner values would change what it does. Instead the first part of the graph is
run as a model of its own, and halved until one node more makes the difference; then the smallest surroundings of that node
that still go wrong are looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from converter.graph import cut, window
from converter.support import Verdict
from converter.support.measure import Measurer
from converter.support.probes import Activations, Region
from converter.targets import Target

DEPTHS = (0, 1, 2, 3, 4, 6, 8, 12)
"""How many levels of producers are looked at, one after the other, to find the smallest region that goes wrong."""


@dataclass(frozen=True)
class Located:
    """The smallest region that was seen to go wrong, and what the target did with it."""

    region: Region
    verdict: Verdict
    drift: bool = False
    """True when every region is right by itself: the error grows over many nodes."""


def locate(model: ir.Model, target: Target, activations: Activations, measurer: Measurer) -> Located | None:
    """The region where `model` goes wrong on the target; None when the whole model is right there."""
    nodes = list(model.graph)
    whole = _prefix(nodes, len(nodes), target, activations, measurer)
    if whole:
        return None
    good, bad, verdict = 0, len(nodes), whole
    while bad - good > 1:
        middle = (good + bad) // 2
        found = _prefix(nodes, middle, target, activations, measurer)
        if found:
            good = middle
        else:
            bad, verdict = middle, found
    return _narrow(nodes[bad - 1], nodes[:bad], verdict, target, activations, measurer)


def _narrow(
    culprit: ir.Node,
    prefix: Sequence[ir.Node],
    verdict: Verdict,
    target: Target,
    activations: Activations,
    measurer: Measurer,
) -> Located:
    """The smallest surroundings of the culprit that go wrong by themselves; the whole prefix when none does."""
    before = 0
    for depth in DEPTHS:
        region = Region(tuple(window(culprit, depth)))
        if not region.inputs or len(region.nodes) == before:
            break
        before = len(region.nodes)
        found = measurer.probe(
            target, region.model(), activations.of(region.inputs), activations.of(region.outputs), str(region)
        )
        if not found:
            return Located(region, found)
    return Located(Region(tuple(prefix)), verdict, drift=verdict.status == "wrong")


def _prefix(
    nodes: Sequence[ir.Node], count: int, target: Target, activations: Activations, measurer: Measurer
) -> Verdict:
    """What the target makes of the first `count` nodes: of every value that the rest of the graph reads."""
    members = set(nodes[:count])
    live = [
        value
        for node in nodes[:count]
        for value in node.outputs
        if value.is_graph_output() or any(use.node not in members for use in value.uses())
    ]
    floats = [value for value in live if value.dtype == ir.DataType.FLOAT] or live
    part = Region(tuple(nodes[:count]))
    return measurer.probe(
        target, cut(part.nodes, floats), activations.of(part.inputs), activations.of(floats), f"the first {count} nodes"
    )


def alike(region: Region, model: ir.Model) -> list[Region]:
    """All regions of the model that are built of the same ops in the same places, sizes aside: this one among them."""
    depth = _depth(region)
    found = []
    for node in model.graph:
        if node.op_type == region.node.op_type and node.domain == region.node.domain:
            candidate = Region(tuple(window(node, depth)))
            if str(candidate) == str(region):
                found.append(candidate)
    return found


def _depth(region: Region) -> int:
    """How many levels of producers the region holds."""
    for depth in DEPTHS:
        if set(window(region.node, depth)) == set(region.nodes):
            return depth
    return DEPTHS[-1]
