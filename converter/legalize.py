"""Steps 4 and 5: ask about each node on each target, pick rewrites for what does not run right, flag what is left.

The loop ends when every node is right on every target, or when no rule helps any more. A rule is tried on a copy of the
region: it must keep its promise in ONNX Runtime, what it builds is legalised in turn, and the region must come out right on
every target. Of the rules that do, the cheapest is taken.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import onnx_ir as ir

from converter.backends import Arrays
from converter.costs import cost
from converter.graph import signature, standalone, window
from converter.judging import error_in_onnxruntime, too_large
from converter.rewrites import Rule, apply, barriers, rules_for
from converter.support import Verdict
from converter.support.known import patterns_in
from converter.support.measure import Measurer, Verdicts
from converter.support.probes import Activations, Region, regions_of
from converter.targets import Target

MAX_ROUNDS = 12
MOST_PLACES = 16
"""Of a region of more nodes, rules are tried on those at its end: that is where it begins to go wrong."""
DEPTH = 5
"""How many rules may follow on one another for one node: LayerNormalization by moments, their ReduceMean by MatMul, ..."""

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
    islands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Target -> the nodes, by name, that run in NumPy there."""


@dataclass(frozen=True)
class Choice:
    """A rule that helps a region, and which of the region's nodes it replaces."""

    rule: Rule
    position: int
    added: tuple[str, ...]
    error: float
    cost: float
    after: dict[Target, Verdict]


@dataclass(frozen=True)
class Stuck:
    """Why no rule helps a region."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Trial:
    """A rule applied to a copy of a region, and everything in the copy legalised."""

    rule: Rule
    position: int
    added: tuple[str, ...]
    error: float
    copy: ir.Model


@dataclass(frozen=True)
class Survey:
    """Step 4's answer: what each target does with each node, alone and behind its producers, the worse of the two."""

    verdicts: dict[str, dict[str, Verdict]]
    """Node name -> target -> verdict, in graph order."""
    bad: list[tuple[Region, Verdicts]]
    """The smallest region of each node that some target does not run right."""


def survey(
    model: ir.Model,
    samples: Sequence[Arrays],
    measurer: Measurer,
    progress: Progress | None = None,
    *,
    company: bool = False,
) -> Survey:
    """Ask the tables about every node on every target, and the real OpenCV about what they do not know.

    `samples`: two or more, each with one array per graph input; the tensors that they make inside are what the probes see.
    With `company`, each node is also probed behind its producers; without, known patterns alone are looked for.
    """
    return _survey(model, measurer, Activations(model, samples), progress, company=company)


def legalize(
    model: ir.Model,
    samples: Sequence[Arrays],
    measurer: Measurer,
    surveyed: Survey | None = None,
    progress: Progress | None = None,
) -> Legalized:
    """Rewrite `model` in place until every node is right on every target of `measurer`, or no rule helps.

    `surveyed`: what `survey` said of the same model, if it was asked already.
    """
    return Legalizer(measurer).run(model, samples, surveyed, progress)


class Legalizer:
    """Legalises models for the targets of a measurer, and remembers what it chose: equal regions get equal answers.

    `deadline` (in `time.monotonic()`'s seconds): no rule is tried after it.
    """

    def __init__(self, measurer: Measurer, deadline: float = math.inf) -> None:
        self.measurer = measurer
        self.deadline = deadline
        self._chosen: dict[str, Choice] = {}
        self._stuck: dict[tuple[str, int], Stuck] = {}
        self._open: set[str] = set()

    def run(
        self,
        model: ir.Model,
        samples: Sequence[Arrays],
        surveyed: Survey | None = None,
        progress: Progress | None = None,
        depth: int = DEPTH,
    ) -> Legalized:
        """Rewrite `model` in place, node by node. Below `DEPTH`, in what a rule built, known patterns are left alone."""
        activations = Activations(model, samples)
        rewrites: list[Rewrite] = []
        alone = depth < DEPTH
        first = current = surveyed or _survey(model, self.measurer, activations, progress, alone=alone)
        for _ in range(MAX_ROUNDS):
            changed = 0
            # in one run of the whole model, not one for each trial
            activations.fetch(value for region, _ in current.bad for value in self._trial_values(region, depth))
            for region, verdicts in current.bad:
                if any(node.graph is None for node in region.nodes):
                    continue  # an earlier rewrite of this round took a part of it
                choice = self.choose(region, activations, depth)
                if isinstance(choice, Choice) and (done := self.commit(region, choice, verdicts, depth)) is not None:
                    rewrites.append(done)
                    changed += 1
            if not changed:
                break
            activations.forget()
            current = _survey(model, self.measurer, activations, progress, alone=alone)
        flags = tuple(
            flag
            for region, verdicts in current.bad
            for flag in flags_of(region, verdicts, self._known(signature(region.nodes), depth))
        )
        return Legalized(model, tuple(rewrites), flags, first.verdicts, self.measurer.probed)

    def choose(self, region: Region, activations: Activations, depth: int = DEPTH) -> Choice | Stuck:
        """The cheapest rule that makes the region right on every target; or every reason why none does."""
        key = signature(region.nodes)
        if (known := self._known(key, depth)) is not None:
            return known
        if key in self._open:
            return Stuck(("the rules lead back to the same node",))
        if depth == 0:
            return Stuck((f"{DEPTH} rules one after the other were not enough",))
        if time.monotonic() > self.deadline:
            return Stuck(("the time was up",))
        activations.fetch(self._trial_values(region, depth))  # in one session, not one for each trial
        self._open.add(key)
        try:
            found = self._search(region, activations, depth)
        finally:
            self._open.discard(key)
        if isinstance(found, Choice):
            self._chosen[key] = found
        else:
            self._stuck[key, depth] = found
        return found

    def _known(self, key: str, depth: int) -> Choice | Stuck | None:
        return self._chosen.get(key) or self._stuck.get((key, depth))

    def _trial_values(self, region: Region, depth: int) -> list[ir.Value]:
        """What trying rules on the region needs: its inputs and outputs, and those of each node that has a rule."""
        if self._known(signature(region.nodes), depth) is not None:
            return []
        nodes = [Region((node,)) for node in region.nodes if rules_for(node.op_type)]
        return [value for part in (region, *nodes) for value in (*part.inputs, *part.outputs)]

    def _search(self, region: Region, activations: Activations, depth: int) -> Choice | Stuck:
        reasons: list[str] = []
        trials: list[_Trial] = []
        offers = [
            (position, rule)
            for position in list(reversed(range(len(region.nodes))))[:MOST_PLACES]
            for rule in [*rules_for(region.nodes[position].op_type), *([] if region.alone else barriers())]
        ]
        for position, rule in offers:
            if time.monotonic() > self.deadline:
                reasons.append("the time was up")
                break
            trial = self._try(region, position, rule, activations, depth)
            if isinstance(trial, _Trial):
                trials.append(trial)
            else:
                reasons.append(f"{rule.name}: {trial}")
        # the cheapest first; of equals the one nearest to the node in question
        for trial in sorted(trials, key=lambda t: (cost(t.copy.graph), -t.position, t.error, t.rule.name)):
            confirmed = self._confirm(region, trial, activations)
            if isinstance(confirmed, Choice):
                return confirmed
            reasons.append(f"{trial.rule.name}: {confirmed}")
        if not offers:
            return Stuck((f"there is no rule for {', '.join(dict.fromkeys(node.op_type for node in region.nodes))}",))
        return Stuck(tuple(reasons))

    def _try(self, region: Region, position: int, rule: Rule, activations: Activations, depth: int) -> _Trial | str:
        """Apply the rule to a copy and legalise what it built. The trial, or the reason why there is none."""
        original = Region((region.nodes[position],))
        copy = standalone(original.nodes, original.outputs)
        inputs, before = activations.of(original.inputs), ir.to_proto(copy)
        outcome = apply(rule, next(iter(copy.graph)))
        if outcome.declined is not None:
            return outcome.declined
        if (reason := too_large(copy.graph)) is not None:
            return reason
        error = error_in_onnxruntime(before, ir.to_proto(copy), inputs)
        if not error <= rule.max_error:
            return f"its error here is {error:.1e}, more than the {rule.max_error:.0e} that it promises"
        if not region.alone:
            copy = standalone(region.nodes, region.outputs)
            outcome = apply(rule, list(copy.graph)[position])
        added = tuple(node.op_type for node in outcome.nodes)
        left = self.run(copy, activations.of(region.inputs), depth=depth - 1).flags
        if left:
            return f"it needs {left[0].op_type}, which {left[0].target} does not run: {left[0].reasons[0]}"
        if not region.alone and (known := self._pattern_in(copy)) is not None:
            return f"after it there still is {known}"
        return _Trial(rule, position, added, error, copy)

    def _pattern_in(self, copy: ir.Model) -> str | None:
        """A known pattern in the copy that some target gets wrong."""
        for node in copy.graph:
            around = Region(tuple(window(node)))
            for target, table in self.measurer.tables.items():
                if not around.alone and _told(verdict := table.pattern(around.nodes)) and not verdict:
                    return f"{around} on {target}: {verdict}"
        return None

    def commit(self, region: Region, choice: Choice, verdicts: Verdicts, depth: int = DEPTH) -> Rewrite | None:
        """Apply the choice to the graph that the region is in: the ledger's line; None when the rule declines there.

        A rule may see in the graph what it did not see in the copy; then it is not chosen again.
        """
        node = region.nodes[choice.position]
        name, op_type, key = node.name or "", node.op_type, signature(region.nodes)
        outcome = apply(choice.rule, node)
        if outcome.declined is not None:
            self._chosen.pop(key, None)
            self._stuck[key, depth] = Stuck((f"{choice.rule.name}: {outcome.declined}",))
            return None
        return Rewrite(
            node=name,
            op_type=op_type,
            rule=choice.rule.name,
            replaced_by=choice.added,
            needed_by={t.name: str(verdict) for t, verdict in verdicts.items() if not verdict and _told(verdict)},
            error=choice.error,
            promised=choice.rule.max_error,
            error_after={target.name: verdict.error or 0.0 for target, verdict in choice.after.items()},
        )

    def _confirm(self, region: Region, trial: _Trial, activations: Activations) -> Choice | str:
        """The trial as a choice when it is right on every target that is installed; else what one of them said."""
        proto = ir.to_proto(trial.copy)
        inputs, expected = activations.of(region.inputs), activations.of(region.outputs)
        after = {}
        for target in filter(self.measurer.can_probe, self.measurer.targets):
            after[target] = self.measurer.probe(target, proto, inputs, expected, f"{region} after {trial.rule.name}")
            if not after[target]:
                return f"after it {target} still says {after[target]}"
        return Choice(trial.rule, trial.position, trial.added, trial.error, cost(trial.copy.graph), after)


def _survey(
    model: ir.Model,
    measurer: Measurer,
    activations: Activations,
    progress: Progress | None,
    *,
    company: bool = False,
    alone: bool = False,
) -> Survey:
    regions = [region for node in model.graph for region in regions_of(node) if region.alone or not alone]
    if not company:
        regions = [region if region.alone else _pattern_only(region) for region in regions]
    bad: dict[ir.Node, tuple[Region, Verdicts]] = {}
    seen: dict[str, dict[str, Verdict]] = {}
    found = measurer.verdicts(regions, activations, progress, company=company)
    for region, verdicts in zip(regions, found, strict=True):
        merged = seen.setdefault(region.node.name or "", {})
        for target, verdict in verdicts.items():
            if merged.get(target.name) is None or (merged[target.name] and not verdict and _told(verdict)):
                merged[target.name] = verdict
        if region.node not in bad and any(not v and _told(v) for v in verdicts.values()):
            bad[region.node] = (region, verdicts)
    return Survey(seen, list(bad.values()))


def _pattern_only(region: Region) -> Region:
    """The region without the nodes that take no part in the pattern which is known to be in it."""
    found = patterns_in(region.nodes)
    kept = list(region.nodes)
    for node in region.nodes[:-1] if found else ():
        fewer = [other for other in kept if other is not node]
        if patterns_in(fewer) == found:
            kept = fewer
    return Region(tuple(kept))


def _told(verdict: Verdict) -> bool:
    return verdict.status != "unmeasured"


def flags_of(region: Region, verdicts: Verdicts, choice: Choice | Stuck | None) -> Sequence[Flag]:
    """One flag for each target that does not run the region right."""
    reasons = choice.reasons if isinstance(choice, Stuck) else (f"{MAX_ROUNDS} rounds of rewriting were not enough",)
    return [
        Flag(region.node.name or "", region.node.op_type, target.name, verdict, reasons)
        for target, verdict in verdicts.items()
        if not verdict and _told(verdict)
    ]


def joined(first: Legalized, then: Legalized) -> Legalized:
    """Two runs on one model as one: both ledgers, the first's verdicts, the last's flags."""
    return replace(then, rewrites=(*first.rewrites, *then.rewrites), verdicts=first.verdicts)
