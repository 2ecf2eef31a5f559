"""ONNX's own cases: which of them count, and what is a parameter."""

import numpy as np
import onnx
import pytest

from converter.support.cases import onnx_nodes
from tests.onnx_text import ort_run
from tests.support.cases.drawn import family, fingerprint


@pytest.fixture(scope="module")
def cases():
    return {case.name: case for case in family("onnx_nodes")}


def test_the_plain_ones_are_as_many_as_were_counted(cases):
    """1,619 of the 1,884 in onnx 1.23.2; other versions have others."""
    fed = [name for name in cases if name.endswith("/inputs")]
    constant = [name for name in cases if name.endswith("/constants")]
    assert len(fed) + len(constant) == len(cases)
    assert len(constant) >= 650
    if onnx.__version__ == "1.23.2":
        assert len(fed) == 1_619


def test_models_are_valid(cases):
    for name, case in cases.items():
        if name.endswith("/constants"):
            onnx.checker.check_model(case.model)


def test_the_inputs_are_those_of_the_model(cases):
    for case in cases.values():
        (sample,), (expected,) = case.samples, case.expected
        assert [info.name for info in case.model.graph.input] == list(sample), case.name
        assert [info.name for info in case.model.graph.output] == list(expected), case.name
        for info in case.model.graph.input:
            shape = tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
            assert shape == sample[info.name].shape, case.name


@pytest.mark.parametrize(
    ("name", "fed"),
    [
        ("basic_conv_with_padding", {"x"}),
        ("batchnorm_example", {"x"}),
        ("clip_example", {"x"}),
        ("gather_0", {"data"}),
        ("gemm_all_attributes", {"a"}),
        ("layer_normalization_default_axis", {"X"}),
        ("layer_normalization_default_axis_expanded", {"X"}),
        ("lstm_with_peepholes", {"X", "initial_h", "initial_c"}),
        ("matmul_3d", {"a"}),
        ("prelu_broadcast", {"x"}),
        ("reduce_sum_default_axes_keepdims_example", {"data"}),
        ("reshape_negative_dim", {"data"}),
        ("resize_upsample_scales_nearest", {"X"}),
        ("scatternd", {"data", "updates"}),
        ("slice", {"x"}),
        ("top_k", {"x"}),
    ],
)
def test_parameters_become_constants(cases, name, fed):
    case = cases[f"onnx/{name}/constants"]
    assert set(case.samples[0]) == fed
    known = {tensor.name for tensor in case.model.graph.initializer}
    assert fed | known == set(cases[f"onnx/{name}/inputs"].samples[0])


@pytest.mark.parametrize("name", ["add", "relu", "where_example", "range_float_type_positive_delta", "and2d"])
def test_without_parameters_there_is_one_form(cases, name):
    assert f"onnx/{name}/inputs" in cases
    assert f"onnx/{name}/constants" not in cases


def test_both_forms_are_the_same_function(cases):
    """ONNX Runtime gives the expected for constants as for inputs."""
    for name in list(cases)[::23]:
        case = cases[name]
        if not name.endswith("/constants") or not {"gather", "slice", "reshape"} & set(name.split("/")[1].split("_")):
            continue
        for want, got in zip(case.expected[0].values(), ort_run(case.model, dict(case.samples[0])), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6, err_msg=name)


def test_collecting_again_gives_the_same(cases):
    """onnx keeps what it collected, and draws its values from NumPy's global generator."""
    before = np.random.get_state()[1][0]
    assert fingerprint(onnx_nodes.cases()) == fingerprint(cases.values())
    assert np.random.get_state()[1][0] == before
