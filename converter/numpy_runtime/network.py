"""What a plan works on: an ONNX graph as a list of steps, detached from the model that it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Dims = tuple[int | str, ...]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the network. A dimension that may have any length carries a name."""

    name: str
    shape: Dims | None
    dtype: str


@dataclass
class Step:
    """One node: `op` names its kernel, inputs and outputs are keys of values ("" where absent).

    bodies: the subgraphs of If, Loop, Scan and SequenceMap by the name of their attribute.
    """

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)

    def reads(self) -> list[str]:
        """The keys of all values that it reads, its bodies and their results included, as often as it does."""
        keys = [key for key in self.inputs if key]
        for body in self.bodies.values():
            keys += [key for step in body.steps for key in step.reads()] + body.results
        return keys


@dataclass
class Body:
    """A subgraph. `inputs` are keys of what its step hands to it; it may read any other value that its step may.

    Every value of a network has a key of its own, whichever body it is in.
    """

    inputs: list[str]
    steps: list[Step]
    results: list[str]


@dataclass
class Network:
    """Steps in order. `results` maps the name of each output to the value that it is."""

    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    steps: list[Step]
    constants: dict[str, np.ndarray]
    results: dict[str, str]
    shapes: dict[str, Dims]
    dtypes: dict[str, str]
    opset: int

    def bodies(self) -> list[Body]:
        """The bodies of all steps, the inner ones last."""
        return [body for step in self.every_step() for body in step.bodies.values()]

    def blocks(self) -> list[list[Step]]:
        """The lists of steps: the network's own, and those of the bodies."""
        return [self.steps, *(body.steps for body in self.bodies())]

    def every_step(self) -> Iterator[Step]:
        """All steps, those of a body right after the step that has it."""
        return _every(self.steps)

    def uses(self) -> Counter[str]:
        """How often each value is read, as an output of the network or of a body too."""
        return Counter([key for step in self.steps for key in step.reads()] + list(self.results.values()))

    def producers(self) -> dict[str, Step]:
        """The step that gives each value, of those outside of bodies."""
        return {key: step for step in self.steps for key in step.outputs if key}

    def replace(self, old: str, new: str) -> None:
        """Let everything that reads `old` read `new`."""
        for step in self.every_step():
            step.inputs = [new if key == old else key for key in step.inputs]
        for body in self.bodies():
            body.results = [new if key == old else key for key in body.results]
        self.results = {name: new if key == old else key for name, key in self.results.items()}

    def add_constant(self, like: str, array: np.ndarray) -> str:
        """Add a constant under a fresh key that resembles `like`, and give the key."""
        key, number = like, 1
        while key in self.constants or key in self.shapes:
            number += 1
            key = f"{like}_{number}"
        self.constants[key] = array
        self.shapes[key] = array.shape
        self.dtypes[key] = array.dtype.name
        return key

    def drop_unused(self) -> int:
        """Remove steps and constants that no output needs. Returns how many steps went."""
        before = sum(1 for _ in self.every_step())
        needed = set(self.results.values())
        _keep(self.steps, needed)
        self.constants = {key: array for key, array in self.constants.items() if key in needed}
        return before - sum(1 for _ in self.every_step())


def _every(steps: list[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for body in step.bodies.values():
            yield from _every(body.steps)


def _keep(steps: list[Step], needed: set[str]) -> None:
    """Leave only the steps that something in `needed` comes from, and add all that they read to it."""
    kept = []
    for step in reversed(steps):
        if needed.isdisjoint(key for key in step.outputs if key):
            continue
        kept.append(step)
        for body in step.bodies.values():
            needed.update(body.results)
            _keep(body.steps, needed)
        needed.update(key for key in step.inputs if key)
    steps[:] = kept[::-1]
