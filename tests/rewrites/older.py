"""Older OpenCVs that are installed on this machine: what a rule is for can be asked of the version that needs it."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import cache

import numpy as np
import onnx_ir as ir
import pytest

from converter.compare import compare
from converter.opencv import OpenCVWorker
from converter.targets import Target, environments
from tests.onnx_text import ort_run


@cache
def _worker(version: str) -> OpenCVWorker:
    worker = OpenCVWorker(Target(version, "classic"), timeout=60).__enter__()
    atexit.register(worker.__exit__, None, None, None)
    return worker


def older(version: str, model: ir.Model, feeds: Mapping[str, np.ndarray]) -> float:
    """The largest relative difference of `version` from ONNX Runtime; skips where the version is not installed."""
    if environments().get(version) is None:
        pytest.skip(f"no environment with OpenCV {version}")
    names = [str(value.name) for value in model.graph.outputs]
    run = _worker(version).run(ir.to_proto(model).SerializeToString(), [feeds], names)
    assert run.status == "ran", str(run)
    got = [run.outputs[0][name] for name in names]
    return max(compare(g, e, reshape=True).relative for g, e in zip(got, ort_run(model, dict(feeds)), strict=True))
