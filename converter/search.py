"""Steps 2 to 6: exporter by exporter, until every target runs the model right.

An exporter's model that a target does not run right is set aside and the next exporter's is tried; the first that all
targets run wins, else the one that most do.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable, Sequence

import onnx_ir as ir

from converter import manifest
from converter.attempt import Attempt
from converter.errors import UnsupportedOpError
from converter.export import Exported, Network, climb
from converter.forms import NotExpressible, in_form
from converter.graph import WORKING_OPSET
from converter.legalize import Legalizer, survey
from converter.memory import give_back
from converter.numpy_runtime import plan
from converter.passes import check_invariants, run_passes, simplify, unshare_constants
from converter.progress import Progress
from converter.reference import dependable
from converter.repair import repair
from converter.steering import steer
from converter.support.measure import Measurer, rank_forms
from converter.targets import Target
from converter.verification import (
    ARGMAX_TASKS,
    MINIMUM_SAMPLES,
    Sample,
    Verification,
    verify_exact,
    verify_islands,
    verify_opencv,
)
from converter.wire import join, weightless

TIME_LIMIT = 900.0
"""Seconds after which no further rewrite or exporter is tried."""


def search(
    net: Network,
    samples: Sequence[Sample],
    targets: Sequence[Target],
    tolerance: float,
    task: str,
    tell: Progress,
    time_limit: float = TIME_LIMIT,
    exports: Iterable[Exported] | None = None,
) -> Attempt:
    """The first exporter's model that every target runs right; when none is, the one that most targets do.

    Raises UnsupportedOpError when every exporter writes an op that nothing here computes.

    `exports`: what `climb(net)` gives, for who searches more than once.
    """
    deadline = time.monotonic() + time_limit
    best: Attempt | None = None
    refused: UnsupportedOpError | None = None
    tell.start("export")
    for exported in climb(net) if exports is None else exports:
        if best is None and refused is None:
            samples, notes = dependable(net, samples, exported.model, tolerance, MINIMUM_SAMPLES)
            for note in notes:
                tell.note(note)
        tell.finish(f"{exported.rung}, {len(exported.model.graph.node)} nodes, batch size {exported.batch}")
        try:
            found = attempt(exported, net, samples, targets, tolerance, task, tell, deadline)
        except (
            UnsupportedOpError
        ) as error:  # an op that even NumPy has no kernel for: another exporter may not write it
            refused = refused or error
            tell.note(f"{error.what}: the {exported.rung} exporter's model is not used")
            tell.start("export")
            continue
        if best is None or found.shortfall() < best.shortfall():
            best = found
        if not any(found.shortfall()):
            break
        failed = ", ".join(
            dict.fromkeys(
                [check.name for check in (*found.mismatches(), *found.unmet())]
                + [f"{plan.target} (without NumPy)" for plan in found.plans]
            )
        )
        if time.monotonic() > deadline:
            tell.note(f"{failed}: not right with the {exported.rung} exporter's model; the time limit is reached")
            break
        tell.note(f"{failed}: not right with the {exported.rung} exporter's model; trying the next exporter")
        tell.start("export")
    if best is None:
        assert refused is not None, "climb() raises when it yields nothing"
        raise refused
    return best


def attempt(
    exported: Exported,
    net: Network,
    samples: Sequence[Sample],
    targets: Sequence[Target],
    tolerance: float,
    task: str,
    tell: Progress,
    deadline: float = math.inf,
) -> Attempt:
    """Steps 3 to 6 for one exporter's model."""
    tell.start("simplify")
    give_back()
    simplified = simplify(exported.take())
    give_back()
    program = plan(simplified.model)  # before rewriting: the NumPy path needs no detours for cv2.dnn
    tell.finish(manifest.describe_simplified(simplified))
    # for OpenCV's importers and layers; NumPy shares what it can, and moves axes as views
    steer(simplified.model, targets)
    run_passes(simplified.model, (unshare_constants,))

    probing = [sample.inputs for sample in samples if sample.name.startswith("noise")] + [samples[0].inputs]
    form = rank_forms(simplified.model, targets)[0]
    with Measurer(targets, form=form) as measurer:
        tell.start("check")
        surveyed = survey(simplified.model, probing, measurer, tell.advance)
        tell.finish(manifest.describe_survey(surveyed, measurer))
        tell.start("rewrite")
        legalizer = Legalizer(measurer, deadline)
        legalized = legalizer.run(simplified.model, probing, surveyed, tell.advance)
        steer(simplified.model, targets, ("transpose_of_rank_4",))  # what rules have built
        check_invariants(simplified.model, after="steer")
        legalized = repair(simplified.model, probing, legalizer, legalized)
        tell.finish(manifest.describe_legalized(legalized))

    tell.start("verify")
    proto, weights = weightless(legalized.model)
    try:
        proto = in_form(proto, form)
    except NotExpressible:  # what is flagged could not be rewritten either: its targets run NumPy
        form = WORKING_OPSET
    unverified = Verification(tuple(samples), (), tolerance)
    serialized = join(proto, weights)
    found = Attempt(exported, simplified, legalized, program, unverified, serialized, form, legalized.islands)
    found = verified(found, targets, task, tell)
    tell.finish(manifest.describe_checks(found))
    return found


def verified(found: Attempt, targets: Sequence[Target], task: str, tell: Progress) -> Attempt:
    """The attempt with every backend's check of its samples. A target that its islands do not help has none."""
    samples, tolerance = found.verification.samples, found.verification.tolerance
    argmax = task in ARGMAX_TASKS
    checks = verify_exact(found.onnx, found.program, samples, tolerance, argmax)
    plans = []
    for done, target in enumerate(targets):
        tell.advance(done, len(targets))
        if nodes := found.islands.get(target.name):
            working = ir.to_proto(found.legalized.model)
            check, plan = verify_islands(working, found.onnx, target, nodes, samples, tolerance, argmax)
            plans += [plan] if check.ok else []
        else:
            check = verify_opencv(found.onnx, target, samples, tolerance, argmax)
        checks.append(check)
    return dataclasses.replace(
        found,
        verification=Verification(samples, tuple(checks), tolerance),
        plans=tuple(plans),
        islands={plan.target.name: found.islands[plan.target.name] for plan in plans},
    )
