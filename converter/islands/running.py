"""A model with islands on a target: the same islands.py that a bundle holds, in the target's own interpreter."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import onnx

from converter.forms import NotExpressible, in_form
from converter.graph import WORKING_OPSET
from converter.islands.kit import Mechanism, mechanisms, plan_islands, render_islands
from converter.opencv import Arrays, IslandFiles, OpenCVRun, OpenCVWorker


def run_with_islands(
    worker: OpenCVWorker,
    model: onnx.ModelProto,
    samples: Sequence[Arrays],
    outputs: Sequence[str],
    names: Collection[str],
    *,
    opset: int = WORKING_OPSET,
    mechanism: Mechanism | None = None,
) -> OpenCVRun:
    """What the worker's target gives for a model in the working opset when these nodes are islands; written in `opset`.

    Without a mechanism the first that runs is taken; what the numbers are worth is the caller's to judge.
    """
    try:
        serialized = in_form(model, opset).SerializeToString(deterministic=True)
    except NotExpressible as reason:
        return OpenCVRun("fails at load", error=str(reason))
    run = OpenCVRun("fails at load", error="no mechanism")
    for tried in mechanisms(worker.target) if mechanism is None else (mechanism,):
        kit = render_islands([plan_islands(worker.target, tried, model, serialized, names)])
        with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
            kit.save(Path(folder))
            files = IslandFiles(Path(folder), worker.target.name)
            run = worker.run(serialized, samples, outputs, islands=files)
        if run.status == "ran":
            break
    return run
