"""Nodes of older opsets, whose attributes are inputs today, or that were called otherwise: against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter.errors import UnsupportedOpError
from converter.numpy_runtime import plan
from tests.numpy_runtime.judge import draw, node_model, ours
from tests.onnx_text import ort_run

IMAGE = (1, 2, 4, 6)

FORMS: list[tuple[str, int, tuple[int, ...], dict[str, Any], list[Any]]] = [
    ("ReduceSum", 11, IMAGE, {"axes": [1, 2], "keepdims": 0}, []),
    ("ReduceMean", 13, IMAGE, {"axes": [-1]}, []),
    ("ReduceL2", 13, IMAGE, {}, []),
    ("Squeeze", 11, IMAGE, {"axes": [0]}, []),
    ("Squeeze", 11, IMAGE, {}, []),
    ("Unsqueeze", 11, IMAGE, {"axes": [0, 3]}, []),
    ("Split", 11, IMAGE, {"axis": 3, "split": [6]}, []),
    ("Slice", 9, IMAGE, {"starts": [1, -3], "ends": [3, 1000], "axes": [2, 3]}, []),
    ("Slice", 9, IMAGE, {"starts": [0, 1], "ends": [1, 2]}, []),
    ("Clip", 8, IMAGE, {"min": -0.5, "max": 0.75}, []),
    ("Clip", 8, IMAGE, {"max": 0.25}, []),
    ("Pad", 10, IMAGE, {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 1.5}, []),
    ("Pad", 10, IMAGE, {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "mode": "reflect"}, []),
    ("TopK", 9, IMAGE, {"k": 2, "axis": 3}, []),
    ("TopK", 10, IMAGE, {"axis": 2}, [np.array([3])]),
    ("Dropout", 10, IMAGE, {"ratio": 0.3}, []),
    ("Upsample", 7, IMAGE, {"scales": [1.0, 1.0, 2.0, 3.0]}, []),
    ("Upsample", 9, IMAGE, {"mode": "linear"}, [np.array([1, 1, 2, 2], np.float32)]),
    ("Resize", 10, IMAGE, {}, [np.array([1, 1, 0.5, 1.5], np.float32)]),
    ("Resize", 10, IMAGE, {"mode": "linear"}, [np.array([1, 1, 2, 3], np.float32)]),
    ("Resize", 11, IMAGE, {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"},
     [np.array([], np.float32), np.array([1, 1, 1.5, 2.5], np.float32)]),
    ("Resize", 12, IMAGE, {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
     [np.array([], np.float32), np.array([], np.float32), np.array([1, 2, 7, 5])]),
    ("Scatter", 9, (4, 5), {"axis": 1}, [np.array([[0, 2], [4, 1]]), np.ones((2, 2), np.float32)]),
    ("Softmax", 11, IMAGE, {}, []),
    ("Softmax", 11, IMAGE, {"axis": 2}, []),
    ("Softmax", 11, IMAGE, {"axis": 3}, []),
    ("LogSoftmax", 11, IMAGE, {"axis": 0}, []),
    ("Hardmax", 11, IMAGE, {}, []),
    ("GridSample", 16, IMAGE, {}, [np.linspace(-1.1, 1.1, 60, dtype=np.float32).reshape(1, 5, 6, 2)]),
    ("GridSample", 16, IMAGE, {"mode": "bicubic"}, [np.linspace(-0.9, 0.9, 60, dtype=np.float32).reshape(1, 5, 6, 2)]),
    ("RoiAlign", 10, IMAGE, {"output_height": 2, "output_width": 2, "sampling_ratio": 2},
     [np.array([[0.4, 0.3, 3.6, 2.9]], np.float32), np.array([0])]),
    ("DFT", 17, (1, 5, 6, 1), {"axis": 2}, []),
    ("DFT", 17, (1, 5, 6, 2), {"inverse": 1}, []),
    ("MaxPool", 7, IMAGE, {"kernel_shape": [2, 2]}, []),
    ("PRelu", 7, IMAGE, {}, [np.array([[[0.2]], [[-0.3]]], np.float32)]),
    ("BatchNormalization", 8, IMAGE, {"epsilon": 1e-3}, [np.array(v, np.float32) for v in ([1, 2], [3, 4], [0, 1], [1, 2])]),
    ("Range", 11, (), {}, [np.array(9, np.float32), np.array(2, np.float32)]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "opset", "shape", "attributes", "others"), FORMS)
@pytest.mark.parametrize("constant", [True, False])
def test_form(
    op: str, opset: int, shape: tuple[int, ...], attributes: dict[str, Any], others: list[Any], constant: bool
) -> None:
    """The other inputs as constants, and as inputs of the model."""
    x = np.asarray(draw(np.random.default_rng(0), *shape))
    outputs = 2 if op == "TopK" else 1
    proto = node_model(op, [x, *others], attributes, outputs, opset)
    if constant:
        del proto.graph.input[1:]
        proto.graph.initializer.extend(
            onnx.numpy_helper.from_array(array, f"x{n}") for n, array in enumerate(others, 1)
        )
    feeds = {"x0": x} if constant else {f"x{n}": array for n, array in enumerate([x, *others])}
    wanted = ort_run(proto, feeds)
    got = plan(ir.from_proto(onnx.shape_inference.infer_shapes(proto))).load().run(feeds)
    for array, want in zip(got.values(), wanted, strict=True):
        assert (array.dtype, array.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(array, want, rtol=0, atol=5e-6)


def test_coerced_softmax_of_unknown_rank() -> None:
    """Cut into a matrix at run time."""
    text = "(float[2,3,4] x, int64[n] s) => (float[] y) { r = Reshape(x, s) y = Softmax<axis=1>(r) }"
    text = f'<ir_version: 8, opset_import: ["": 11]> g {text}'
    x = draw(np.random.default_rng(0), 2, 3, 4)
    proto = ir.to_proto(ir.from_onnx_text(text))
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    got = plan(ir.from_proto(proto)).load().run({"x": x, "s": np.array([4, 3, 2])})["y"]
    np.testing.assert_allclose(got, ort_run(proto, {"x": x, "s": np.array([4, 3, 2])})[0], rtol=1e-6)


@pytest.mark.parametrize("opset", [1, 6])
def test_what_did_not_change_needs_no_opset(opset: int) -> None:
    x = np.array([True, False])
    program = plan(ir.from_proto(onnx.shape_inference.infer_shapes(node_model("Not", [x], {}, opset=opset))))
    np.testing.assert_array_equal(program.load().run({"x0": x})["y0"], ours("Not", [x], {})[0])


@pytest.mark.parametrize(("op", "opset", "measured"), [
    ("Add", 6, "the operator meant something else before opset 7"),
    ("Scan", 8, "it scans the second axis, once for each item of the first, which no later opset does"),
])  # fmt: skip
def test_forms_that_are_refused(op: str, opset: int, measured: str) -> None:
    x = np.zeros((2, 3), np.float32)
    body = onnx.helper.make_graph([], "b", [], [])
    proto = node_model(op, [x, x], {"body": body, "num_scan_inputs": 1} if op == "Scan" else {}, opset=opset)
    with pytest.raises(UnsupportedOpError) as raised:
        plan(ir.from_proto(proto))
    assert str(raised.value) == (
        f"{op} '' of opset {opset} cannot run in NumPy\n"
        f"  measured: {measured}\n"
        "  do:       export the model in opset 9 or later"
    )


def test_an_attribute_of_another_opset() -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(
        UnsupportedOpError, match=r"^Relu '' cannot run in NumPy\n  measured: attribute slope is none of opset 20\n"
    ):
        plan(ir.from_proto(node_model("Relu", [x], {"slope": 0.5})))
