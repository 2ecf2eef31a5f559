"""Finding where a whole model goes wrong, and repairing it, on real OpenCV: 5.0.0 folds a norm behind an activation wrongly."""

import time

import numpy as np
import pytest

from converter.legalize import Legalizer
from converter.locating import alike, locate
from converter.repair import repair
from converter.support.measure import Measurer
from converter.support.probes import Activations
from converter.targets import Target, default_targets
from tests.onnx_text import graph, ops, ort_run

RNG = np.random.default_rng(5)
TARGETS = default_targets()
SAMPLES = [{"x": RNG.standard_normal((1, 8, 10, 10)).astype(np.float32) * scale} for scale in (1, 2)]

FOLDED = """(float[1,8,10,10] x) => (float[1,8,10,10] y) {
    start = Sigmoid(x)
    a = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(start, w)
    b = HardSwish(a)
    c = BatchNormalization(b, s, t, m, v)
    d = Relu(c)
    e = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(d, w)
    f = HardSwish(e)
    g = BatchNormalization(f, s, t, m, v)
    h = Relu(g)
    y = Add(h, x)
}"""

seen_on_new_engine = pytest.mark.skipif(TARGETS[0] != Target("5.0.0", "new"), reason="seen in 5.0.0's new engine only")


def folded():
    def draw(*shape):
        return RNG.standard_normal(shape).astype(np.float32)

    return graph(FOLDED, w=draw(8, 8, 3, 3) / 8, s=draw(8), t=draw(8), m=draw(8), v=RNG.uniform(0.5, 2, 8).astype("f"))


def test_a_model_that_is_right_has_no_such_place():
    model = graph("(float[1,8,10,10] x) => (float[1,8,10,10] y) { a = Relu(x)\n y = Sigmoid(a) }")
    with Measurer(TARGETS) as measurer:
        assert locate(model, TARGETS[0], Activations(model, SAMPLES), measurer) is None


@seen_on_new_engine
def test_the_smallest_region_that_goes_wrong_is_found():
    model = folded()
    with Measurer(TARGETS) as measurer:
        found = locate(model, TARGETS[0], Activations(model, SAMPLES), measurer)
    assert found is not None
    assert str(found.region) == "Conv -> HardSwish -> BatchNormalization"
    assert found.region.node.name == "n3", "the first of the two"
    assert found.verdict.status == "wrong"
    assert not found.drift
    assert [region.node.name for region in alike(found.region, model)] == ["n3", "n7"]


@seen_on_new_engine
def test_what_goes_wrong_in_company_is_repaired_wherever_it_occurs():
    model = folded()
    before = ort_run(model, SAMPLES[0])[0]
    with Measurer(TARGETS) as measurer:
        legalizer = Legalizer(measurer)
        clean = legalizer.run(model, SAMPLES)
        assert clean.rewrites == () and clean.flags == (), "each node is right by itself"
        repaired = repair(model, SAMPLES, legalizer, clean)
        assert locate(model, TARGETS[0], Activations(model, SAMPLES), measurer) is None
    assert repaired.flags == ()
    assert len(repaired.rewrites) == 2
    assert all(rewrite.error <= rewrite.promised for rewrite in repaired.rewrites)
    assert all("wrong" in rewrite.needed_by[TARGETS[0].name] for rewrite in repaired.rewrites)
    np.testing.assert_allclose(ort_run(model, SAMPLES[0])[0], before, rtol=1e-5, atol=1e-5)


@seen_on_new_engine
def test_nothing_is_tried_when_the_time_is_up():
    model = folded()
    with Measurer(TARGETS) as measurer:
        legalizer = Legalizer(measurer, deadline=time.monotonic())
        clean = legalizer.run(model, SAMPLES)
        repaired = repair(model, SAMPLES, legalizer, clean)
    assert repaired.rewrites == ()
    assert ops(model).count("BatchNormalization") == 2


@seen_on_new_engine
def test_a_place_that_no_rule_helps_is_flagged_with_every_reason(monkeypatch):
    from converter import legalize as room

    monkeypatch.setattr(room, "barriers", list)
    monkeypatch.setattr(room, "rules_for", lambda op: [])
    model = folded()
    with Measurer(TARGETS) as measurer:
        legalizer = Legalizer(measurer)
        repaired = repair(model, SAMPLES, legalizer, legalizer.run(model, SAMPLES))
    (flag,) = repaired.flags
    assert (flag.node, flag.op_type, flag.target) == ("n3", "BatchNormalization", TARGETS[0].name)
    assert flag.reasons == ("there is no rule for Conv, HardSwish, BatchNormalization",)
