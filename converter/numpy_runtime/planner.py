"""plan(): from an ONNX model to a NumPy program."""

from __future__ import annotations

import onnx_ir as ir

from converter.numpy_runtime.batch import free_batch
from converter.numpy_runtime.emitting import emit
from converter.numpy_runtime.folding import fold
from converter.numpy_runtime.network import Network
from converter.numpy_runtime.program import Program
from converter.numpy_runtime.reading import read
from converter.numpy_runtime.speeding import speed_up


def plan(model: ir.Model, *, half: bool = False) -> Program:
    """A program that computes what `model` computes, with numpy only. The model is not changed.

    Parameters
    ----------
    model: best a simplified one, its weights initializers, in any opset. A dimension with a name may have
        any length when the program runs; a batch of one item becomes any batch where the graph provably allows it.
    half: large weights in float32 are stored in float16, which halves weights.npz, and computed with in float32. Their last
        13 bits are lost: compare the results.

    Raises UnsupportedOpError for a node without a kernel, and for element types that NumPy does not have; ValueError
    for an opset newer than the onnx package.
    """
    network = read(model)
    folded = fold(network)
    batch_is_free = free_batch(network)
    forms = speed_up(network)
    return _written(network, batch_is_free, half, folded, forms)


def halved(program: Program) -> Program:
    """The same program with half weights, as `plan(model, half=True)` gives it."""
    assert program.network is not None, "only what plan() gave can be written again"
    return _written(program.network, program.batch_is_free, True, program.folded, program.forms)


def _written(
    network: Network, batch_is_free: bool, half: bool, folded: dict[str, int], forms: dict[str, int]
) -> Program:
    source, weights = emit(network, batch_is_free=batch_is_free, half=half)
    ends = tuple(network.inputs), tuple(network.outputs)
    return Program(source, weights, *ends, folded, forms, network, batch_is_free)
