"""The same model in an older opset: ONNX Runtime must give the same numbers, or the form is refused with a reason."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter.backends import OnnxRuntime
from converter.forms import FORMS, NotExpressible, in_form
from converter.graph import WORKING_OPSET
from tests.onnx_text import graph

RNG = np.random.default_rng(2)
X = RNG.standard_normal((2, 3, 4, 6)).astype(np.float32)

EVERYWHERE = {
    "ReduceMean axes": ("y = ReduceMean<keepdims=0>(x, axes)", {"axes": np.array([-1, 1])}),
    "ReduceSum axes": ("y = ReduceSum(x, axes)", {"axes": np.array([2])}),
    "ReduceMax all": ("y = ReduceMax<keepdims=0>(x)", {}),
    "ReduceL2": ("y = ReduceL2<keepdims=1>(x, axes)", {"axes": np.array([3])}),
    "Squeeze": ("s = ReduceMean(x, one)\n y = Squeeze(s, axes)", {"one": np.array([1]), "axes": np.array([-3])}),
    "Unsqueeze": ("y = Unsqueeze(x, axes)", {"axes": np.array([-1, 0])}),
    "Split by number": ("a, b, c = Split<axis=3, num_outputs=3>(x)\n y = Sum(a, b, c)", {}),
    "Split by sizes": ("y, b = Split<axis=3>(x, sizes)", {"sizes": np.array([2, 4])}),
    "Softmax last": ("y = Softmax(x)", {}),
    "Pad on axes": ("y = Pad(x, pads, , axes)", {"pads": np.array([1, 2]), "axes": np.array([-1])}),
    "Pad on all": ("y = Pad<mode='reflect'>(x, pads)".replace("'", '"'), {"pads": np.array([0, 0, 1, 2, 0, 0, 2, 1])}),
    "Resize": ("y = Resize<mode='linear'>(x, , , sizes)".replace("'", '"'), {"sizes": np.array([2, 3, 8, 9])}),
    "Resize antialias 0": (
        "y = Resize<mode='nearest', antialias=0>(x, , scales)".replace("'", '"'),
        {"scales": np.array([1, 1, 2, 2], np.float32)},
    ),
    "AveragePool": ("y = AveragePool<kernel_shape=[2,2], dilations=[1,1]>(x)", {}),
    "Reshape": ("y = Reshape<allowzero=0>(x, shape)", {"shape": np.array([6, -1])}),
    "Clip": ("y = Clip(x, low, high)", {"low": np.float32(-1), "high": np.float32(1)}),
    "Cast": ("a = Cast<to=6, saturate=1>(x)\n y = Cast<to=1>(a)", {}),
    "Conv": ("y = Conv<kernel_shape=[1,1]>(x, w)", {"w": RNG.standard_normal((2, 3, 1, 1)).astype(np.float32)}),
}


def proto_of(lines, constants):
    """The lines as a model of opset 20, the output's shape inferred."""
    model = ir.to_proto(graph(f"(float[2,3,4,6] x) => (float y) {{ {lines} }}", **constants))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


@pytest.mark.parametrize("opset", FORMS)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_form_gives_the_same_numbers(name, opset):
    model = proto_of(*EVERYWHERE[name])
    expected = OnnxRuntime(model.SerializeToString(), threads=1).run({"x": X})["y"]
    before = model.SerializeToString(deterministic=True)
    older = in_form(model, opset)
    onnx.checker.check_model(older)
    assert [entry.version for entry in older.opset_import] == [opset]
    got = OnnxRuntime(older.SerializeToString(), threads=1).run({"x": X})["y"]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
    assert model.SerializeToString(deterministic=True) == before, "the argument is left as it was"


@pytest.mark.parametrize(
    ("lines", "constants", "opset", "reason"),
    [
        ("y = Gelu(x)", {}, 17, "opset 17 has no Gelu ('n0')"),
        ("y = HardSwish(x)", {}, 13, "opset 13 has no HardSwish ('n0')"),
        ("y = Softmax<axis=1>(x)", {}, 12, "Softmax 'n0' along axis 1 of 4"),
        (
            'y = Resize<mode="linear", antialias=1>(x, , , sizes)',
            {"sizes": np.array([2, 3, 2, 2])},
            17,
            "opset 17's Resize has no attribute 'antialias' ('n0')",
        ),
        (
            "s = Shape(x)\n a = ReduceMax<keepdims=1>(s)\n b = Sub(a, five)\n y = ReduceMean(x, b)",
            {"five": np.array([5])},
            17,
            "ReduceMean 'n3': its axes come from another node",
        ),
    ],
)
def test_what_the_older_opset_cannot_say_is_refused_with_the_reason(lines, constants, opset, reason):
    with pytest.raises(NotExpressible) as refused:
        in_form(proto_of(lines, constants), opset)
    assert str(refused.value) == reason


def test_constants_that_nothing_reads_any_more_are_gone():
    older = in_form(proto_of(*EVERYWHERE["ReduceMean axes"]), 17)
    assert list(older.graph.initializer) == []
    assert list(older.graph.node[0].input) == ["x"]


def test_the_working_opset_is_the_model_itself():
    model = proto_of(*EVERYWHERE["Softmax last"])
    assert in_form(model, WORKING_OPSET) is model
