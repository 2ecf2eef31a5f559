"""Step 2: a torch module becomes ONNX. A ladder of exporters; each rung's failure is kept and shown when all fail.

A rung counts as climbed only when ONNX Runtime gives PyTorch's numbers on two different inputs: an exporter that baked the
first input's values into the graph fails on the second.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.backends import OnnxRuntime, run_torch
from converter.compare import compare
from converter.errors import ExportError, InputError
from converter.graph import WORKING_OPSET

if TYPE_CHECKING:
    import torch

BAKED_TOLERANCE = 1e-3
"""Only gross differences count here; the gate after conversion is the strict one."""


@dataclass(frozen=True)
class Input:
    """One network input. dtype is a NumPy name."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def draw(self, seed: int) -> np.ndarray:
        """Values such as a network sees: normal noise, or small integers for integer inputs."""
        rng = np.random.default_rng(seed)
        if np.dtype(self.dtype).kind == "f":
            return rng.standard_normal(self.shape).astype(self.dtype)
        return rng.integers(0, 2, self.shape).astype(self.dtype)


@dataclass(frozen=True)
class Network:
    """A module whose forward takes the inputs in order and returns a tuple of tensors, named by `outputs`."""

    module: torch.nn.Module
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    output_shapes: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rung:
    """One way to export."""

    name: str
    run: Callable[[Network, tuple[torch.Tensor, ...]], onnx.ModelProto]


@dataclass(frozen=True)
class Exported:
    """An ONNX model with its weights inside, the rung that made it, and what it cannot do."""

    model: onnx.ModelProto
    """Empty once it was taken."""
    rung: str
    failures: Mapping[str, str]
    batch: str
    """ "any", or "fixed" when the graph has the example's batch size baked in."""
    notes: tuple[str, ...] = field(default=())

    def take(self) -> onnx.ModelProto:
        """The model, which is not kept here any longer: of large weights every copy counts."""
        model = self.model
        object.__setattr__(self, "model", onnx.ModelProto())
        return model


def network(module: torch.nn.Module, inputs: Sequence[Input]) -> Network:
    """Run the module once, name its outputs, and enforce eval mode.

    Outputs are named "output" (one tensor), "output_0", "output_1" (a sequence), or by key (a mapping, such as
    torchvision's {"out": ...}).

    Raises InputError when the module refuses these inputs, ExportError when its numbers change from run to run.
    """
    import torch

    module.eval()
    training = [name or type(part).__name__ for name, part in module.named_modules() if part.training]
    if training:
        raise ExportError(
            "the module cannot be put into eval mode",
            measured=f"still in training mode after eval(): {', '.join(training[:5])}",
            do=("override of .train()/.eval() in these modules must switch dropout and batch-norm to inference",),
        )
    tensors = tuple(torch.from_numpy(given.draw(0)) for given in inputs)
    try:
        with torch.inference_mode(), _quiet():
            result, again = module(*(t.clone() for t in tensors)), module(*(t.clone() for t in tensors))
    except Exception as error:  # whatever a user's module raises
        shapes = ", ".join("x".join(map(str, given.shape)) for given in inputs)
        raise InputError(
            f"the network does not take an input of {shapes}",
            measured=f"{type(error).__name__}: {_first_line(error)}",
            do=("give the shape it was trained with, batch first: --input 1x3x224x224 (once for each input)",),
        ) from error
    first, second = flatten(result), flatten(again)
    for name, tensor in first.items():
        if not torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(second[name])):
            raise ExportError(
                "the network gives different numbers on the same input, so nothing can be compared with it",
                measured=f"output {name!r}: two runs differ by {float((tensor - second[name]).abs().max()):.3g} in eval mode",
                do=("look for dropout called with training=True, or random numbers drawn in forward()",),
            )
    return Network(_Flat(module), tuple(inputs), tuple(first), tuple(tuple(t.shape) for t in first.values()))


def flatten(result: Any, name: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a module's result, by name. None and non-tensors are left out.

    Raises ExportError when there is no tensor at all.
    """
    found = dict(_leaves(result, name))
    if not found:
        raise ExportError(
            "the network returns no tensor",
            measured=f"forward() returned {type(result).__name__}",
            do=("wrap the module so that forward() returns a tensor, a tuple or a dict of tensors",),
        )
    return found


def _leaves(result: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(result, torch.Tensor):
        yield name or "output", result
    elif isinstance(result, Mapping):
        for key, value in result.items():
            yield from _leaves(value, f"{name}_{key}" if name else str(key))
    elif isinstance(result, list | tuple):
        keys = getattr(result, "_fields", range(len(result)))
        for key, value in zip(keys, result, strict=True):
            single = len(result) == 1 and not name
            yield from _leaves(value, "" if single else f"{name or 'output'}_{key}")


def _Flat(module: torch.nn.Module) -> torch.nn.Module:  # noqa: N802 - it makes a class's instance
    """The module, returning a flat tuple of tensors."""
    import torch

    class Flat(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(flatten(self.network(*inputs)).values())

    return Flat().eval()


def _dynamo(optimize: bool) -> Callable[[Network, tuple[torch.Tensor, ...]], onnx.ModelProto]:
    def run(net: Network, tensors: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
        import torch

        program = torch.onnx.export(
            net.module,
            tensors,
            dynamo=True,
            opset_version=WORKING_OPSET,
            input_names=[given.name for given in net.inputs],
            output_names=list(net.outputs),
            optimize=optimize,
            verbose=False,
        )
        assert program is not None
        return program.model_proto

    return run


def _torchscript(opset: int) -> Callable[[Network, tuple[torch.Tensor, ...]], onnx.ModelProto]:
    def run(net: Network, tensors: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
        import torch

        file = io.BytesIO()
        torch.onnx.export(
            net.module,
            tensors,
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=opset,
            input_names=[given.name for given in net.inputs],
            output_names=list(net.outputs),
            do_constant_folding=True,
        )
        return onnx.load_from_string(file.getvalue())

    return run


LADDER: tuple[Rung, ...] = (
    Rung("dynamo", _dynamo(optimize=True)),  # torch's default
    Rung("torchscript", _torchscript(WORKING_OPSET)),  # exports modules that torch.export cannot trace
    Rung("torchscript-17", _torchscript(17)),  # other symbolic functions: some ops only export below opset 18
    Rung("dynamo-plain", _dynamo(optimize=False)),  # torch's own graph optimiser is the one that fails on some graphs
)


def climb(net: Network, ladder: Sequence[Rung] = LADDER) -> Iterator[Exported]:
    """Every export that gives PyTorch's numbers, best first, made when asked for.

    Raises ExportError, with every rung's reason, when none does.
    """
    failures: dict[str, str] = {}
    climbed = False
    for rung in ladder:
        try:
            exported = attempt(net, rung, failures)
        except Exception as error:  # exporters raise anything; each is a measurement
            failures[rung.name] = f"{type(error).__name__}: {_first_line(error)}"
            continue
        climbed = True
        yield exported
    if not climbed:
        raise ExportError(
            "no exporter makes an ONNX model of this network",
            measured="\n".join(f"{name}: {reason}" for name, reason in failures.items()),
            do=("look at the first reason: it usually names the line of forward() that cannot be traced",),
        )


def export(net: Network, ladder: Sequence[Rung] = LADDER) -> Exported:
    """The first export of the ladder that gives PyTorch's numbers. Raises ExportError when none does."""
    return next(climb(net, ladder))


def attempt(net: Network, rung: Rung, failures: Mapping[str, str]) -> Exported:
    """Export on one rung and hold the result to PyTorch's numbers on two inputs. Raises ExportError if it differs."""
    import torch

    tensors = tuple(torch.from_numpy(given.draw(0)) for given in net.inputs)
    with warnings.catch_warnings(record=True) as caught, _quiet(), torch.no_grad():
        warnings.simplefilter("always")
        model = rung.run(net, tensors)
    session = OnnxRuntime.of(ir.from_proto(model))
    for seed, what in ((0, "the example input"), (1, "a second input: a value of the first was baked in")):
        sample = {given.name: given.draw(seed) for given in net.inputs}
        reference = run_torch(net.module, sample, net.outputs)
        got = session.run(sample)
        for name, array in reference.items():
            difference = compare(got[name], array)
            if not difference <= BAKED_TOLERANCE:
                raise ExportError(
                    f"the {rung.name} export differs from PyTorch on {what}",
                    measured=f"output {name!r}: {difference}",
                    do=("try another exporter",),
                )
    frozen = sum(issubclass(w.category, torch.jit.TracerWarning) for w in caught)
    notes = (
        (f"tracing took {frozen} Python values for constants; a second input still gave PyTorch's numbers",)
        if frozen
        else ()
    )
    return Exported(model, rung.name, dict(failures), _batch(net, model), notes)


def _batch(net: Network, model: onnx.ModelProto) -> str:
    """Whether the graph takes another batch size and still gives PyTorch's numbers."""
    size = net.inputs[0].shape[0] + 1 if net.inputs[0].shape else 0
    if not size or any(given.shape[:1] != net.inputs[0].shape[:1] for given in net.inputs):
        return "fixed"
    larger = tuple(Input(given.name, (size, *given.shape[1:]), given.dtype) for given in net.inputs)
    sample = {given.name: given.draw(2) for given in larger}
    try:
        reference = run_torch(net.module, sample, net.outputs)
        got = OnnxRuntime.of(ir.from_proto(with_batch(model, size))).run(sample)
        same = all(compare(got[name], array) <= BAKED_TOLERANCE for name, array in reference.items())
    except Exception:  # the network, or the graph, refuses this size: that is the answer
        return "fixed"
    return "any" if same else "fixed"


def with_batch(model: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """A copy that declares another batch size; every other shape is left for inference."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    initializers = {tensor.name for tensor in copy.graph.initializer}
    for value in copy.graph.input:
        if value.name not in initializers:
            value.type.tensor_type.shape.dim[0].dim_value = size
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    del copy.graph.value_info[:]
    return copy


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Exporters print to standard output, which belongs to our results, and log what they also raise."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__
    text = lines[0] if lines else type(error).__name__
    if cause is not None and str(cause).strip():
        text += f" ({type(cause).__name__}: {str(cause).strip().splitlines()[0]})"
    return text if len(text) <= 300 else text[:299] + "…"


__all__ = ["LADDER", "Exported", "Input", "Network", "Rung", "climb", "export", "flatten", "network"]
