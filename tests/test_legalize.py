"""The legalise loop on real OpenCV: what is wrong only in company is found, rewritten, and right afterwards."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.judging import error_in_onnxruntime, too_large
from converter.legalize import Legalized, legalize, survey
from converter.support.measure import Measurer
from converter.support.probes import Region, regions_of
from converter.targets import Target, default_targets
from tests.onnx_text import graph, ops, ort_run

RNG = np.random.default_rng(3)
X = RNG.standard_normal((1, 8, 6, 6)).astype(np.float32)
W = (RNG.standard_normal((8, 8, 1, 1)) / 3).astype(np.float32)
SAMPLES = [{"x": X}, {"x": X[:, ::-1] * 2}]
SIZES = np.array([1, 8, 6, 6])

GATE = """(float[1,8,6,6] x) => (float[1,8,6,6] y) {
    pooled = GlobalAveragePool(x)
    squeezed = Conv<kernel_shape=[1,1]>(pooled, w)
    gate = HardSigmoid<alpha=0.16666667, beta=0.5>(squeezed)
    y = Mul(x, gate)
}"""
PIXEL = """(float[1,8,6,6] x) => (float[1,8,6,6] y) {
    pooled = GlobalAveragePool(x)
    mixed = Conv<kernel_shape=[1,1]>(pooled, w)
    y = Resize<mode="linear", coordinate_transformation_mode="half_pixel">(mixed, , , sizes)
}"""


def run(model: ir.Model) -> Legalized:
    with Measurer(default_targets()) as measurer:
        return legalize(model, SAMPLES, measurer)


def test_a_region_is_the_node_alone_and_behind_its_producers():
    model = graph(GATE, w=W)
    alone, around = regions_of(list(model.graph)[-1])
    assert str(alone) == "Mul"
    assert str(around) == "Conv -> HardSigmoid -> Mul"
    assert [value.name for value in around.inputs] == ["pooled", "x"]


def test_the_gate_that_becomes_a_hard_swish_is_found_in_company_only():
    model = graph(GATE, w=W)
    name = default_targets()[0].name
    with Measurer(default_targets()) as measurer:
        found = survey(model, SAMPLES, measurer)
        alone = measurer.tables[default_targets()[0]].verdict([list(model.graph)[-1]])
    assert alone, "the Mul alone is right"
    assert found.verdicts["n3"][name].status == "wrong"
    assert [str(region) for region, _ in found.bad] == ["HardSigmoid -> Mul"], "what takes no part is left out"


def test_the_gate_is_rewritten_and_right():
    model = graph(GATE, w=W)
    before = ort_run(model, {"x": X})[0]
    result = run(model)
    (rewrite,) = result.rewrites
    assert (rewrite.op_type, rewrite.node) == ("HardSigmoid", "n2")
    assert rewrite.error <= rewrite.promised
    assert set(rewrite.needed_by) == {default_targets()[0].name}
    assert result.flags == ()
    np.testing.assert_allclose(ort_run(model, {"x": X})[0], before, atol=1e-6)
    with Measurer(default_targets()) as measurer:
        assert survey(model, SAMPLES, measurer).bad == []


@pytest.mark.skipif(default_targets()[0] != Target("5.0.0", "new"), reason="seen in 5.0.0's new engine only")
@pytest.mark.parametrize("luck", range(5))
def test_a_pixel_resized_behind_a_convolution(luck):
    """Right by luck in some runs, so a pattern finds it, whatever a probe says."""
    model = graph(PIXEL, w=W, sizes=SIZES)
    result = run(model)
    assert [rewrite.op_type for rewrite in result.rewrites] == ["Resize"]
    assert "Resize" not in ops(model)
    assert result.flags == ()


def test_what_no_rule_helps_is_flagged_with_the_reason():
    model = graph("(float[2,3] x) => (float[2,3] y) { y = Bernoulli<seed=1.0>(p)\n }".replace("p)", "x)"))
    sample = {"x": np.full((2, 3), 0.5, np.float32)}
    with Measurer(default_targets()) as measurer:
        result = legalize(model, [sample, sample], measurer)
    assert result.rewrites == ()
    (flag,) = result.flags
    assert (flag.op_type, flag.target) == ("Bernoulli", default_targets()[0].name)
    assert flag.reasons == ("there is no rule for Bernoulli",)
    assert flag.verdict.status in ("fails", "wrong")


def test_equal_regions_are_probed_once():
    model = graph(
        "(float[1,8,6,6] x) => (float[1,8,6,6] y)"
        "{ a = Relu(x)\nb = Sigmoid(a)\nc = Relu(b)\nd = Sigmoid(c)\ny = Relu(d) }"
    )
    with Measurer(default_targets()) as measurer:
        assert survey(model, SAMPLES, measurer).bad == []
        assert measurer.probed == 0, "the table knows each node; only what is asked for is probed in company"
        found = survey(model, SAMPLES, measurer, company=True)
        probed = measurer.probed
        survey(model, SAMPLES, measurer, company=True)
    # Relu and Sigmoid alone are in the table; windows: Relu->Sigmoid, Relu->Sigmoid->Relu (twice), Sigmoid->Relu->Sigmoid
    assert probed == 3
    assert measurer.probed == probed
    assert len(found.verdicts) == 5


def test_a_rule_that_breaks_its_promise_is_not_taken(monkeypatch):
    from converter import legalize as room
    from converter.rewrites import Rule

    def double(node, tape):
        return tape.op("Add", [node.inputs[0], node.inputs[0]])

    monkeypatch.setattr(
        room, "rules_for", lambda op: [Rule("double", "HardSigmoid", 1e-6, double)] if op == "HardSigmoid" else []
    )
    monkeypatch.setattr(room, "barriers", list)
    model = graph(GATE, w=W)
    result = run(model)
    assert result.rewrites == ()
    assert "HardSigmoid" in ops(model)
    (reason,) = result.flags[0].reasons
    assert reason.startswith("double: its error here is ")
    assert reason.endswith("more than the 1e-06 that it promises")


def test_an_unused_second_output_need_not_be_right():
    model = graph(
        "(float[1,8,6,6] x) => (float[1,8,3,3] y) { y, where = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }"
    )
    (node,) = model.graph
    assert [value.name for value in Region((node,)).outputs] == ["y"]


def reducing(body):
    return ir.to_proto(graph(f"(float[1,4] x) => (float[1,1] y) {{ {body} }}", axes=np.array([1])))


@pytest.mark.parametrize(
    ("x", "after", "low", "high"),
    [
        pytest.param([1, 2, 3, 4], "ReduceMean(x, axes)", 0, 0, id="same"),
        pytest.param([1000, -1000, 1e-3, 0], "ReduceSum(x, axes)", 1e-7, 1e-5, id="cancelling: what is summed counts"),
        pytest.param([1, -1, 1, -1], "ReduceMax(x, axes)", 0.9, 1.1, id="a sum of zero hides nothing"),
        pytest.param([1, 2, 3, 4], "ReduceMax(x, axes)", 0.5, 0.7, id="wrong"),
        pytest.param([0, 0, 0, 0], "ReduceLogSumExp(x, axes)", 1.3, 1.4, id="of nothing"),
    ],
)
def test_the_error_of_a_sum_is_measured_by_what_is_summed(x, after, low, high):
    sample = {"x": np.array([x], np.float32)}
    assert low <= error_in_onnxruntime(reducing("y = ReduceMean(x, axes)"), reducing(f"y = {after}"), [sample]) <= high


def test_what_takes_gigabytes_is_not_tried():
    text = "(float[1,2,4,4] x) => (float[1,2,h,w] y) { y = Pad(x, pads) }"
    assert too_large(graph(text, pads=np.array([0, 0, 0, 0, 0, 0, 40, 40])).graph) is None
    assert (
        too_large(graph(text, pads=np.array([0, 0, 0, 0, 0, 0, 20000, 20000])).graph) == "its Pad makes 3.0 GiB at once"
    )
