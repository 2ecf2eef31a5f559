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
from converter.graph import cut, region_inputs, region_outputs, window

SUBGRAPHS = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)


@dataclass(frozen=True)
class Region:
    """Nodes that are probed together, the node in question last.

    live: whether everything that is read outside of the region has to be right, too. A layer that works in place can spoil
    what another one reads later; but to ask for an inner value can also keep layers from fusing.
    """

    nodes: tuple[ir.Node, ...]
    live: bool = False

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
        if self.live:
            outside = region_outputs(self.nodes)
            return [value for value in outside if value.dtype == ir.DataType.FLOAT] or outside
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
        """Compute what is missing among `values`, from what is known already, in one session."""
        missing = list(dict.fromkeys(v.name for v in values if v.name is not None and v.name not in self._known[0]))
        if not missing:
            return
        if any(attribute.type in SUBGRAPHS for node in self._model.graph for attribute in node.attributes.values()):
            session = OnnxRuntime.of(self._model, missing)  # an inner graph reads values that its node does not name
            for known, sample in zip(self._known, self._samples, strict=True):
                known.update(session.run(sample, missing))
            return
        nodes, outputs = self._between(missing)
        weights: dict[str, ir.TensorProtocol] = {}
        session = OnnxRuntime(cut(nodes, outputs, weights).SerializeToString(), weights=weights)
        inputs = [value.name for value in region_inputs(nodes)]
        for known in self._known:
            known.update(session.run({name: known[name] for name in inputs if name is not None}, missing))

    def _between(self, missing: Sequence[str]) -> tuple[list[ir.Node], list[ir.Value]]:
        """The nodes that lead from known values to the missing ones, and the latter."""
        made = {value.name: value for node in self._model.graph for value in node.outputs}
        outputs = [made[name] for name in missing]
        needed: set[ir.Node] = set()
        waiting = [value.producer() for value in outputs]
        while waiting:
            node = waiting.pop()
            if node is None or node in needed:
                continue
            needed.add(node)
            waiting += [v.producer() for v in node.inputs if v is not None and not self._is_known(v)]
        return [node for node in self._model.graph if node in needed], outputs

    def _is_known(self, value: ir.Value) -> bool:
        """Whether it was computed, and can be the input of a model: that has a type."""
        return value.name in self._known[0] and value.dtype is not None

    def of(self, values: Sequence[ir.Value]) -> list[dict[str, np.ndarray]]:
        """The arrays of `values`, by name, for each sample."""
        self.fetch(values)
        return [{value.name: known[value.name] for value in values if value.name is not None} for known in self._known]

    def forget(self) -> None:
        """Drop everything but the samples: the graph changed."""
        self._known = [dict(sample) for sample in self._samples]
