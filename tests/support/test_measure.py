"""Verdicts: what counts as ok, wrong, fails, crashes, timeout; and that unmeasured is never ok."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.opencv import OpenCVRun
from converter.support import SupportTable, Verdict
from converter.support.measure import judge, with_masks_as_numbers
from converter.targets import Target
from tests.onnx_text import graph, ort_run

EXPECTED = [{"y": np.array([[1.0, 2.0]], np.float32)}]


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (OpenCVRun("ran", ({"y": np.float32([[1, 2]])},)), Verdict("ok", "probe Relu", 0.0)),
        (OpenCVRun("ran", ({"y": np.float32([1, 2])},)), Verdict("ok", "probe Relu", 0.0)),
        (
            OpenCVRun("ran", ({"y": np.float32([[1, 2.5]])},)),
            Verdict("wrong", "relative difference 2.50e-01 (probe Relu)", 0.25),
        ),
        (
            OpenCVRun("ran", ({"y": np.float32([[1, 2, 3]])},)),
            Verdict("wrong", "shape [1, 3], expected [1, 2] (probe Relu)"),
        ),
        (OpenCVRun("fails at load", error="no parser"), Verdict("fails", "load: no parser (probe Relu)")),
        (OpenCVRun("fails at run", error="no layer"), Verdict("fails", "run: no layer (probe Relu)")),
        (OpenCVRun("crashes", error="SIGSEGV"), Verdict("crashes", "SIGSEGV (probe Relu)")),
        (OpenCVRun("timeout", error="60 s"), Verdict("timeout", "60 s (probe Relu)")),
    ],
)
def test_judge(run, verdict):
    found = judge(run, EXPECTED, "Relu")
    assert (found.status, found.evidence.replace("at ", "")) == (verdict.status, verdict.evidence)
    assert found.error == pytest.approx(verdict.error) if verdict.error is not None else found.error is None
    assert bool(found) == (verdict.status == "ok")


def test_the_worst_sample_counts():
    answers = ({"y": np.float32([[1, 2]])}, {"y": np.float32([[1, 3]])})
    assert judge(OpenCVRun("ran", answers), EXPECTED * 2, "Relu") == Verdict(
        "wrong", "relative difference 5.00e-01 (probe Relu)", 0.5
    )


def test_what_was_not_measured_is_not_ok():
    (node,) = graph("(float[2] x) => (float[2] y) { y = Relu(x) }").graph
    table = SupportTable(Target("4.99.0", "classic"))
    verdict = table.verdict([node])
    assert not verdict
    assert str(verdict) == "unmeasured: Relu was never run on OpenCV 4.99.0"
    table.record([node], Verdict("ok", "seen"))
    assert table.verdict([node])


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("(float[2] x) => (float[2] y) { y = Relu(x) }", True),
        ("(float[2] q) => (float[2] z) { z = Relu(q) }", True),
        ("(float[3] x) => (float[3] y) { y = Relu(x) }", False),
        ("(double[2] x) => (double[2] y) { y = Relu(x) }", False),
        ("(float[2] x) => (float[2] y) { y = Abs(x) }", False),
    ],
)
def test_signatures_know_what_decides(other, same):
    from converter.graph import signature

    one = list(graph("(float[2] x) => (float[2] y) { y = Relu(x) }").graph)
    assert (signature(one) == signature(list(graph(other).graph))) == same


def test_signatures_see_small_constants_and_attributes_but_not_weights():
    from converter.graph import signature

    def of(text, **constants):
        return signature(list(graph(text, **constants).graph))

    reshape = "(float[2,3] x) => (float y) { y = Reshape(x, s) }"
    assert of(reshape, s=np.array([3, 2])) != of(reshape, s=np.array([6, 1]))
    matmul = "(float[2,3] x) => (float[2,4] y) { y = MatMul(x, w) }"
    assert of(matmul, w=np.ones((3, 4), "f")) == of(matmul, w=np.zeros((3, 4), "f"))
    assert of(matmul, w=np.ones((3, 4), "f")) != of(
        "(float[2,3] x, float[3,4] w) => (float[2,4] y) { y = MatMul(x, w) }"
    )
    softmax = "(float[2,3] x) => (float[2,3] y) {{ y = Softmax<axis={}>(x) }}"
    assert of(softmax.format(0)) != of(softmax.format(1))
    multiply = "(float[2,3] x) => (float[2,3] y) { y = Mul(x, k) }"
    assert of(multiply, k=np.float32(1)) != of(multiply, k=np.float32(0.5))


def test_masks_are_made_inside_of_a_probe():
    """No 4.x lets a BOOL input in."""
    model = ir.to_proto(graph("(bool[2,3] m, float[2,3] x) => (float[2,3] y) { y = Where(m, x, x) }"))
    feeds = {"m": np.array([[True, False, True]] * 2), "x": np.ones((2, 3), np.float32)}
    before = model.SerializeToString()

    fed, (numbers,) = with_masks_as_numbers(model, [feeds])

    assert model.SerializeToString() == before
    assert [node.op_type for node in fed.graph.node] == ["Greater", "Where"]
    assert {name: array.dtype.name for name, array in numbers.items()} == {
        "m/number": "float32",
        "m/half": "float32",
        "x": "float32",
    }
    np.testing.assert_array_equal(ort_run(fed, numbers)[0], ort_run(model, feeds)[0])


def test_a_probe_without_masks_is_left_alone():
    model = ir.to_proto(graph("(float[2] x) => (float[2] y) { y = Relu(x) }"))
    feeds = [{"x": np.ones(2, np.float32)}]
    assert with_masks_as_numbers(model, feeds) == (model, feeds)
