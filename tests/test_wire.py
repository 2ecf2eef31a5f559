"""Models taken apart and put together again: byte for byte what protobuf writes."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter.backends import OnnxRuntime
from converter.forms import in_form
from converter.graph import cut
from converter.passes import simplify
from converter.wire import LARGE, chunks, join, weightless
from tests.onnx_text import graph

TEXT = (
    "(float[1,3,8,8] x) => (float[1,10] y) { a = Conv(x, w, b)\nr = ReduceMean<keepdims=0>(a, axes)\ny = Gemm(r, g) }"
)


def model(dtype=np.float32):
    rng = np.random.default_rng(0)
    constants = {"w": (64, 3, 3, 3), "b": (64,), "g": (64, 10)}
    drawn = {name: rng.standard_normal(shape).astype(dtype) for name, shape in constants.items()}
    return graph(TEXT, axes=np.array([2, 3]), **drawn)


def held_as_arrays():
    return simplify(ir.to_proto(model())).model


@pytest.mark.parametrize("made", [model, held_as_arrays])
def test_the_bytes_are_those_of_protobuf(made):
    whole = made()
    expected = ir.to_proto(whole).SerializeToString(deterministic=True)
    light, weights = weightless(whole)
    assert set(weights) == {
        value.name for value in whole.graph.initializers.values() if value.const_value.nbytes > LARGE
    }
    assert len(weights) == 1
    assert (
        len(light.SerializeToString()) < len(expected) - 6912 + 100
    )  # 64*3*3*3 numbers, and what says that they are elsewhere
    assert join(light, weights) == expected
    assert max(map(len, chunks(light, weights))) < len(expected)
    assert ir.to_proto(whole).SerializeToString(deterministic=True) == expected, "the model itself is as it was"


def test_every_field_of_a_model_stays_in_its_place():
    light, weights = weightless(model())
    light.producer_name, light.domain, light.doc_string, light.model_version = "someone", "a.b", "text", 7
    light.metadata_props.add(key="k", value="v")
    light.graph.doc_string = "text"
    light.graph.value_info.append(onnx.helper.make_tensor_value_info("a", 1, [1, 64, 6, 6]))
    light.graph.metadata_props.add(key="k", value="v")
    whole = onnx.ModelProto()
    whole.CopyFrom(light)
    for tensor in whole.graph.initializer:
        if tensor.name in weights:
            for field in ("external_data", "data_location"):
                tensor.ClearField(field)
            tensor.raw_data = weights[tensor.name].tobytes()
    assert join(light, weights) == whole.SerializeToString(deterministic=True)


def test_a_part_in_an_older_form():
    whole = model()
    weights = {}
    light = cut(list(whole.graph), weights=weights)
    assert len(weights) == 1
    older = onnx.load_from_string(join(in_form(light, 13), weights))
    assert older == in_form(cut(list(whole.graph)), 13)
    onnx.checker.check_model(older, full_check=True)


def test_onnx_runtime_takes_the_weights_beside_the_model():
    whole = model()
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = OnnxRuntime(ir.to_proto(whole).SerializeToString()).run({"x": x})
    session = OnnxRuntime.of(whole, ["a"])
    got = session.run({"x": x}, ["y", "a"])
    np.testing.assert_array_equal(got["y"], expected["y"])
    assert got["a"].shape == (1, 64, 6, 6)
