"""What PyTorch's own numbers are worth: a network can be so steep at an input that float32 itself does not fix its output.

A constant picture through a normalisation of its variance is such an input: every correct float32 runtime then gives other
digits, and comparing them at a tolerance below PyTorch's own rounding proves nothing about any of them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from converter.backends import OnnxRuntime, run_torch
from converter.compare import NEGLIGIBLE, compare

if TYPE_CHECKING:
    import onnx
    import torch

    from converter.export import Network
    from converter.verification import Sample

CERTAIN = 1 / 8
"""PyTorch's float32 must lie within this share of the tolerance of its own float64 for a sample to count."""

DRAWS = 4
"""How often float32 is asked, each time with the input's last bits drawn anew: one answer may be near the truth by chance."""

FAINTER = (1 / 2, 1 / 4, 1 / 8, 1 / 16)
"""What stands in for an input on which float32 decides nothing: the same at this share of its size."""


def dependable(
    net: Network, samples: Sequence[Sample], model: onnx.ModelProto, tolerance: float, minimum: int
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """The samples on which PyTorch's float32 output is certain to well within the tolerance, and a note for each other one.

    `model`: an export of the network. Only where ONNX Runtime, which computes what the file says, is not well within the
    tolerance is PyTorch asked in float64. A fainter sample stands in for an uncertain one. When none of them is certain either,
    it is left out; but at least `minimum` samples are kept, the most certain ones.
    """
    session = OnnxRuntime.of(ir.from_proto(model))
    exact = Exact(net)
    kept: list[Sample | None] = []
    uncertain: dict[int, float] = {}
    notes = []
    for position, sample in enumerate(samples):
        kept.append(sample)
        got = session.run(sample.inputs)
        if all(compare(got[name], array) <= tolerance * CERTAIN for name, array in sample.outputs.items()):
            continue
        error = exact.rounding(sample)
        if error is None or error <= tolerance * CERTAIN:
            continue
        note = (
            f"{sample.name}: PyTorch's own float32 is {error:.1e} off its float64 there, "
            f"so this input proves nothing at {tolerance:g}"
        )
        if (calm := _fainter(net, sample, exact, session, tolerance)) is not None:
            kept[position] = calm
            notes.append(f"{note}; {calm.name} stands in for it")
        else:
            uncertain[position] = error
            notes.append(note)
    for position in sorted(uncertain, key=lambda p: -uncertain[p])[: max(len(samples) - minimum, 0)]:
        kept[position] = None
    return tuple(sample for sample in kept if sample is not None), (*notes, *faded(samples))


def _fainter(net: Network, sample: Sample, exact: Exact, session: OnnxRuntime, tolerance: float) -> Sample | None:
    """The sample at the largest share of its size at which float32 is certain; None when there is none.

    ONNX Runtime has to agree as well: what has no digits to lose, as a constant picture, can look certain by chance.
    """
    for share in FAINTER:
        inputs = {
            name: (array * array.dtype.type(share) if array.dtype.kind == "f" else array)
            for name, array in sample.inputs.items()
        }
        calm = replace(
            sample,
            name=f"{sample.name} at 1/{round(1 / share)}",
            inputs=inputs,
            outputs=run_torch(net.module, inputs, net.outputs),
        )
        error, got = exact.rounding(calm), session.run(inputs)
        agreed = all(compare(got[name], array) <= tolerance * CERTAIN for name, array in calm.outputs.items())
        if agreed and error is not None and error <= tolerance * CERTAIN:
            return calm
    return None


class Exact:
    """The network in float64, made when it is first asked."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self._module: torch.nn.Module | None = None

    def rounding(self, sample: Sample) -> float | None:
        """max |float32 - float64| over max |float64| of PyTorch's own outputs, the worst of `DRAWS`.

        None for a module that cannot run in float64.
        """
        import torch

        try:
            self._module = self._module or copy.deepcopy(self.net.module).double()
            feeds = [torch.from_numpy(np.array(array)) for array in sample.inputs.values()]
            with torch.inference_mode():
                outputs = self._module(*(feed.double() if feed.is_floating_point() else feed for feed in feeds))
        except Exception:  # a module may insist on its dtype in any way; then nothing is known, and the sample stays
            return None
        truth = {name: output.numpy() for name, output in zip(self.net.outputs, outputs, strict=True)}
        rng = np.random.default_rng(0)
        found = [sample.outputs]
        for _ in range(DRAWS - 1):
            drawn = {
                name: (array * (1 + rng.uniform(-1, 1, array.shape) * np.finfo(array.dtype).eps)).astype(array.dtype)
                if array.dtype.kind == "f"
                else array
                for name, array in sample.inputs.items()
            }
            found.append(run_torch(self.net.module, drawn, self.net.outputs))
        return max(
            compare(array.astype(np.float64), truth[name]).relative
            for outputs in found
            for name, array in outputs.items()
        )


def faded(samples: Sequence[Sample]) -> tuple[str, ...]:
    """A note for each output that is too small on every sample to say anything."""
    largest: dict[str, float] = {}
    for sample in samples:
        for name, array in sample.outputs.items():
            size = np.nan_to_num(np.abs(array.astype(np.float64)), nan=np.inf).max(initial=0.0)
            largest[name] = max(largest.get(name, 0.0), float(size))
    return tuple(
        f"output {name!r} is at most {size:.1e} on every sample, so its comparison proves little: are the weights trained?"
        for name, size in largest.items()
        if size < NEGLIGIBLE
    )
