"""The tidy passes: what each changes, that it changes nothing twice, and that numbers stay."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.errors import TargetError
from converter.graph import WORKING_OPSET
from converter.opencv import OpenCVWorker
from converter.passes import (
    PASSES,
    check_invariants,
    cut_pool_windows,
    drop_empty_work,
    drop_identities,
    name_nodes,
    remove_unused,
    resolve_cast_like,
    run_passes,
    simplify,
    to_working_opset,
    unshare_constants,
)
from converter.targets import Target, python_for
from tests.onnx_text import graph, ops, ort_run

X = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("run", "text", "left"),
    [
        (drop_identities, "{ a = Identity(x)\nb = Relu(a)\ny = Identity(b) }", ["Relu"]),
        (drop_identities, "{ a, m = Dropout(x)\ny = Relu(a) }", ["Relu"]),
        (drop_identities, "{ y = Identity(x) }", ["Identity"]),
        (drop_empty_work, "{ a = Reshape(x, same)\ny = Relu(a) }", ["Relu"]),
        (drop_empty_work, "{ a = Transpose<perm=[0,1,2]>(x)\ny = Relu(a) }", ["Relu"]),
        (drop_empty_work, "{ a = Transpose<perm=[0,2,1]>(x)\nb = Transpose<perm=[0,2,1]>(a)\ny = Relu(b) }",
         ["Transpose", "Transpose", "Relu"]),
        (drop_empty_work, "{ a = Expand(x, same)\ny = Relu(a) }", ["Relu"]),
        (drop_empty_work, "{ a = Cast<to=1>(x)\ny = Relu(a) }", ["Relu"]),
        (resolve_cast_like, "{ k = CastLike(two, x)\ny = Mul(x, k) }", ["Mul"]),
        (resolve_cast_like, "{ a = Relu(x)\ny = CastLike(a, x) }", ["Relu", "Cast"]),
        (remove_unused, "{ a = Sigmoid(x)\ny = Relu(x) }", ["Relu"]),
    ],
)  # fmt: skip
def test_passes(run, text, left):
    known = {"same": np.array([2, 3, 4]), "two": np.array(2.0)}
    constants = {name: value for name, value in known.items() if name in text}
    model = graph(f"(float[2,3,4] x) => (float[2,3,4] y) {text}", **constants)
    before = ort_run(model, {"x": X})
    changed = run(model)
    assert ops(model) == left
    assert changed == 0 or run(model) == 0
    check_invariants(model, after=run.__name__)
    np.testing.assert_array_equal(ort_run(model, {"x": X})[0], before[0])
    assert model.graph.outputs[0].name == "y"


POOL = "{{ y = {op}<kernel_shape=[{kernel}], strides=[{kernel}]{more}>(x) }}"


@pytest.mark.parametrize("op", ["AveragePool", "MaxPool"])
@pytest.mark.parametrize(
    ("kernel", "more", "cut"),
    [
        ("9,9", ", ceil_mode=1", True),
        ("6,7", ", pads=[1,1,1,1]", True),  # from -1 on: it covers five rows and six columns
        ("5,6", "", False),
        ("3,4", ", ceil_mode=1", False),
        ("5,7", ", pads=[1,1,1,1]", False),  # the last row is left out
    ],
)
def test_windows_over_the_whole_map(op, kernel, more, cut, rng):
    model = graph(f"(float[1,2,5,6] x) => (float[1,2,h,w] y) {POOL.format(op=op, kernel=kernel, more=more)}")
    x = {"x": rng.standard_normal((1, 2, 5, 6)).astype(np.float32)}
    before = ort_run(model, x)[0]
    assert cut_pool_windows(model) == int(cut)
    assert cut_pool_windows(model) == 0
    assert not cut or list(model.graph[0].attributes) == ["kernel_shape"]
    np.testing.assert_allclose(ort_run(model, x)[0], before, rtol=1e-6, atol=1e-7)


def test_a_window_that_counts_its_padding_stays():
    text = POOL.format(op="AveragePool", kernel="7,8", more=", pads=[1,1,1,1], count_include_pad=1")
    assert cut_pool_windows(graph(f"(float[1,2,5,6] x) => (float[1,2,1,1] y) {text}")) == 0


TWO_GATHERS = """(float[3,1,2,4,5] x) => (float[1,2,5,4] y) {
    r = Relu(x)  a = Gather<axis=0>(r, i)  b = Gather<axis=0>(x, i)
    t = Transpose<perm=[0,1,3,2]>(a)  u = Transpose<perm=[0,1,3,2]>(b)  y = Add(t, u) }"""


def test_each_node_gets_small_constants_of_its_own():
    model = graph(TWO_GATHERS, i=np.array(1))
    x = np.random.default_rng(0).standard_normal((3, 1, 2, 4, 5)).astype(np.float32)
    before = ort_run(model, {"x": x})
    assert unshare_constants(model) == 1
    assert unshare_constants(model) == 0
    gathers = [node for node in model.graph if node.op_type == "Gather"]
    assert len({node.inputs[1].name for node in gathers}) == 2
    assert {node.inputs[1].const_value.numpy().item() for node in gathers} == {1}
    check_invariants(model, after="unshare_constants")
    np.testing.assert_array_equal(ort_run(model, {"x": x})[0], before[0])


ADD_AND_GEMM = """(float[16,8] x) => (float[16,8] y) {
    a = Add(x, b)  y = Gemm(a, g, b) }"""


def test_what_a_shared_bias_does_to_opencv():
    target = Target.parse("4.8.1")
    try:
        python_for(target)
    except TargetError:
        pytest.skip("OpenCV 4.8.1 is not installed here")
    rng = np.random.default_rng(0)
    b, g, x = (rng.standard_normal(shape).astype(np.float32) for shape in ((8,), (8, 8), (16, 8)))
    model = graph(ADD_AND_GEMM, b=b, g=g)
    (expected,) = ort_run(model, {"x": x})
    with OpenCVWorker(target) as worker:
        assert worker.run(ir.to_proto(model).SerializeToString(), [{"x": x}], ["y"]).status == "fails at load"
        assert unshare_constants(model) == 1
        run = worker.run(ir.to_proto(model).SerializeToString(), [{"x": x}], ["y"])
    assert run.status == "ran", run.error
    np.testing.assert_allclose(run.outputs[0]["y"].reshape(expected.shape), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("version", ["4.7.0", "4.8.1"])
def test_what_a_shared_index_does_to_opencv(version):
    """The reason for unshare_constants: should an OpenCV stop failing here, the measurement in its docstring is out of date."""
    target = Target.parse(version)
    try:
        python_for(target)
    except TargetError:
        pytest.skip(f"OpenCV {version} is not installed here")
    model = graph(TWO_GATHERS, i=np.array(1))
    x = np.random.default_rng(0).standard_normal((3, 1, 2, 4, 5)).astype(np.float32)
    (expected,) = ort_run(model, {"x": x})
    with OpenCVWorker(target) as worker:
        assert worker.run(ir.to_proto(model).SerializeToString(), [{"x": x}], ["y"]).status == "fails at load"
        unshare_constants(model)
        run = worker.run(ir.to_proto(model).SerializeToString(), [{"x": x}], ["y"])
    assert run.status == "ran", run.error
    np.testing.assert_allclose(run.outputs[0]["y"].reshape(expected.shape), expected, rtol=0, atol=1e-6)


def test_a_reversing_slice_of_equal_shape_is_work():
    constants = {"start": np.array([-1]), "end": np.array([-100]), "axis": np.array([0]), "step": np.array([-1])}
    model = graph(
        "(float[2,3,4] x) => (float[2,3,4] y) { y0 = Slice(x, start, end, axis, step)\ny = Relu(y0) }", **constants
    )
    assert drop_empty_work(model) == 0


def test_the_written_file_does_not_call_itself_pytorchs():
    """OpenCV's classic importer averages the padding of every AveragePool in a file by "pytorch"."""
    proto = ir.to_proto(graph("(float[2,3,4] x) => (float[2,3,4] y) { y = Relu(x) }"))
    proto.producer_name = "pytorch"
    assert ir.to_proto(simplify(proto).model).producer_name == "torch2cv"


def test_names_become_unique_and_stay():
    model = graph("(float[2,3,4] x) => (float[2,3,4] y) { a = Relu(x)\nb = Relu(a)\nc = Relu(b)\ny = Relu(c) }")
    for node, name in zip(model.graph, ["twice", "twice", None, "Relu_0"], strict=True):
        node.name = name
    assert name_nodes(model) == 2
    names = [node.name for node in model.graph]
    assert len(set(names)) == 4
    assert names[0] == "twice"
    assert names[3] == "Relu_0"
    assert name_nodes(model) == 0


@pytest.mark.parametrize("opset", [13, 17, 18, WORKING_OPSET])
def test_simplify_ends_in_the_working_opset(opset):
    axes = (
        "axes = Constant<value = int64[1] {1}>()\nm = ReduceMean<keepdims=1>(x, axes)"
        if opset >= 18
        else "m = ReduceMean<axes=[1]>(x)"
    )
    body = f"{axes}\ns = Shape(x)\nr = Reshape(x, s)\nb = Add(r, m)\ny = Relu(b)"
    text = f"g (float[2,3,4] x) => (float[2,3,4] y) {{ {body} }}"
    proto = ir.to_proto(ir.from_onnx_text(f'<ir_version: 8, opset_import: ["": {opset}]>\n{text}'))
    result = simplify(proto)
    assert result.model.opset_imports[""] == WORKING_OPSET
    assert result.changes["to_working_opset"] == (opset != WORKING_OPSET)
    assert ops(result.model) == ["ReduceMean", "Add", "Relu"]
    expected = np.maximum(X + X.mean(1, keepdims=True), 0)
    np.testing.assert_allclose(ort_run(result.model, {"x": X})[0], expected, rtol=1e-6, atol=1e-6)
    assert not any(run_passes(result.model, PASSES).values()), "the passes have not reached their fixed point"


def test_an_opset_that_cannot_be_converted_is_an_error():
    from converter.errors import ConversionError

    proto = ir.to_proto(graph("(float[2] x) => (float[2] y) { y = Relu(x) }"))
    proto.opset_import[0].version = 99
    with pytest.raises(ConversionError) as error:
        to_working_opset(proto)
    assert str(error.value).startswith(f"the model's opset 99 cannot be converted to {WORKING_OPSET}\n")


def test_a_broken_graph_names_the_pass():
    model = graph("(float[2] x) => (float[2] y) { a = Relu(x)\ny = Relu(a) }")
    first, second = model.graph
    model.graph.remove(first)
    model.graph.insert_after(second, first)
    with pytest.raises(ValueError, match="after somebody: Relu 'n1' reads 'a' before it is made"):
        check_invariants(model, after="somebody")
