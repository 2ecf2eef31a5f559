"""Runs probes on targets, each in a child process of its own interpreter, and keeps what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType

import numpy as np

from converter.compare import compare
from converter.errors import TargetError
from converter.opencv import OpenCVRun, OpenCVWorker
from converter.support import SupportTable, Verdict
from converter.support.probes import Activations, Region
from converter.targets import Target

TOLERANCE = 1e-4
"""A region counts as right up to this max |difference| over max |reference|: rounding is a hundred times smaller."""

Verdicts = dict[Target, Verdict]


class Measurer:
    """Asks the tables, and the real OpenCV about what they do not know. Use it as a context manager.

    Only installed targets can be probed; of others, what their tables do not know stays unmeasured.
    """

    def __init__(self, targets: Sequence[Target], *, timeout: float = 60.0) -> None:
        self.targets = tuple(targets)
        self.tables = {target: SupportTable.load(target) for target in targets}
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
        self, regions: Sequence[Region], activations: Activations, progress: Callable[[int, int], None] | None = None
    ) -> list[Verdicts]:
        """One verdict per region and target. Equal signatures are probed once."""
        unknown = self._unknown(regions)
        activations.fetch(value for region in unknown for value in (*region.inputs, *region.outputs))
        for done, region in enumerate(unknown):
            if progress is not None:
                progress(done, len(unknown))
            inputs, expected = activations.of(region.inputs), activations.of(region.outputs)
            model = region.model().SerializeToString()
            for target in self._workers:
                if self.tables[target].verdict(region.nodes).status == "unmeasured":
                    self.tables[target].record(region.nodes, self.probe(target, model, inputs, expected, str(region)))
        return [{target: self.tables[target].verdict(region.nodes) for target in self.targets} for region in regions]

    def _unknown(self, regions: Sequence[Region]) -> list[Region]:
        from converter.graph import signature

        fresh: dict[str, Region] = {}
        for region in regions:
            if region.inputs and any(
                self.tables[t].verdict(region.nodes).status == "unmeasured" for t in self._workers
            ):
                fresh.setdefault(signature(region.nodes), region)
        return list(fresh.values())

    def probe(
        self,
        target: Target,
        model: bytes,
        inputs: Sequence[Mapping[str, np.ndarray]],
        expected: Sequence[Mapping[str, np.ndarray]],
        what: str,
    ) -> Verdict:
        """Run one model on one target, on every sample, and compare with what is expected."""
        self.probed += 1
        return judge(self._workers[target].run(model, inputs, list(expected[0])), expected, what)


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
