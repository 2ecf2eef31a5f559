"""Rules that lean on one another: an op that old OpenCVs lack is legalised down to what they run, without a flag."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.compare import compare
from converter.legalize import Legalizer
from converter.support.measure import TOLERANCE, Measurer
from converter.targets import Target, environments
from tests.onnx_text import ort_run
from tests.rewrites.judge import drawn, graph

GRAPHS = {
    "grid_sample": (
        "(float[1,3,6,8] x, float[1,4,5,2] g) => (float[1,3,4,5] y) { y = GridSample(x, g) }",
        {},
    ),
    "top_k": ("(float[1,24] x) => (float[1,3] y) { y, i = TopK(x, k) }", {"k": np.array([3])}),
    "mask": (
        """(float[1,3,6,8] x) => (float[1,3,6,8] y) {
            a = GreaterOrEqual(x, c)  b = Less(x, d)  n = Not(b)  m = Or(a, n)  y = Where(m, x, c) }""",
        {"c": np.array(0.5, np.float32), "d": np.array(-0.5, np.float32)},
    ),
    "dynamic_conv": ("(float[1,3,6,8] x, float[4,3,3,3] w) => (float[1,4,4,6] y) { y = Conv(x, w) }", {}),
    "fmod": ("(float[1,3,6,8] x) => (float[1,3,6,8] y) { y = Mod<fmod=1>(x, c) }", {"c": np.array(0.3, np.float32)}),
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("version", ["4.5.5", "4.10.0"])
def test_nothing_is_left_that_the_target_does_not_run(name, version, rng):
    if environments().get(version) is None:
        pytest.skip(f"no environment with OpenCV {version}")
    text, constants = GRAPHS[name]
    model = graph(text, **constants)
    samples = [drawn(model, rng, 0.7) for _ in range(2)]
    expected = [dict(zip(("y",), ort_run(model, sample), strict=True)) for sample in samples]
    target = Target(version, "classic")

    with Measurer([target]) as measurer:
        done = Legalizer(measurer).run(model, samples)
        verdict = measurer.probe(target, ir.to_proto(model), samples, expected, name)

    assert [str(flag) for flag in done.flags] == []
    assert verdict, str(verdict)
    for sample, right in zip(samples, expected, strict=True):
        assert compare(ort_run(model, sample)[0], right["y"]).relative < TOLERANCE
