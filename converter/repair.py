"""The whole model is wrong on a target though each node is right: find the place, distrust it, take the next alternative.

Round by round: every target runs the whole model; where one fails, `locating` finds the region, and a rule that makes the
region right on all targets is applied to it and to all others like it. What no rule helps becomes an island on that target: a
node that runs in NumPy. It ends when all targets are right, when nothing helps, or when the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import onnx_ir as ir

from converter.backends import Arrays
from converter.graph import static_shape
from converter.legalize import Choice, Flag, Legalized, Legalizer, Rewrite, Stuck, flags_of, joined
from converter.locating import Located, TimeUp, alike, locate
from converter.numpy_runtime import KERNELS
from converter.support import Verdict
from converter.support.measure import Measurer
from converter.support.probes import Activations, Region
from converter.targets import Target

MAX_REPAIRS = 60

MAX_ISLANDS = 60
"""A target that needs more islands than this is better served by NumPy altogether."""


def repair(model: ir.Model, samples: Sequence[Arrays], legalizer: Legalizer, done: Legalized) -> Legalized:
    """`done` with the rewrites and the islands that the whole model turned out to need; `model` is changed in place."""
    measurer = legalizer.measurer
    targets = [target for target in measurer.targets if measurer.can_probe(target)]
    waiting, lost = list(targets), set[Target]()
    stuck: list[Flag] = []
    _settle_flags(done.flags, targets, model, measurer)
    for _ in range(MAX_REPAIRS):
        if not waiting or time.monotonic() > legalizer.deadline:
            break
        target = waiting[0]
        activations = Activations(model, samples)
        try:
            located = locate(model, target, activations, measurer, legalizer.deadline)
        except TimeUp:
            break
        if located is None:
            waiting.pop(0)
            continue
        if located.drift:
            reason = "no place goes wrong by itself: small differences add up over many nodes"
            stuck += flags_of(Region((located.region.node,)), {target: located.verdict}, Stuck((reason,)))
            lost.add(waiting.pop(0))
            continue
        found = _settle(located, target, model, activations, legalizer)
        if isinstance(found, Flag):
            stuck.append(found)
            if located.rounding or not _make_island(target, reversed(located.region.nodes), measurer):
                lost.add(waiting.pop(0))
            continue
        done = joined(done, legalizer.run(model, samples))
        done = replace(done, rewrites=(*done.rewrites, *found))
        _settle_flags(done.flags, targets, model, measurer)
        waiting = [candidate for candidate in targets if candidate not in lost]  # what was right may be so no more
    names = {node.name for node in model.graph}
    right = [target for target in targets if target not in waiting and target not in lost]
    islands = {t.name: tuple(sorted(present)) for t in right if (present := measurer.islands[t] & names)}
    return replace(done, flags=(*done.flags, *stuck), islands=islands)


def _settle_flags(flags: Iterable[Flag], targets: Sequence[Target], model: ir.Model, measurer: Measurer) -> None:
    """Make islands of the nodes that are flagged."""
    nodes = {node.name: node for node in model.graph}
    for flag in flags:
        for target in targets:
            if target.name == flag.target and flag.node in nodes:
                _make_island(target, [nodes[flag.node]], measurer)


def _make_island(target: Target, nodes: Iterable[ir.Node], measurer: Measurer) -> bool:
    """Let the first of the nodes that can run in NumPy, and does not yet, do so on the target. False when none can."""
    islands = measurer.islands[target]
    for node in nodes:
        if node.name is None or node.name in islands or len(islands) >= MAX_ISLANDS:
            continue
        known = all(value is None or static_shape(value) is not None for value in (*node.inputs, *node.outputs))
        if known and not node.domain and node.op_type in KERNELS:
            islands.add(node.name)
            return True
    return False


def _settle(
    located: Located, target: Target, model: ir.Model, activations: Activations, legalizer: Legalizer
) -> list[Rewrite] | Flag:
    """Rewrite the region, and what is like it and goes wrong as well; or the flag that says why nothing helps."""
    verdict, region = located.verdict, located.region
    legalizer.measurer.tables[target].record(region.nodes, verdict)
    choice = legalizer.choose(region, activations)
    if not isinstance(choice, Choice):
        (flag,) = flags_of(region, {target: verdict}, choice)
        return flag
    rewrites = []
    for other in [region, *alike(region, model)]:
        if any(node.graph is None for node in other.nodes):
            continue
        told = verdict if other is region else _probe(other, target, activations, legalizer)
        chosen = legalizer.choose(other, activations) if not told else None
        if isinstance(chosen, Choice) and (line := legalizer.commit(other, chosen, {target: told})) is not None:
            rewrites.append(line)
    if not rewrites:
        (flag,) = flags_of(region, {target: verdict}, legalizer.choose(region, activations))
        return flag
    return rewrites


def _probe(region: Region, target: Target, activations: Activations, legalizer: Legalizer) -> Verdict:
    """What the target does with a region that looks like a wrong one; equal ones are probed once."""
    return legalizer.measurer.verdicts([region], activations, company=True)[0][target]
