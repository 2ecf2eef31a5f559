"""The whole model is wrong on a target though each node is right: find the place, distrust it, take the next alternative.

Round by round: every target runs the whole model; where one fails, `locating` finds the region, and a rule that makes the
region right on all targets is applied to it and to all others like it. It ends when all targets are right, when no rule
helps, or when the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import onnx_ir as ir

from converter.backends import Arrays
from converter.legalize import Choice, Flag, Legalized, Legalizer, Rewrite, commit, flags_of, joined
from converter.locating import Located, alike, locate
from converter.support import Verdict
from converter.support.probes import Activations, Region
from converter.targets import Target

MAX_REPAIRS = 30


def repair(model: ir.Model, samples: Sequence[Arrays], legalizer: Legalizer, done: Legalized) -> Legalized:
    """`done` with the rewrites that the whole model turned out to need; `model` is changed in place.

    A target on which some node is flagged already is left alone: it cannot run the whole model.
    """
    measurer = legalizer.measurer
    waiting = [t for t in measurer.targets if measurer.can_probe(t) and all(f.target != t.name for f in done.flags)]
    stuck: list[Flag] = []
    for _ in range(MAX_REPAIRS):
        if not waiting or time.monotonic() > legalizer.deadline:
            break
        target = waiting[0]
        activations = Activations(model, samples)
        located = locate(model, target, activations, measurer)
        if located is None:
            waiting.pop(0)
            continue
        found = _settle(located, target, model, activations, legalizer)
        if isinstance(found, Flag):
            stuck.append(found)
            waiting.pop(0)
            continue
        done = joined(done, legalizer.run(model, samples))
        done = replace(done, rewrites=(*done.rewrites, *found))
        flagged = {flag.target for flag in (*done.flags, *stuck)}
        waiting = [t for t in measurer.targets if measurer.can_probe(t) and t.name not in flagged]
    return replace(done, flags=(*done.flags, *stuck))


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
        if isinstance(chosen, Choice) and not any(node.graph is None for node in other.nodes):
            rewrites.append(commit(other, chosen, {target: told}))
    return rewrites


def _probe(region: Region, target: Target, activations: Activations, legalizer: Legalizer) -> Verdict:
    """What the target does with a region that looks like a wrong one; equal ones are probed once."""
    return legalizer.measurer.verdicts([region], activations, company=True)[0][target]
