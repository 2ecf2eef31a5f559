"""What every rule's test asks: does it keep its promise, does it leave a sound graph, does it decline without a trace."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from converter.compare import compare
from converter.graph import infer_types
from converter.rewrites import ANY, RULES, Rule, apply
from tests import onnx_text
from tests.onnx_text import ort_run


def graph(text: str, **constants: np.ndarray) -> ir.Model:
    """`onnx_text.graph`, with the shape of every constant known, rank 0 included, and the declared outputs' shapes kept."""
    model = onnx_text.graph(text, **constants)
    for value in model.graph.initializers.values():
        value.shape = ir.Shape(value.const_value.shape)
    return model


def drawn(model: ir.Model, rng: np.random.Generator, scale: float = 2.0) -> dict[str, np.ndarray]:
    """Normal noise for every input of the model."""
    return {
        value.name: np.asarray(rng.standard_normal([int(extent) for extent in value.shape]) * scale, np.float32)
        for value in model.graph.inputs
    }


def place(rule: Rule, model: ir.Model) -> ir.Node:
    """The node that a test is about: the first of the rule's op; for a rule of every op, the graph's last node."""
    nodes = list(model.graph)
    return nodes[-1] if rule.op_type == ANY else next(node for node in nodes if node.op_type == rule.op_type)


def changes(
    name: str,
    text: str,
    rng: np.random.Generator,
    *,
    scale: float = 2.0,
    feeds: dict[str, np.ndarray] | None = None,
    **constants: np.ndarray,
) -> ir.Model:
    """The model after the rule replaced the first node of its op, every promise of the protocol checked on the way."""
    rule = RULES[name]
    model = graph(text, **constants)
    feeds = feeds or drawn(model, rng, scale)
    before = ort_run(model, feeds)
    outputs = [value.name for value in model.graph.outputs]

    outcome = apply(rule, place(rule, model))

    assert outcome.declined is None
    assert [value.name for value in model.graph.outputs] == outputs
    infer_types(list(model.graph))
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    for got, expected in zip(ort_run(model, feeds), before, strict=True):
        assert got.dtype == expected.dtype
        difference = compare(got, expected)
        assert difference.relative <= rule.max_error, f"{name}: {difference}, promised {rule.max_error:g}"
    return model


def declines(name: str, text: str, **constants: np.ndarray) -> str:
    """Why the rule declines the first node of its op; the graph must be the same, byte for byte, and hold no new users."""
    rule = RULES[name]
    model = graph(text, **constants)
    before = ir.to_proto(model).SerializeToString()
    users = {value.name: len(value.uses()) for node in model.graph for value in node.inputs if value is not None}

    outcome = apply(rule, place(rule, model))

    assert outcome.declined is not None, f"{name} made {[node.op_type for node in outcome.nodes]} of it"
    assert ir.to_proto(model).SerializeToString() == before
    assert users == {
        value.name: len(value.uses()) for node in model.graph for value in node.inputs if value is not None
    }
    return outcome.declined
