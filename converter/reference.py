"""What PyTorch's own numbers are worth: a network can be so steep at an input that float32 itself does not fix its output.

A constant picture through a normalisation of its variance is such an input: every correct float32 runtime then gives other
digits, and comparing them at a tolerance below PyTorch's own rounding proves nothing about any of them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from converter.backends import OnnxRuntime
from converter.compare import NEGLIGIBLE, compare

if TYPE_CHECKING:
    import onnx

    from converter.export import Network
    from converter.verification import Sample

CERTAIN = 1 / 8
"""PyTorch's float32 must lie within this share of the tolerance of its own float64 for a sample to count."""


def dependable(
    net: Network, samples: Sequence[Sample], model: onnx.ModelProto, tolerance: float, minimum: int
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """The samples on which PyTorch's float32 output is certain to well within the tolerance, and a note for each other one.

    `model`: an export of the network. Only where ONNX Runtime, which computes what the file says, comes near the tolerance is
    PyTorch asked in float64. At least `minimum` samples are kept, the most certain ones.
    """
    session = OnnxRuntime.of(ir.from_proto(model))
    doubtful = [
        sample
        for sample in samples
        for got in [session.run(sample.inputs)]
        if not all(compare(got[name], array) <= tolerance / 2 for name, array in sample.outputs.items())
    ]
    errors = {sample.name: rounding(net, sample) for sample in doubtful}
    uncertain = sorted(
        (name for name, error in errors.items() if error is not None and error > tolerance * CERTAIN),
        key=lambda name: -(errors[name] or 0.0),
    )[: max(len(samples) - minimum, 0)]
    notes = tuple(
        f"{name}: PyTorch's own float32 is {errors[name]:.1e} off its float64 there, "
        f"so this input proves nothing at {tolerance:g}"
        for name in uncertain
    )
    return tuple(sample for sample in samples if sample.name not in uncertain), (*notes, *faded(samples))


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


def rounding(net: Network, sample: Sample) -> float | None:
    """max |float32 - float64| over max |float64| of PyTorch's own outputs; None for a module that cannot run in float64."""
    import torch

    try:
        exact = copy.deepcopy(net.module).double()
        feeds = [torch.from_numpy(np.array(array)) for array in sample.inputs.values()]
        with torch.inference_mode():
            outputs = exact(*(feed.double() if feed.is_floating_point() else feed for feed in feeds))
    except Exception:  # a module may insist on its dtype in any way; then nothing is known, and the sample stays
        return None
    found = dict(zip(net.outputs, outputs, strict=True))
    return max(
        compare(array.astype(np.float64), found[name].numpy()).relative for name, array in sample.outputs.items()
    )
