"""Runs probes on targets, each in a child process of its own interpreter, and keeps what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType

import numpy as np
import onnx
import onnx_ir as ir

from converter.compare import compare
from converter.errors import TargetError
from converter.forms import FORMS, NotExpressible, in_form
from converter.graph import WORKING_OPSET, signature
from converter.islands import run_with_islands
from converter.opencv import OpenCVRun, OpenCVWorker
from converter.support import SupportTable, Verdict
from converter.support.probes import Activations, Region
from converter.targets import Target
from converter.wire import Weights, chunks, join

TOLERANCE = 1e-4
"""A region counts as right up to this max |difference| over max |reference|: rounding is a hundred times smaller."""

Verdicts = dict[Target, Verdict]


class Measurer:
    """Asks the tables, and the real OpenCV about what they do not know. Use it as a context manager.

    Only installed targets can be probed; of others, what their tables do not know stays unmeasured. `form`: the opset in
    which models are written for the targets.
    """

    def __init__(self, targets: Sequence[Target], *, form: int = WORKING_OPSET, timeout: float = 60.0) -> None:
        self.targets = tuple(targets)
        self.form = form
        self.tables = {target: SupportTable.load(target, form) for target in targets}
        self.islands: dict[Target, set[str]] = {target: set() for target in targets}
        """The nodes, by name, that run in NumPy on a target: every probe of a model with such a node runs it so."""
        self.probed = 0
        self._timeout = timeout
        self._workers: dict[Target, OpenCVWorker] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Measurer:
        for target in self.targets:
            with suppress(TargetError):  # not installed: its table alone speaks
                self._workers[target] = self._stack.enter_context(OpenCVWorker(target, timeout=self._timeout))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def verdicts(
        self,
        regions: Sequence[Region],
        activations: Activations,
        progress: Callable[[int, int], None] | None = None,
        *,
        company: bool = False,
    ) -> list[Verdicts]:
        """One verdict per region and target. Equal signatures are probed once.

        Of regions of several nodes, known patterns alone are told; with `company` they are probed as well.
        """
        keys = [signature(region.nodes) for region in regions]
        distinct = dict(zip(keys, regions, strict=True))
        found = {
            key: {t: self.tables[t].verdict(region.nodes, key) for t in self.targets}
            for key, region in distinct.items()
        }
        unknown = {
            key: [t for t in self._workers if found[key][t].status == "unmeasured"]
            for key, region in distinct.items()
            if region.inputs and (company or region.alone)
        }
        unknown = {key: targets for key, targets in unknown.items() if targets}
        activations.fetch(v for key in unknown for v in (*distinct[key].inputs, *distinct[key].outputs))
        for done, (key, targets) in enumerate(unknown.items()):
            if progress is not None:
                progress(done, len(unknown))
            region = distinct[key]
            inputs, expected = activations.of(region.inputs), activations.of(region.outputs)
            for target in targets:
                found[key][target] = self.probe(target, region.model(), inputs, expected, str(region))
                self.tables[target].record(region.nodes, found[key][target])
        return [found[key] for key in keys]

    def can_probe(self, target: Target) -> bool:
        """True when the target is installed."""
        return target in self._workers

    def probe(
        self,
        target: Target,
        model: onnx.ModelProto,
        inputs: Sequence[Mapping[str, np.ndarray]],
        expected: Sequence[Mapping[str, np.ndarray]],
        what: str,
        *,
        weights: Weights | None = None,
    ) -> Verdict:
        """Write one model in the form that is asked for, run it on one target, on every sample, and compare.

        weights: those for which `model` has placeholders.
        """
        model, inputs = with_masks_as_numbers(model, inputs)
        try:
            written = in_form(model, self.form)
        except NotExpressible as reason:
            return Verdict("fails", f"{reason} (probe {what})")
        self.probed += 1
        outputs = list(expected[0])
        if islands := self.islands[target] & {node.name for node in model.graph.node}:
            whole = onnx.load_from_string(join(model, weights or {}))
            run = run_with_islands(self._workers[target], whole, inputs, outputs, islands, opset=self.form)
        else:
            run = self._workers[target].run(chunks(written, weights or {}), inputs, outputs)
        return judge(run, expected, what)


def with_masks_as_numbers(
    model: onnx.ModelProto, inputs: Sequence[Mapping[str, np.ndarray]]
) -> tuple[onnx.ModelProto, Sequence[Mapping[str, np.ndarray]]]:
    """The same model with each BOOL input made inside, by comparing 0 and 1 with halves: no 4.x lets a mask in.

    Inside a net a mask comes from a comparison, and is whatever that version's comparisons make. Two inputs of one shape are
    what all of them compare.
    """
    masks = [entry.name for entry in model.graph.input if entry.type.tensor_type.elem_type == onnx.TensorProto.BOOL]
    if not masks:
        return model, inputs
    fed = onnx.ModelProto()
    fed.CopyFrom(model)
    nodes = list(fed.graph.node)
    del fed.graph.node[:]
    for entry in [entry for entry in fed.graph.input if entry.name in masks]:
        name = entry.name
        entry.name = f"{name}/number"
        entry.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        half = fed.graph.input.add()
        half.CopyFrom(entry)
        half.name = f"{name}/half"
        fed.graph.node.add(op_type="Greater", input=[entry.name, half.name], output=[name], name=f"{name}/mask")
    fed.graph.node.extend(nodes)
    samples = []
    for sample in inputs:
        numbers = {name: array for name, array in sample.items() if name not in masks}
        for name in masks:
            numbers[f"{name}/number"] = sample[name].astype(np.float32)
            numbers[f"{name}/half"] = np.full(sample[name].shape, 0.5, np.float32)
        samples.append(numbers)
    return fed, samples


def rank_forms(model: ir.Model, targets: Sequence[Target]) -> list[int]:
    """The opsets to write in, best first: that in which the tables call the fewest of the model's nodes not right.

    What is unmeasured in an older form counts a little, so that the working opset wins where nothing is known.
    """
    distinct = {signature((node,)): node for node in model.graph}
    badness = {}
    for form in FORMS:
        tables = [SupportTable.load(target, form) for target in targets]
        verdicts = [table.verdict((node,), key) for key, node in distinct.items() for table in tables]
        unknown = sum(verdict.status == "unmeasured" for verdict in verdicts)
        badness[form] = sum(not verdict for verdict in verdicts) - unknown + unknown / 100
    return sorted(FORMS, key=lambda form: (badness[form], -form))


def judge(run: OpenCVRun, expected: Sequence[Mapping[str, np.ndarray]], what: str) -> Verdict:
    """The verdict on one run against the expected arrays of each sample."""
    if run.status in ("fails at load", "fails at run"):
        return Verdict("fails", f"{run.status[6:]}: {run.error} (probe {what})")
    if run.status == "crashes":
        return Verdict("crashes", f"{run.error} (probe {what})")
    if run.status == "timeout":
        return Verdict("timeout", f"{run.error} (probe {what})")
    differences = [
        compare(outputs[name], array, reshape=True)
        for outputs, sample in zip(run.outputs, expected, strict=True)
        for name, array in sample.items()
    ]
    worst = max(differences, key=lambda difference: difference.relative)
    error = None if math.isinf(worst.relative) else worst.relative
    if worst <= TOLERANCE:
        return Verdict("ok", f"probe {what}", error)
    return Verdict("wrong", f"{worst} (probe {what})", error)
