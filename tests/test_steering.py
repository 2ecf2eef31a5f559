"""What is rewritten because it pays: the numbers stay, the shapes of the work change, and old targets keep their forms."""

import numpy as np
import pytest

from converter.passes import check_invariants
from converter.steering import merge_reshapes, steer
from converter.targets import Target
from tests.onnx_text import graph, ops, ort_run

BOTH, OLD = (Target.parse("4.10.0"), Target("5.0.0", "new")), (Target.parse("4.8.1"), Target.parse("4.10.0"))
NEW = (Target("5.0.0", "new"),)
WINDOWS = """(float[1,6,6,4] x) => (float[4,9,8] y) {
    a = Reshape(x, split)
    b = Transpose<perm=[0,1,3,2,4,5]>(a)
    c = Reshape(b, rows)
    m = MatMul(c, w)
    y = Add(m, b1) }"""


def windows(rng):
    return graph(
        WINDOWS,
        split=np.array([1, 2, 3, 2, 3, 4]), rows=np.array([-1, 9, 4]),
        w=rng.standard_normal((4, 8)).astype(np.float32), b1=rng.standard_normal(8).astype(np.float32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("targets", "left"),
    [
        (BOTH, ["Reshape", "Transpose", "Reshape", "Gemm", "Reshape"]),
        (NEW, ["Reshape", "Transpose", "Reshape", "MatMul", "Add"]),
        (OLD, ["Reshape", "Transpose", "Reshape", "MatMul", "Add"]),
    ],
)
def test_windows(targets, left, rng):
    model = windows(rng)
    x = {"x": rng.standard_normal((1, 6, 6, 4)).astype(np.float32)}
    before = ort_run(model, x)
    assert steer(model, targets) > 0
    check_invariants(model, after="steer")
    assert ops(model) == left, "the Reshapes around the Transpose are one each"
    assert next(node for node in model.graph if node.op_type == "Transpose").attributes["perm"].as_ints() == (
        0,
        2,
        1,
        3,
    )
    used = {value for node in model.graph for value in node.inputs}
    assert set(model.graph.initializers.values()) <= used, "nothing is left of the old forms"
    np.testing.assert_allclose(ort_run(model, x)[0], before[0], rtol=1e-5, atol=1e-6)
    assert steer(model, targets) == 0


@pytest.mark.parametrize(("rows", "left"), [(128, "Conv"), (127, "MatMul")])
def test_old_targets_alone_convolve_many_rows(rows, left, rng):
    text = f"(float[1,{rows},4] x) => (float[1,{rows},8] y) {{ y = MatMul(x, w) }}"
    model = graph(text, w=rng.standard_normal((4, 8)).astype(np.float32))
    steer(model, OLD[:1])
    assert left in ops(model)
    mixed = graph(text, w=rng.standard_normal((4, 8)).astype(np.float32))
    assert steer(mixed, OLD) == 0


def test_only_what_is_asked_for(rng):
    model = windows(rng)
    steer(model, BOTH, ("transpose_of_rank_4",))
    assert ops(model) == ["Reshape", "Transpose", "Reshape", "MatMul", "Add"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("{ a = Reshape(x, two)  y = Reshape(a, three) }", ["Reshape"]),
        ("{ a = Reshape(x, two)  b = Relu(a)  y = Reshape(b, three) }", ["Reshape", "Relu", "Reshape"]),
        ("{ a = Reshape(x, two)  b = Reshape(a, two)  c = Reshape(a, three)  d = Reshape(b, three)  y = Add(c, d) }",
         ["Reshape", "Reshape", "Add"]),
    ],
)  # fmt: skip
def test_reshapes_in_a_row_are_one(body, left, rng):
    given = {"two": np.array([0, -1]), "three": np.array([-1, 2, 3])}
    model = graph(f"(float[2,3,2] x) => (float[2,2,3] y) {body}", **given)
    x = {"x": rng.standard_normal((2, 3, 2)).astype(np.float32)}
    before = ort_run(model, x)
    merge_reshapes(model)
    check_invariants(model, after="merge_reshapes")
    assert ops(model) == left
    np.testing.assert_array_equal(ort_run(model, x)[0], before[0])


def test_a_reshape_that_is_an_output_stays(rng):
    model = graph(
        "(float[2,6] x) => (float[3,4] a, float[2,2,3] y) { a = Reshape(x, two)  y = Reshape(a, three) }",
        two=np.array([3, 4]), three=np.array([2, 2, 3]),
    )  # fmt: skip
    x = {"x": rng.standard_normal((2, 6)).astype(np.float32)}
    before = ort_run(model, x)
    merge_reshapes(model)
    for got, expected in zip(ort_run(model, x), before, strict=True):
        np.testing.assert_array_equal(got, expected)
