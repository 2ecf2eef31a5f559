"""The installed OpenCV, in a child process: a rule's test may ask whether it runs what the rule made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx_ir as ir
import pytest

from converter.compare import compare
from converter.opencv import OpenCVWorker
from converter.targets import Target, installed_version
from tests.onnx_text import ort_run

Judge = Callable[[ir.Model, Mapping[str, np.ndarray]], float]


def _engines() -> list[str]:
    version = installed_version()
    return ["classic"] if version is None or version.startswith("4.") else ["new", "classic"]


@pytest.fixture(scope="session", params=_engines())
def opencv(request: pytest.FixtureRequest) -> Iterator[Judge]:
    """(model, feeds) -> the largest relative difference of the installed OpenCV, engine by engine, from ONNX Runtime."""
    version = installed_version()
    assert version is not None, "the tests need an opencv-python"
    with OpenCVWorker(Target(version, request.param), timeout=60) as worker:

        def judge(model: ir.Model, feeds: Mapping[str, np.ndarray]) -> float:
            names = [str(value.name) for value in model.graph.outputs]
            run = worker.run(ir.to_proto(model).SerializeToString(), [feeds], names)
            assert run.status == "ran", str(run)
            expected = ort_run(model, dict(feeds))
            got = [run.outputs[0][name] for name in names]
            return max(compare(g, e, reshape=True).relative for g, e in zip(got, expected, strict=True))

        yield judge
