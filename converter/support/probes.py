"""Probes: a region of the user's own graph, with the tensors that it really sees and what ONNX Runtime makes of them.

Each node is probed twice: alone, and behind its producers. Alone shows what the importer refuses; behind its producers
shows what OpenCV does wrong only in company: it fuses neighbours (a gate becomes a hard-swish) and keeps the output of a
convolution in a block layout that not every layer reads right (a linear Resize of a 1x1 map in 5.0.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir

from converter.backends import Arrays, OnnxRuntime
from converter.graph import cut, region_inputs, window


@dataclass(frozen=True)
class Region:
    """Nodes that are probed together, the node in question last."""

    nodes: tuple[ir.Node, ...]

    @property
    def node(self) -> ir.Node:
        return self.nodes[-1]

    @property
    def alone(self) -> bool:
        return len(self.nodes) == 1

    @property
    def inputs(self) -> list[ir.Value]:
        return region_inputs(self.nodes)

    @property
    def outputs(self) -> list[ir.Value]:
        """The last node's outputs that something reads (an unused second output need not be right)."""
        used = [value for value in self.node.outputs if value.uses() or value.is_graph_output()]
        return used or list(self.node.outputs[:1])

    def model(self) -> onnx.ModelProto:
        return cut(self.nodes, self.outputs)

    def __str__(self) -> str:
        return " -> ".join(node.op_type for node in self.nodes)


def regions_of(node: ir.Node) -> list[Region]:
    """The node alone, and in its window when it has producers."""
    found = [Region((node,))]
    if len(around := window(node)) > 1:
        found.append(Region(tuple(around)))
    return found


class Activations:
    """Every tensor of a model on some samples, computed by ONNX Runtime when first asked for.

    Two samples at least: a layer that reads what it was not given can be right once, by luck, and not twice.
    """

    def __init__(self, model: ir.Model, samples: Sequence[Arrays]) -> None:
        self._model = model
        self._samples = [dict(sample) for sample in samples]
        self._known: list[dict[str, np.ndarray]] = [dict(sample) for sample in samples]

    def fetch(self, values: Iterable[ir.Value]) -> None:
        """Compute what is missing among `values`, in one session."""
        missing = list(dict.fromkeys(v.name for v in values if v.name is not None and v.name not in self._known[0]))
        if not missing:
            return
        session = OnnxRuntime.of(self._model, missing)
        for known, sample in zip(self._known, self._samples, strict=True):
            known.update(session.run(sample, missing))

    def of(self, values: Sequence[ir.Value]) -> list[dict[str, np.ndarray]]:
        """The arrays of `values`, by name, for each sample."""
        self.fetch(values)
        return [{value.name: known[value.name] for value in values if value.name is not None} for known in self._known]

    def forget(self) -> None:
        """Drop everything but the samples: the graph changed."""
        self._known = [dict(sample) for sample in self._samples]
