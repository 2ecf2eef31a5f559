"""Other OpenCVs than the installed one: what a rule makes is run on those that are installed."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import cache

import numpy as np
import onnx_ir as ir
import pytest

from converter.compare import compare
from converter.errors import TargetError
from converter.opencv import OpenCVWorker
from converter.targets import Target, python_for
from tests.onnx_text import ort_run
from tests.rewrites.judge import drawn


@cache
def _worker(name: str) -> OpenCVWorker | None:
    """The version's worker, kept for the session; None where that OpenCV is not installed."""
    target = Target.parse(name)
    try:
        python_for(target)
    except TargetError:
        return None
    worker = OpenCVWorker(target, timeout=60)
    atexit.register(worker.__exit__, None, None, None)
    return worker


def worst_on(
    names: str, model: ir.Model, rng: np.random.Generator, feeds: Mapping[str, np.ndarray] | None = None
) -> float:
    """The largest relative difference from ONNX Runtime over the named targets that are installed; skips when none is.

    `names`: "4.5.5 4.10.0". Each of them must load the model and run it.
    """
    feeds = dict(feeds or drawn(model, rng))
    expected = ort_run(model, feeds)
    outputs = [str(value.name) for value in model.graph.outputs]
    workers = {name: worker for name in names.split() if (worker := _worker(name)) is not None}
    if not workers:
        pytest.skip(f"none of OpenCV {names} is installed here")
    worst = 0.0
    for name, worker in workers.items():
        run = worker.run(ir.to_proto(model).SerializeToString(), [feeds], outputs)
        assert run.status == "ran", f"{name}: {run}"
        for output, right in zip(outputs, expected, strict=True):
            worst = max(worst, compare(run.outputs[0][output], right, reshape=True).relative)
    return worst
