"""Rewrite rules: one file per rule, found automatically.

A rule takes one node and offers other nodes that compute the same. It is version-blind: the support table decides
*whether* a node has to be replaced, the rule only knows *how*. It refuses in one way, `raise Decline(reason)`, with a
reason written for the user. `max_error` is its promise: the most that the replacement may differ from the original,
max |difference| over max |original output|, measured in ONNX Runtime with optimisation off. Tests and the driver hold
it to that.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from converter.graph import array_of, infer_types, static_shape

Build = Callable[[ir.Node, ir.tape.Tape], "ir.Value | Sequence[ir.Value]"]


MAX_FOLDED = 1 << 24
"""A rule makes no constant of more elements than this (64 MB of float32): the file would carry it."""


ANY = "*"
"""The op_type of a rule for nodes of every op: a barrier against wrong fusions. Tried last, on regions of several nodes."""


class Decline(Exception):  # noqa: N818 - it is an answer, not an error
    """A rule does not apply. The text says what is in the way, for the user."""


@dataclass(frozen=True)
class Rule:
    """One way to replace a node of `op_type`."""

    name: str
    op_type: str
    max_error: float
    build: Build

    @property
    def card(self) -> str:
        """The module's docstring: Why, Before, After, Error."""
        return (importlib.import_module(self.build.__module__).__doc__ or "").strip()


@dataclass(frozen=True)
class Outcome:
    """What came of applying a rule: the new nodes, or the reason why there are none."""

    node: str
    op_type: str
    rule: str
    declined: str | None = None
    nodes: tuple[ir.Node, ...] = field(default=())


RULES: dict[str, Rule] = {}


def rule(op_type: str, *, max_error: float) -> Callable[[Build], Build]:
    """Register the decorated function as a rule for nodes of `op_type`. Its name is the rule's name."""

    def register(build: Build) -> Build:
        name = build.__name__
        if (old := RULES.get(name)) is not None:
            raise ValueError(f"two rewrites are called {name}: {old.build.__module__}, {build.__module__}")
        RULES[name] = Rule(name, op_type, max_error, build)
        return build

    return register


def rules_for(op_type: str) -> list[Rule]:
    """The rules that may offer to replace a node of this op, by name."""
    return [found for _, found in sorted(RULES.items()) if found.op_type == op_type]


def barriers() -> list[Rule]:
    """The rules for nodes of any op that keep OpenCV from fusing them with their neighbours."""
    return rules_for(ANY)


def apply(found: Rule, node: ir.Node) -> Outcome:
    """Replace `node` in its graph by what the rule builds, types and shapes inferred; or leave it and say why."""
    graph = node.graph
    assert graph is not None, f"{node.name} is in no graph"
    tape = ir.tape.Tape()
    try:
        built = found.build(node, tape)
    except Decline as reason:
        _unhook(tape.nodes)
        return Outcome(node.name or "", node.op_type, found.name, declined=str(reason))
    values = [built] if isinstance(built, ir.Value) else list(built)
    if len(values) != len(node.outputs):
        raise ValueError(
            f"rule {found.name} gave {len(values)} values for the {len(node.outputs)} outputs of {node.op_type}"
        )
    nodes = list(tape.nodes)
    _name(found, node, tape)
    for constant in tape.initializers:
        graph.register_initializer(constant)
    read = [value for value in node.inputs if value is not None]
    _replace(graph, node, nodes, values)
    _drop_unused(graph, read)
    infer_types(nodes)
    return Outcome(node.name or "", node.op_type, found.name, nodes=tuple(nodes))


def _name(found: Rule, node: ir.Node, tape: ir.tape.Tape) -> None:
    prefix = f"{node.name}/{found.name}"
    for position, new in enumerate(tape.nodes):
        new.name = f"{prefix}/{new.op_type}_{position}"
        for number, value in enumerate(new.outputs):
            value.name = f"{new.name}_out{number}"
    for position, constant in enumerate(tape.initializers):
        constant.name = f"{prefix}/const_{position}"


def _unhook(nodes: Iterable[ir.Node]) -> None:
    """Nodes that a rule had built before it declined must not count as users of the graph's values."""
    for node in nodes:
        for position in range(len(node.inputs)):
            node.replace_input_with(position, None)


def _drop_unused(graph: ir.Graph, values: Iterable[ir.Value]) -> None:
    """Constants that only the replaced node read: OpenCV 4.x refuses a model for a BOOL constant, used or not."""
    for value in values:
        if value.is_initializer() and not value.uses() and not value.is_graph_output() and value.name is not None:
            graph.initializers.pop(value.name, None)


def _replace(graph: ir.Graph, node: ir.Node, nodes: list[ir.Node], values: list[ir.Value]) -> None:
    graph.insert_before(node, nodes)
    for old, new in zip(node.outputs, values, strict=True):
        name = old.name
        is_output = old.is_graph_output()
        old.replace_all_uses_with(new, replace_graph_outputs=True)
        old.name = f"{name}/replaced"
        if is_output:
            new.name = name
            new.type, new.shape = old.type, old.shape
    graph.remove(node, safe=True)


# --- what rules ask about a node; each declines when the answer is not known -----------------------------------------


def constant(value: ir.Value | None, what: str) -> np.ndarray:
    """The array behind `value`, or decline because `what` comes from another node or is absent."""
    if value is None:
        raise Decline(f"{what} is absent")
    array = array_of(value)
    if array is None:
        raise Decline(f"{what} comes from another node; only a constant was measured")
    return array


def shape_of(value: ir.Value | None, what: str) -> tuple[int, ...]:
    """The static shape of `value`, or decline because a dimension is not known."""
    if value is None:
        raise Decline(f"{what} is absent")
    shape = static_shape(value)
    if shape is None:
        raise Decline(f"the shape of {what} is not known ({value.shape}); fix the input shapes first")
    return shape


def float32(value: ir.Value | None, what: str) -> ir.Value:
    """`value` itself when it is a float32 tensor, or decline."""
    if value is None:
        raise Decline(f"{what} is absent")
    if value.dtype != ir.DataType.FLOAT:
        raise Decline(f"{what} is {value.dtype}, only FLOAT was measured")
    return value


def new_constant(tape: ir.tape.Tape, array: np.ndarray) -> ir.Value:
    """An initializer that holds `array`; it is named when the rule is applied."""
    return tape.initializer(ir.tensor(np.array(array, order="C")), name=f"constant_{len(tape.initializers)}")


def scalar(tape: ir.tape.Tape, value: float) -> ir.Value:
    """A float32 constant of rank 0: it broadcasts to every shape and adds no dimension to any."""
    return tape.initializer(ir.tensor(np.array(value, dtype=np.float32)), name=f"constant_{len(tape.initializers)}")


def indices(tape: ir.tape.Tape, values: Iterable[int]) -> ir.Value:
    """A vector of int64: axes, shapes, starts and ends."""
    return new_constant(tape, np.array(list(values), dtype=np.int64))


def optional_input(node: ir.Node, position: int) -> ir.Value | None:
    """The input at `position`, or None when it is left out, in the middle or at the end."""
    return node.inputs[position] if position < len(node.inputs) else None


def pass_on(node: ir.Node, tape: ir.tape.Tape, value: ir.Value) -> ir.Value:
    """`value`, which exists already, in place of the node's output.

    A graph's output keeps its name by an Identity: neither a graph's input nor a constant can take that name over.
    """
    return tape.op("Identity", [value]) if node.outputs[0].is_graph_output() else value


for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")
