"""The exporter ladder: names, failures kept, and nothing baked in that should not be."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from converter.errors import ExportError, InputError
from converter.export import LADDER, Input, Rung, climb, export, network
from tests.onnx_text import ort_run

IMAGE = (Input("input", (1, 3, 8, 8)),)


class Mapping(nn.Module):
    def forward(self, x):
        return {"out": x + 1, "aux": [x * 2, None, x * 3]}


class Pair(nn.Module):
    def forward(self, x):
        return x.relu(), x.mean((2, 3))


class Baked(nn.Module):
    """Looks at its data in Python: tracing keeps what the first input gave."""

    def forward(self, x):
        return x * float(x.detach().sum())


class Branch(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x - 1


class Dropping(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5, training=True)


class Stubborn(nn.BatchNorm2d):
    def train(self, mode=True):
        return super().train(True)


class Flattened(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1)


class AnyBatch(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


@pytest.mark.parametrize(
    ("module", "names"),
    [(nn.ReLU(), ("output",)), (Pair(), ("output_0", "output_1")), (Mapping(), ("out", "aux_0", "aux_2"))],
)
def test_outputs_are_named_by_what_forward_returns(module, names):
    assert network(module, IMAGE).outputs == names


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_every_rung_keeps_names_and_numbers_and_holds_its_weights(rung):
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Hardswish(), Pair())
    net = network(module, IMAGE)
    exported = export(net, [rung])
    assert exported.rung == rung.name
    assert [value.name for value in exported.model.graph.input] == ["input"]
    assert [value.name for value in exported.model.graph.output] == ["output_0", "output_1"]
    assert all(t.data_location == onnx.TensorProto.DEFAULT for t in exported.model.graph.initializer)
    x = IMAGE[0].draw(5)
    with torch.no_grad():
        reference = module(torch.from_numpy(x))
    for got, expected in zip(ort_run(exported.model, {"input": x}), reference, strict=True):
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)


def test_a_value_baked_into_the_graph_is_found():
    net = network(Baked(), IMAGE)
    with pytest.raises(ExportError) as error:
        export(net, [rung for rung in LADDER if rung.name.startswith("torchscript")])
    assert (
        "torchscript: ExportError: the torchscript export differs from PyTorch on a second input"
        in error.value.measured
    )


def test_when_all_rungs_fail_every_reason_is_shown():
    def refuse(net, tensors):
        raise RuntimeError("cannot trace this\nsecond line")

    with pytest.raises(ExportError) as error:
        export(network(nn.ReLU(), IMAGE), [Rung("first", refuse), Rung("second", refuse)])
    assert str(error.value) == (
        "no exporter makes an ONNX model of this network\n"
        "  measured: first: RuntimeError: cannot trace this\n"
        "            second: RuntimeError: cannot trace this\n"
        "  do:       look at the first reason: it usually names the line of forward() that cannot be traced"
    )
    assert error.value.exit_code == 3


def test_a_failed_rung_is_remembered_by_the_next():
    def refuse(net, tensors):
        raise RuntimeError("not today")

    exported = export(network(nn.ReLU(), IMAGE), [Rung("first", refuse), LADDER[1]])
    assert exported.failures == {"first": "RuntimeError: not today"}
    assert exported.rung == "torchscript"


def test_climb_offers_the_later_rungs_too():
    assert [found.rung for found in climb(network(nn.ReLU(), IMAGE), LADDER[:2])] == ["dynamo", "torchscript"]


def test_a_branch_on_data_that_both_inputs_take_alike_is_at_least_traced():
    """The second input must be able to take the other branch; here it does, so the trace is refused."""
    module = Branch().eval()
    signs = {float(module(torch.from_numpy(IMAGE[0].draw(seed))).sum() > 0) for seed in (0, 1)}
    if len(signs) == 1:
        pytest.skip("both drawn inputs take the same branch with this NumPy")
    with pytest.raises(ExportError):
        export(network(module, IMAGE), [LADDER[1]])


@pytest.mark.parametrize(("module", "batch"), [(Flattened(), "fixed"), (AnyBatch(), "any")])
def test_a_second_batch_size_tells_whether_the_first_was_baked_in(module, batch):
    assert export(network(module, IMAGE), [LADDER[1]]).batch == batch


def test_random_numbers_in_forward_are_refused():
    with pytest.raises(ExportError) as error:
        network(Dropping(), IMAGE)
    assert (
        error.value.what == "the network gives different numbers on the same input, so nothing can be compared with it"
    )
    assert error.value.measured.startswith("output 'output': two runs differ by ")


def test_eval_mode_is_enforced():
    module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout()).train()
    assert not any(part.training for part in network(module, IMAGE).module.modules())
    with pytest.raises(ExportError, match="the module cannot be put into eval mode"):
        network(nn.Sequential(Stubborn(3)), IMAGE)


def test_an_input_that_the_network_refuses():
    with pytest.raises(InputError) as error:
        network(nn.Conv2d(3, 4, 3), (Input("input", (1, 1, 8, 8)),))
    assert error.value.what == "the network does not take an input of 1x1x8x8"
    assert error.value.measured.startswith(
        "RuntimeError: Given groups=1, weight of size [4, 3, 3, 3], expected input[1, 1, 8, 8]"
    )
    assert error.value.exit_code == 2


def test_a_network_without_tensors():
    class Nothing(nn.Module):
        def forward(self, x):
            return {"shape": x.shape[0]}

    with pytest.raises(ExportError, match="the network returns no tensor"):
        network(Nothing(), IMAGE)


def test_export_prints_nothing(capfd):
    export(network(nn.ReLU(), IMAGE))
    assert capfd.readouterr().out == ""
