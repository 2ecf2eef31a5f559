"""Finding where a whole model goes wrong, and repairing it, on real OpenCV: it takes Log(Exp(x) + 2) for Softplus."""

import time

import numpy as np
import pytest

from converter.legalize import Legalizer
from converter.locating import Located, TimeUp, alike, locate
from converter.repair import repair
from converter.support import Verdict
from converter.support.measure import Measurer
from converter.support.probes import Activations, Region
from converter.targets import Target, default_targets
from tests.onnx_text import graph, ops, ort_run

RNG = np.random.default_rng(5)
TARGETS = default_targets()
SAMPLES = [{"x": RNG.standard_normal((1, 8, 10, 10)).astype(np.float32) * scale} for scale in (1, 2)]

FUSED = """(float[1,8,10,10] x) => (float[1,8,10,10] y) {
    start = Sigmoid(x)
    a = Exp(start)
    b = Add(a, two)
    c = Log(b)
    d = Relu(c)
    e = Exp(d)
    f = Add(e, two)
    g = Log(f)
    y = Add(g, x)
}"""
"""Log(Exp(x) + 2): OpenCV takes it for Softplus, which has 1 there."""

seen_on_new_engine = pytest.mark.skipif(TARGETS[0] != Target("5.0.0", "new"), reason="seen in 5.0.0's new engine only")


def folded():
    return graph(FUSED, two=np.float32(2))


def test_a_model_that_is_right_has_no_such_place():
    model = graph("(float[1,8,10,10] x) => (float[1,8,10,10] y) { a = Relu(x)\n y = Sigmoid(a) }")
    with Measurer(TARGETS) as measurer:
        assert locate(model, TARGETS[0], Activations(model, SAMPLES), measurer) is None


def test_no_probe_begins_after_the_deadline():
    model = folded()
    with Measurer(TARGETS) as measurer:
        with pytest.raises(TimeUp):
            locate(model, TARGETS[0], Activations(model, SAMPLES), measurer, deadline=time.monotonic() - 1)
        assert measurer.probed == 0


@pytest.mark.parametrize(
    ("count", "status", "error", "rounding"),
    [(7, "wrong", 2e-4, True), (7, "wrong", 0.3, False), (3, "wrong", 2e-4, False), (7, "fails", None, False)],
)
def test_what_can_be_the_rounding_of_many_nodes(count, status, error, rounding):
    region = Region(tuple(list(folded().graph)[:count]))
    assert Located(region, Verdict(status, "seen", error)).rounding is rounding


@seen_on_new_engine
def test_the_smallest_region_that_goes_wrong_is_found():
    model = folded()
    with Measurer(TARGETS) as measurer:
        found = locate(model, TARGETS[0], Activations(model, SAMPLES), measurer)
    assert found is not None
    assert str(found.region) == "Exp -> Add -> Log"
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
    assert ops(model).count("Log") == 2


@seen_on_new_engine
def test_a_place_that_no_rule_helps_becomes_an_island_with_every_reason(monkeypatch):
    from converter import legalize as room

    monkeypatch.setattr(room, "barriers", list)
    monkeypatch.setattr(room, "rules_for", lambda op: [])
    model = folded()
    with Measurer(TARGETS) as measurer:
        legalizer = Legalizer(measurer)
        repaired = repair(model, SAMPLES, legalizer, legalizer.run(model, SAMPLES))
    assert repaired.rewrites == ()
    assert repaired.islands == {TARGETS[0].name: ("n3", "n7")}
    first, second = repaired.flags
    assert (first.node, first.op_type, first.target) == ("n3", "Log", TARGETS[0].name)
    assert second.node == "n7"
    assert first.reasons == ("there is no rule for Exp, Add, Log",)


def test_what_neither_a_rule_nor_numpy_can_do_is_left_flagged():
    model = graph("(float[2,3] x) => (float[2,3] y) { a = Relu(x)\n y = Bernoulli<seed=1.0>(a) }")
    samples = [{"x": np.full((2, 3), 0.5, np.float32)}] * 2
    with Measurer(TARGETS) as measurer:
        legalizer = Legalizer(measurer)
        repaired = repair(model, samples, legalizer, legalizer.run(model, samples))
    assert repaired.islands == {}
    assert {(flag.op_type, flag.target) for flag in repaired.flags} == {("Bernoulli", TARGETS[0].name)}


SPOILT = """(float[1,8,10,10] x) => (float[1,8,10,10] y) {
    start = Sigmoid(x)
    b = BatchNormalization(start, scale, shift, mean, variance)
    c = Conv<group=8, kernel_shape=[1, 1]>(start, w)
    a = Add(c, b)
    y = Sub(a, b)
}"""
"""Conv + Add is one layer in OpenCV 4.7.0, which works in place of b: what Sub reads is spoilt."""


def spoilt():
    eight = {name: RNG.random(8, dtype=np.float32) for name in ("scale", "shift", "mean", "variance")}
    return graph(SPOILT, **eight, w=RNG.random((8, 1, 1, 1), dtype=np.float32))


def test_a_live_region_gives_all_that_is_read_outside():
    nodes = tuple(spoilt().graph)[1:4]
    assert [value.name for value in Region(nodes).outputs] == ["a"]
    assert [value.name for value in Region(nodes, live=True).outputs] == ["b", "a"]


def test_a_layer_that_spoils_what_others_read_is_found_and_repaired(target_env):
    target_env("4.7.0")
    targets = [Target.parse("4.7.0")]
    model = spoilt()
    before = ort_run(model, SAMPLES[0])[0]
    with Measurer(targets) as measurer:
        found = locate(model, targets[0], Activations(model, SAMPLES), measurer)
        assert found is not None and not found.drift
        assert found.verdict.status == "wrong"
        legalizer = Legalizer(measurer)
        repaired = repair(model, SAMPLES, legalizer, legalizer.run(model, SAMPLES))
        assert locate(model, targets[0], Activations(model, SAMPLES), measurer) is None
    assert repaired.flags == () and repaired.islands == {}
    np.testing.assert_allclose(ort_run(model, SAMPLES[0])[0], before, rtol=1e-5, atol=1e-5)
