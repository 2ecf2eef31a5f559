"""The same network in four runtimes: arrays in by name, arrays out by name.

torch, onnxruntime and cv2 are imported where they are used; cv2 only ever runs in a child process (`opencv.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx_ir as ir

from converter.opencv import OpenCVRun, OpenCVWorker
from converter.targets import Target
from converter.wire import Weights, weightless

if TYPE_CHECKING:
    import torch

    from converter.numpy_runtime import Program

Arrays = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]


def run_torch(module: torch.nn.Module, sample: Arrays, outputs: Sequence[str]) -> Outputs:
    """PyTorch's own answer, in eval mode without gradients. `module` returns a tuple in the order of `outputs`."""
    import torch

    with torch.inference_mode():
        # a copy: a module may write into its input
        results = module(*(torch.from_numpy(np.array(array)) for array in sample.values()))
    return {name: result.numpy() for name, result in zip(outputs, results, strict=True)}


class OnnxRuntime:
    """An ONNX Runtime session with its optimiser off, so that what runs is what the file says."""

    def __init__(self, model: bytes | Path, *, weights: Weights | None = None, threads: int = 0) -> None:
        """`model` may lack the `weights` (see `wire.weightless`): then each is in memory once, and not four times."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4  # what goes wrong arrives as an exception
        options.intra_op_num_threads = threads
        values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(tensor.numpy()) for name, tensor in (weights or {}).items()
        }
        if values:
            options.add_external_initializers(list(values), list(values.values()))
        file = str(model) if isinstance(model, Path) else model
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self._session.get_outputs()]

    @classmethod
    def of(cls, model: ir.Model, extra_outputs: Sequence[str] = ()) -> OnnxRuntime:
        """A session for a graph in memory; `extra_outputs` names inner values that are to be had as well."""
        proto, weights = weightless(model)
        outputs = {output.name for output in proto.graph.output}
        proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in extra_outputs if name not in outputs)
        return cls(proto.SerializeToString(), weights=weights)

    def run(self, sample: Arrays, outputs: Sequence[str] | None = None) -> Outputs:
        """The named outputs (default: all)."""
        names = list(outputs or self.outputs)
        return dict(zip(names, self._session.run(names, dict(sample)), strict=True))


def run_onnxruntime(model: bytes, samples: Sequence[Arrays]) -> list[Outputs]:
    """ONNX Runtime's answers for a serialized model. From a file: of bytes it makes a further copy."""
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(model)
        session = OnnxRuntime(file)
    return [session.run(sample) for sample in samples]


def run_opencv(
    model: bytes, samples: Sequence[Arrays], outputs: Sequence[str], target: Target, *, timeout: float = 300.0
) -> OpenCVRun:
    """cv2.dnn's answers in the target's interpreter, or how it failed. `timeout` in seconds."""
    with OpenCVWorker(target, timeout=timeout) as worker:
        return worker.run(model, samples, outputs)


def run_numpy(program: Program, samples: Sequence[Arrays]) -> list[Outputs]:
    """The generated numpy_model.py's answers: the same source that the bundle carries."""
    loaded = program.load()
    return [dict(loaded.run(dict(sample))) for sample in samples]
