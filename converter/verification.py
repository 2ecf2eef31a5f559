"""Step 6: the same inputs through PyTorch, ONNX Runtime, cv2.dnn on each target, and NumPy; the comparison; the gate.

The gate, per output: max |difference| over max |PyTorch's output| at most the tolerance, and the same arg-max wherever
PyTorch's own margin is larger than what the tolerance allows. NaN and infinity count as failures.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from converter.backends import Arrays, Outputs, run_numpy, run_onnxruntime, run_torch
from converter.compare import compare
from converter.errors import ConversionError
from converter.export import Input, Network
from converter.islands import Plan, mechanisms, plan_islands, render_islands
from converter.numpy_runtime import Program
from converter.opencv import IslandFiles, OpenCVRun, OpenCVWorker
from converter.targets import Target

ARGMAX_TASKS = ("classification", "segmentation")
"""Their outputs are scores of classes: the same one has to come first."""

TOLERANCE = 1e-4
MINIMUM_SAMPLES = 4


@dataclass(frozen=True)
class Sample:
    """One set of inputs, with what it is made of, and PyTorch's outputs."""

    name: str
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Check:
    """One backend against PyTorch. `errors` is sample -> output -> relative error; infinity where it cannot be compared."""

    backend: str
    """ "onnxruntime", "numpy" or "opencv" """
    target: str | None
    status: str
    """ "ok", "wrong", or how it failed: "fails at load", "fails at run", "crashes", "timeout" """
    errors: Mapping[str, Mapping[str, float]]
    top1: float | None
    """Share of arg-maxes that agree, among those that PyTorch decides by more than the tolerance; None without a class axis."""
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    @property
    def worst(self) -> float:
        return max((error for outputs in self.errors.values() for error in outputs.values()), default=math.inf)

    @property
    def name(self) -> str:
        return (
            f"OpenCV {self.target}" if self.target else {"numpy": "NumPy", "onnxruntime": "ONNX Runtime"}[self.backend]
        )

    def __str__(self) -> str:
        if self.errors:
            agreement = "" if self.top1 is None else f", arg-max {self.top1:.2%}"
            return f"{self.name}: {self.status}, relative error {self.worst:.2e}{agreement}"
        return f"{self.name}: {self.status}: {self.reason}"


@dataclass(frozen=True)
class Verification:
    """Every backend's check, on the same samples."""

    samples: tuple[Sample, ...]
    checks: tuple[Check, ...]
    tolerance: float

    def of(self, backend: str, target: str | None = None) -> Check:
        return next(c for c in self.checks if c.backend == backend and c.target == target)


def draw_samples(net: Network, photos: Mapping[str, Arrays]) -> tuple[Sample, ...]:
    """Real photographs as the network would see them, noise, zeros, large and negative values; with PyTorch's answers.

    A sample on which PyTorch itself gives NaN or infinity proves nothing and is left out.
    Raises ConversionError when fewer than four are left.
    """
    noise = {given.name: given.draw(11) for given in net.inputs}
    drawn: dict[str, Arrays] = {
        **photos,
        "noise": noise,
        "zeros": {name: np.zeros_like(array) for name, array in noise.items()},
        "large": _floats(net.inputs, noise, lambda a: a * 10),
        "negative": _floats(net.inputs, {g.name: g.draw(12) for g in net.inputs}, lambda a: -np.abs(a)),
    }
    samples, refused = [], []
    for name, inputs in drawn.items():
        outputs = run_torch(net.module, inputs, net.outputs)
        if all(np.isfinite(array).all() for array in outputs.values()):
            samples.append(Sample(name, inputs, outputs))
        else:
            refused.append(name)
    if len(samples) < MINIMUM_SAMPLES:
        raise ConversionError(
            "PyTorch's own output is not finite, so nothing can be compared with it",
            measured=f"NaN or infinity on: {', '.join(refused)}; finite on {len(samples)} inputs, {MINIMUM_SAMPLES} needed",
            do=("check the weights and the input range: is this the trained checkpoint?",),
        )
    return tuple(samples)


def _floats(inputs: Sequence[Input], arrays: Arrays, change: object) -> Arrays:
    """The change applied to float inputs only: an index must stay in its range."""
    assert callable(change)
    kinds = {given.name: np.dtype(given.dtype).kind for given in inputs}
    return {n: change(a).astype(a.dtype) if kinds[n] == "f" else a for n, a in arrays.items()}


def verify_exact(
    model: bytes, program: Program, samples: Sequence[Sample], tolerance: float, argmax: bool
) -> list[Check]:
    """ONNX Runtime and NumPy: the two that have to be right whatever the target."""
    inputs = [sample.inputs for sample in samples]
    return [
        _check("onnxruntime", None, run_onnxruntime(model, inputs), samples, tolerance, argmax),
        verify_numpy(program, samples, tolerance, argmax),
    ]


def verify_numpy(program: Program, samples: Sequence[Sample], tolerance: float, argmax: bool) -> Check:
    """The program in this process, as it would be written."""
    outputs = run_numpy(program, [sample.inputs for sample in samples])
    return _check("numpy", None, outputs, samples, tolerance, argmax)


def verify_opencv(
    model: bytes,
    target: Target,
    samples: Sequence[Sample],
    tolerance: float,
    argmax: bool,
    *,
    islands: IslandFiles | None = None,
    timeout: float = 600.0,
) -> Check:
    """The whole model on one target, in a child process of its interpreter."""
    names = list(samples[0].outputs)
    with OpenCVWorker(target, timeout=timeout) as worker:
        run: OpenCVRun = worker.run(model, [sample.inputs for sample in samples], names, islands=islands)
    if run.status != "ran":
        return Check("opencv", target.name, run.status, {}, None, run.error)
    return _check("opencv", target.name, list(run.outputs), samples, tolerance, argmax)


def verify_islands(
    working: onnx.ModelProto,
    model: bytes,
    target: Target,
    nodes: Sequence[str],
    samples: Sequence[Sample],
    tolerance: float,
    argmax: bool,
) -> tuple[Check, Plan]:
    """The whole model on one target with these nodes as islands, and how: the first way that gives the right numbers.

    working: the model in the working opset; model: as it was written. When no way is right, the last one's check.
    """
    for mechanism in mechanisms(target):
        plan = plan_islands(target, mechanism, working, model, nodes)
        with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
            render_islands([plan]).save(Path(folder))
            files = IslandFiles(Path(folder), target.name)
            check = verify_opencv(model, target, samples, tolerance, argmax, islands=files)
        if check.ok:
            break
    return check, plan


def _check(
    backend: str, target: str | None, got: Sequence[Outputs], samples: Sequence[Sample], tolerance: float, argmax: bool
) -> Check:
    errors: dict[str, dict[str, float]] = {}
    reasons: list[str] = []
    agreements: list[float] = []
    for sample, outputs in zip(samples, got, strict=True):
        errors[sample.name] = {}
        for name, reference in sample.outputs.items():
            difference = compare(outputs[name], reference, reshape=backend == "opencv")
            errors[sample.name][name] = difference.relative
            if not difference <= tolerance:
                reasons.append(f"{name} on {sample.name}: {difference}")
            elif argmax and (share := argmax_agreement(outputs[name], reference, tolerance)) is not None:
                agreements.append(share)
    top1 = min(agreements) if agreements else None
    if top1 is not None and top1 < 1:
        reasons.append(f"the arg-max differs in {1 - top1:.2%} of the decided places")
    return Check(backend, target, "wrong" if reasons else "ok", errors, top1, "; ".join(reasons))


def argmax_agreement(got: np.ndarray, reference: np.ndarray, tolerance: float) -> float | None:
    """The share of places (along axis 1) with the same arg-max, among those that the reference decides.

    A place is decided when the reference's best beats its second by more than what the tolerance lets both move. None when
    there is no class axis, or nothing is decided.
    """
    if reference.ndim < 2 or reference.shape[1] < 2:
        return None
    got = got.reshape(reference.shape)
    top = np.sort(reference, axis=1)
    decided = (top[:, -1] - top[:, -2]) > 2 * tolerance * max(float(np.abs(reference).max()), 1e-30)
    if not decided.any():
        return None
    return float((got.argmax(1) == reference.argmax(1))[decided].mean())
