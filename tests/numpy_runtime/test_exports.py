"""Whole small networks as the exporters and the quantiser write them: loops, branches, recurrent and quantised layers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch

from converter.numpy_runtime import Program, plan
from tests.onnx_text import ort_run


def by_torchscript(module: torch.nn.Module, *inputs: torch.Tensor, folder: Path, opset: int = 17) -> onnx.ModelProto:
    path = folder / "model.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(module, inputs, str(path), dynamo=False, opset_version=opset)
    return onnx.load(path)


def same_as_torch(proto: onnx.ModelProto, module: torch.nn.Module, *inputs: torch.Tensor) -> Program:
    program = plan(ir.from_proto(proto))
    named = {info.name: x.numpy() for info, x in zip(program.inputs, inputs, strict=True)}
    with torch.no_grad():
        wanted = module(*inputs)
    for got, want in zip(
        program.load().run(named).values(), [wanted] if torch.is_tensor(wanted) else wanted, strict=True
    ):
        assert got.shape == tuple(want.shape)
        np.testing.assert_allclose(got, want.numpy(), atol=5e-6)
    return program


class Reader(torch.nn.Module):
    """Text recognition in miniature: the columns of a feature map as a sequence."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(1, 6, (8, 3), padding=(0, 1))
        self.layer = kind(6, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.head = torch.nn.Linear(10, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        columns = self.features(x).squeeze(2).transpose(1, 2)
        return self.head(self.layer(columns)[0]).log_softmax(-1)


@pytest.mark.parametrize("kind", [torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM])
def test_recurrent_layers(kind: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, x = Reader(kind).eval(), torch.randn(1, 1, 8, 12)
    proto = by_torchscript(module, x, folder=tmp_path)
    assert kind.__name__ in {node.op_type for node in proto.graph.node}
    same_as_torch(proto, module, x)


class Repeated(torch.nn.Module):
    def forward(self, x: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        kept = []
        for number in range(count):
            x = torch.tanh(x) * 2 - 0.1 * number if bool(x.sum() > 0) else x + 1
            kept.append(x.mean(0))
        return x, torch.stack(kept)


@pytest.mark.parametrize("count", [1, 2, 6])
def test_scripted_loops_and_branches(count: int, tmp_path: Path) -> None:
    """With a list that grows in the loop, and a branch in it that depends on the numbers."""
    module: Any = torch.jit.script(Repeated())
    x, times = torch.linspace(-4, 3, 12).reshape(3, 4), torch.tensor(count)
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x, times), str(path), dynamo=False, opset_version=17)
    program = plan(ir.from_proto(onnx.load(path)))
    named = dict(zip((info.name for info in program.inputs), (x.numpy(), times.numpy()), strict=True))
    for got, want in zip(program.load().run(named).values(), module(x, count), strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol=2e-6)
    assert "for " in program.source.split("def forward", 1)[1]


class Branching(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.mean() > 0, lambda x: torch.relu(x) * 2, lambda x: x.abs().sqrt(), (x,))  # type: ignore[no-any-return]


def test_a_branch_of_the_newer_exporter() -> None:
    module, x = Branching(), torch.linspace(-1, 2, 12).reshape(3, 4)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(module, (x,), dynamo=True, opset_version=20, verbose=False)
    assert exported is not None
    proto = ir.to_proto(exported.model)
    assert "If" in {node.op_type for node in proto.graph.node}
    for value in (x, -x):
        same_as_torch(proto, module, value)


class Images:
    """What the quantiser looks at."""

    def __init__(self, name: str, arrays: list[np.ndarray]) -> None:
        self._left = [{name: array} for array in arrays]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self._left.pop() if self._left else None


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_a_quantised_network(form: str, per_channel: bool, tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, 1, 1, groups=8), torch.nn.ReLU(),
              torch.nn.Conv2d(8, 12, 1), torch.nn.Flatten(), torch.nn.Linear(12 * 36, 5)]  # fmt: skip
    module = torch.nn.Sequential(*layers).eval()
    images = [torch.randn(1, 3, 12, 12) for _ in range(4)]
    by_torchscript(module, images[0], folder=tmp_path)
    name = onnx.load(tmp_path / "model.onnx").graph.input[0].name
    quantize_static(
        tmp_path / "model.onnx",
        tmp_path / "quantised.onnx",
        Images(name, [image.numpy() for image in images]),
        quant_format=QuantFormat[form],
        op_types_to_quantize=["Conv"] if form == "QOperator" else None,  # there it has a Gemm of its own domain
        per_channel=per_channel,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
    )
    proto = onnx.load(tmp_path / "quantised.onnx")
    found = {node.op_type for node in proto.graph.node}
    assert ("QLinearConv" if form == "QOperator" else "DequantizeLinear") in found
    program = plan(ir.from_proto(proto))
    for image in images:
        wanted = ort_run(proto, {name: image.numpy()})[0]
        (got,) = program.load().run({name: image.numpy()}).values()
        step = float(np.ptp(wanted)) / 50  # roundings that fall the other way move a result by a few of its 256 steps
        np.testing.assert_allclose(got, wanted, atol=step)
        with torch.no_grad():
            np.testing.assert_allclose(got, module(image).numpy(), atol=0.1)
