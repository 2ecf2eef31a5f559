"""Steps 4 and 5: ask about each node on each target, pick rewrites for what does not run right, flag what is left.

The loop ends when every region is right on every target, or when no rule helps any more. A rule is tried on a copy of the
region: it must keep its promise in ONNX Runtime, and the region must come out right on every target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import onnx_ir as ir

from converter.backends import Arrays, OnnxRuntime
from converter.compare import compare
from converter.graph import signature, standalone
from converter.rewrites import Rule, apply, rules_for
from converter.support import Verdict
from converter.support.measure import Measurer, Verdicts
from converter.support.probes import Activations, Region, regions_of
from converter.targets import Target

MAX_ROUNDS = 8

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rewrite:
    """One line of the ledger: what was replaced, by which rule, for whom, and what it cost."""

    node: str
    op_type: str
    rule: str
    replaced_by: tuple[str, ...]
    needed_by: dict[str, str]
    """Target -> what that target did with the original."""
    error: float
    """max |difference| over max |original|, in ONNX Runtime with optimisation off."""
    promised: float
    error_after: dict[str, float]
    """Target -> the region's error there after the rewrite, against ONNX Runtime on the original."""


@dataclass(frozen=True)
class Flag:
    """A node that a target does not run right, and why no rule helps."""

    node: str
    op_type: str
    target: str
    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Legalized:
    """The rewritten model with its ledger. `verdicts` holds the first round's answers, node by node, in graph order."""

    model: ir.Model
    rewrites: tuple[Rewrite, ...]
    flags: tuple[Flag, ...]
    verdicts: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    probes: int = 0


class _Choice(NamedTuple):
    """A rule that helps a region, and which of the region's nodes it replaces."""

    rule: Rule
    position: int
    added: tuple[str, ...]
    error: float
    after: dict[Target, Verdict]


@dataclass(frozen=True)
class _Stuck:
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """Step 4's answer: what each target does with each node, alone and behind its producers, the worse of the two."""

    verdicts: dict[str, dict[str, Verdict]]
    """Node name -> target -> verdict, in graph order."""
    bad: list[tuple[Region, Verdicts]]
    """The smallest region of each node that some target does not run right."""


def survey(model: ir.Model, samples: Sequence[Arrays], measurer: Measurer, progress: Progress | None = None) -> Survey:
    """Ask the tables about every node on every target, and the real OpenCV about what they do not know.

    `samples`: two or more, each with one array per graph input; the tensors that they make inside are what the probes see.
    """
    return _survey(model, measurer, Activations(model, samples), progress)


def legalize(
    model: ir.Model,
    samples: Sequence[Arrays],
    measurer: Measurer,
    surveyed: Survey | None = None,
    progress: Progress | None = None,
) -> Legalized:
    """Rewrite `model` in place until it is right on every target of `measurer`, or no rule helps.

    `surveyed`: what `survey` said of the same model, if it was asked already.
    """
    activations = Activations(model, samples)
    choices: dict[str, _Choice | _Stuck] = {}
    rewrites: list[Rewrite] = []
    first = current = surveyed or _survey(model, measurer, activations, progress)
    for _ in range(MAX_ROUNDS):
        bad = current.bad
        changed = 0
        # in one run of the whole model, not one for each trial
        activations.fetch(value for region, _ in bad for value in _trial_values(region, choices))
        for region, verdicts in bad:
            if any(node.graph is None for node in region.nodes):
                continue  # an earlier rewrite of this round took a part of it
            key = signature(region.nodes)
            if key not in choices:
                choices[key] = _choose(region, measurer, activations)
            choice = choices[key]
            if isinstance(choice, _Choice):
                rewrites.append(_commit(region, choice, verdicts))
                changed += 1
        if not changed:
            break
        activations.forget()
        current = _survey(model, measurer, activations, progress)
    flags = tuple(
        flag
        for region, verdicts in current.bad
        for flag in _flags(region, verdicts, choices.get(signature(region.nodes)))
    )
    return Legalized(model, tuple(rewrites), flags, first.verdicts, measurer.probed)


def _survey(model: ir.Model, measurer: Measurer, activations: Activations, progress: Progress | None) -> Survey:
    regions = [region for node in model.graph for region in regions_of(node)]
    bad: dict[ir.Node, tuple[Region, Verdicts]] = {}
    seen: dict[str, dict[str, Verdict]] = {}
    for region, verdicts in zip(regions, measurer.verdicts(regions, activations, progress), strict=True):
        merged = seen.setdefault(region.node.name or "", {})
        for target, verdict in verdicts.items():
            if merged.get(target.name) is None or (merged[target.name] and not verdict):
                merged[target.name] = verdict
        if region.node not in bad and any(not v and v.status != "unmeasured" for v in verdicts.values()):
            bad[region.node] = (region, verdicts)
    return Survey(seen, list(bad.values()))


def _trial_values(region: Region, choices: dict[str, _Choice | _Stuck]) -> list[ir.Value]:
    """What trying rules on the region needs: its inputs and outputs, and those of each node that has a rule."""
    if signature(region.nodes) in choices:
        return []
    nodes = [Region((node,)) for node in region.nodes if rules_for(node.op_type)]
    return [value for part in (region, *nodes) for value in (*part.inputs, *part.outputs)]


def _choose(region: Region, measurer: Measurer, activations: Activations) -> _Choice | _Stuck:
    """The rule that makes the region right on every target with the fewest nodes; or every reason why none does."""
    found: list[_Choice] = []
    reasons: list[str] = []
    for position in reversed(range(len(region.nodes))):
        for rule in rules_for(region.nodes[position].op_type):
            tried = _try(region, position, rule, measurer, activations)
            if isinstance(tried, _Choice):
                found.append(tried)
            else:
                reasons.append(f"{rule.name}: {tried}")
        if found:
            break  # the last node's own rules first: they change least
    if found:
        return min(found, key=lambda choice: (len(choice.added), choice.error, choice.rule.name))
    if not reasons:
        return _Stuck((f"there is no rule for {', '.join(dict.fromkeys(node.op_type for node in region.nodes))}",))
    return _Stuck(tuple(reasons))


def _try(region: Region, position: int, rule: Rule, measurer: Measurer, activations: Activations) -> _Choice | str:
    """Apply the rule to a copy. The choice, or the reason why it is none."""
    original = Region((region.nodes[position],))
    single = standalone(original.nodes, original.outputs)
    outcome = apply(rule, next(iter(single.graph)))
    if outcome.declined is not None:
        return outcome.declined
    error = _error_in_onnxruntime(single, activations.of(original.inputs), activations.of(original.outputs))
    if not error <= rule.max_error:
        return f"its error here is {error:.1e}, more than the {rule.max_error:.0e} that it promises"
    copy = standalone(region.nodes, region.outputs)
    replaced = apply(rule, list(copy.graph)[position])
    blob = ir.to_proto(copy).SerializeToString()
    inputs, expected = activations.of(region.inputs), activations.of(region.outputs)
    after = {}
    for target in measurer.targets:
        after[target] = measurer.probe(target, blob, inputs, expected, f"{region} after {rule.name}")
        if not after[target]:
            return f"after it {target} still says {after[target]}"
    return _Choice(rule, position, tuple(node.op_type for node in replaced.nodes), error, after)


def _error_in_onnxruntime(model: ir.Model, inputs: Sequence[Arrays], expected: Sequence[Arrays]) -> float:
    session = OnnxRuntime(ir.to_proto(model).SerializeToString())
    return max(
        compare(got[name], array).relative
        for sample, reference in zip(inputs, expected, strict=True)
        for got in [session.run(sample, list(reference))]
        for name, array in reference.items()
    )


def _commit(region: Region, choice: _Choice, verdicts: Verdicts) -> Rewrite:
    node = region.nodes[choice.position]
    name, op_type = node.name or "", node.op_type
    outcome = apply(choice.rule, node)
    if outcome.declined is not None:
        raise ValueError(f"rule {choice.rule.name} accepted a copy of {name} and declined {name}: {outcome.declined}")
    return Rewrite(
        node=name,
        op_type=op_type,
        rule=choice.rule.name,
        replaced_by=choice.added,
        needed_by={target.name: str(verdict) for target, verdict in verdicts.items() if not verdict},
        error=choice.error,
        promised=choice.rule.max_error,
        error_after={target.name: verdict.error or 0.0 for target, verdict in choice.after.items()},
    )


def _flags(region: Region, verdicts: Verdicts, choice: _Choice | _Stuck | None) -> Sequence[Flag]:
    reasons = choice.reasons if isinstance(choice, _Stuck) else (f"{MAX_ROUNDS} rounds of rewriting were not enough",)
    return [
        Flag(region.node.name or "", region.node.op_type, target.name, verdict, reasons)
        for target, verdict in verdicts.items()
        if not verdict and verdict.status != "unmeasured"
    ]
