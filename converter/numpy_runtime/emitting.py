"""A network as the text of numpy_model.py: one readable line a step."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from converter.numpy_runtime import deployed, loading, running, team
from converter.numpy_runtime.controlling import WRITERS
from converter.numpy_runtime.fast import ACTIVATIONS, FORMS
from converter.numpy_runtime.fast.winograd import winograd_weight
from converter.numpy_runtime.folding import wanted_outputs
from converter.numpy_runtime.kernels import KERNELS
from converter.numpy_runtime.network import Network, Step
from converter.numpy_runtime.viewing import view_of
from converter.render import paste, render

_SMALL = {"i": 8, "u": 8, "b": 8, "f": 4}
"""Constants of up to this many elements, by kind, are written into the program; larger ones go to weights.npz."""

_WIDTH = 116

_LAST = ("then", "slot")
"""Keywords that come after those that say what is computed."""


class _Names:
    """Fresh names: harmless, recognisable, each given once."""

    def __init__(self, allowed: str, taken: Iterable[str] = ()) -> None:
        self._strange = re.compile(f"[^{allowed}]+")
        self._taken = set(taken)

    def fresh(self, wish: str, fallback: str) -> str:
        plain = self._strange.sub("_", wish).strip("_.")[-60:].lstrip("_.0123456789") or fallback
        name, number = plain, 1
        while name in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name)
        return name


def emit(network: Network, *, batch_is_free: bool, half: bool = False) -> tuple[str, dict[str, np.ndarray]]:
    """The program's text and the arrays of weights.npz by name; `half`: large float32 ones are stored in float16."""
    writer = Writer(network)
    body = writer.forward()
    steps = list(network.every_step())
    called = dict.fromkeys(step.op for step in steps if view_of(network, step) is None)
    used = [FUNCTIONS[op] for op in called if op in FUNCTIONS]
    used += [
        ACTIVATIONS[name] for name in dict.fromkeys(s.attributes["then"][0] for s in steps if "then" in s.attributes)
    ]
    layouts = writer.layouts
    weights = writer.weights
    if half:
        places = {id(network.constants[key]) for step in steps if step.op == "resize" for key in step.inputs[1:]}
        learned = {name: array for name, array in weights.items() if id(array) not in places}  # the others are geometry
        halves = {name: array.astype(np.float16) for name, array in learned.items() if _fits_half(array)}
        weights = {**weights, **halves}
        layouts = {loading.widened.__name__: list(halves), **layouts}  # first: the others compute in float32
    makers = [made for made in (loading.widened, deployed.channels_last, winograd_weight) if made.__name__ in layouts]
    helpers = [getattr(deployed, name) for name in writer.helpers]
    pasted = paste([running.Runner, team.serve, loading.read_weights, *makers, *helpers, *used])
    source = render(
        "numpy_model.py",
        imports=[line for line in pasted.imports if line not in _TEMPLATE_IMPORTS],
        library=pasted.body.strip("\n"),
        inputs={info.name: (info.dtype, info.shape) for info in network.inputs},
        outputs={info.name: (info.dtype, info.shape) for info in network.outputs},
        layouts=layouts,
        batch_is_free=batch_is_free,
        body=body,
    )
    return source, weights


def _fits_half(array: np.ndarray) -> bool:
    """Large, and float16 has a number near each of its numbers."""
    large = array.dtype == np.float32 and array.ndim > 1 and array.size >= 256
    return large and float(np.abs(array).max()) <= float(np.finfo(np.float16).max)


_TEMPLATE_IMPORTS = {
    "from __future__ import annotations",
    "import argparse",
    "import numpy as np",
    "from pathlib import Path",
}


FUNCTIONS = {**KERNELS, **FORMS}
"""What a step's `op` can name."""

_TAKEN = ("w", "np", "feeds", "work", "float", "zip", *(name for name in vars(deployed) if not name.startswith("__")))
"""What the lines of the program may mention: no value is called so."""


class Writer:
    """Writes steps as lines of Python.

    helpers: the functions of `deployed.py` that the lines call.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.weights: dict[str, np.ndarray] = {}
        self.helpers: dict[str, None] = {}
        called = [name for step in network.every_step() for name in (step.op, *step.attributes.get("then", ())[:1])]
        self._identifiers = _Names("a-z0-9_", taken=[*keyword.kwlist, *_TAKEN, *called])
        self._weight_names = _Names("A-Za-z0-9_.")
        self._expressions: dict[str, str] = {}  # what a value is called in the program
        self._chosen: dict[str, str] = {}  # what it will be called

    def forward(self) -> list[str]:
        """The lines of the function that runs the network."""
        lines = []
        for info in self.network.inputs:
            lines.append(f"{self.name(info.name, info.name, 'input')} = feeds[{info.name!r}]")
        lines += self.block(self.network.steps, [info.name for info in self.network.inputs], self._results())
        results = [f"    {name!r}: {self.expression(key)}," for name, key in self.network.results.items()]
        return [*lines, "return {", *results, "}"]

    def _results(self) -> list[str]:
        return list(self.network.results.values())

    def block(self, steps: list[Step], mine: Iterable[str], results: Iterable[str]) -> list[str]:
        """The lines of steps. Of `mine` and of what the steps give, all but `results` is deleted after its last use."""
        lines = []
        last_use = {key: number for number, step in enumerate(steps) for key in step.reads()}
        last_use.update(dict.fromkeys(results, len(steps)))
        local = set(mine)
        in_slots = {key for step in steps if "slot" in step.attributes for key in step.outputs}
        for number, step in enumerate(steps):
            lines.extend(WRITERS[step.op](self, step) if step.bodies else self._call(step))
            local.update(step.outputs)
            read = [key for key in dict.fromkeys(step.reads()) if key in local and last_use[key] == number]
            dead = [key for key in read if self._is_local(key)]
            dead += [key for key in step.outputs if key and key not in last_use]
            dead = [key for key in dead if key not in in_slots]  # their memory is the workspace's
            if dead:
                lines.append(f"del {', '.join(self._expressions[key] for key in dead)}")
        return lines

    def call(self, helper: str) -> str:
        """The name of a helper that the program is going to have."""
        self.helpers[helper] = None
        return helper

    def name(self, key: str, wish: str, fallback: str) -> str:
        """The variable that was chosen for a value, or a new one."""
        self._expressions[key] = self._chosen.get(key) or self.variable(wish, fallback)
        return self._expressions[key]

    def choose(self, key: str, name: str) -> None:
        """Let a value be called so once a step gives it."""
        self._chosen[key] = name

    def alias(self, key: str, name: str) -> None:
        """Let a value be called by a variable that exists."""
        self._expressions[key] = name

    def variable(self, wish: str, fallback: str) -> str:
        """A new variable."""
        return self._identifiers.fresh(wish.lower(), fallback)

    @property
    def layouts(self) -> dict[str, list[str]]:
        """The names of weights that are wanted in another layout than they are stored in, by the function that makes it."""
        wanted: dict[str, str] = {}
        for step in self.network.every_step():
            weight = self.network.constants.get(step.inputs[1]) if step.op in ("Conv", "winograd") else None
            if weight is None:
                continue
            if step.op == "winograd":
                wanted[step.inputs[1]] = winograd_weight.__name__
            elif weight.shape[1] > 1 and max(weight.shape[2:]) > 1:
                wanted[step.inputs[1]] = deployed.channels_last.__name__
        found: dict[str, list[str]] = {}
        for key, function in wanted.items():
            if (name := self._weight_name(key)) in self.weights:
                found.setdefault(function, []).append(name)
        return found

    def _is_local(self, key: str) -> bool:
        return key not in self.network.constants

    def _call(self, step: Step) -> list[str]:
        if (view := view_of(self.network, step)) is not None:
            source = self.expression(step.inputs[0])
            return [f"{self.target(step, step.outputs[0])} = {source}{view}"]
        arguments = [self.expression(key) if key else "None" for key in step.inputs]
        arguments += [f"{name}={value}" for name, value in self._attributes(step)]
        arguments = ["work", *arguments] if step.op in FORMS else arguments
        kernel = inspect.signature(FUNCTIONS[step.op])
        count = wanted_outputs(step).get("outputs", 1)
        if "outputs" in kernel.parameters and kernel.parameters["outputs"].default != count:
            arguments.append(f"outputs={count}")
        targets = [self.target(step, key) for key in step.outputs[:count]]
        lines = [f"{', '.join(targets)} = {step.op}({', '.join(arguments)})"]
        if len(lines[0]) > _WIDTH:
            lines = [f"{', '.join(targets)} = {step.op}(", *(f"    {argument}," for argument in arguments), ")"]
        return lines

    def target(self, step: Step, key: str) -> str:
        """A new variable for what a step gives, named like the step; "_" for what nobody reads."""
        if not key:
            return "_"
        return self.name(key, _readable(step.name), step.op.lower())

    def expression(self, key: str) -> str:
        """What the program calls a value: a variable, a literal or an entry of the weights."""
        if key not in self.network.constants:
            return self._expressions[key]
        array = self.network.constants[key]
        if array.ndim <= 1 and array.size <= _SMALL.get(array.dtype.kind, 0):
            return _literal(array)
        name = self._weight_name(key)
        self.weights[name] = array
        return f'w["{name}"]'

    def _weight_name(self, key: str) -> str:
        if key not in self._expressions:
            name = self._weight_names.fresh(key, "constant")
            self._expressions[key] = f"{name}_" if name.endswith(".npy") else name  # np.load would cut the ending off
        return self._expressions[key]

    def _attributes(self, step: Step) -> list[tuple[str, str]]:
        """Attributes that differ from the kernel's defaults, as literals."""
        defaults = inspect.signature(FUNCTIONS[step.op]).parameters
        exact = self.network.dtypes.get(step.outputs[0]) == "float64"
        found = []
        for name, value in sorted(step.attributes.items(), key=_order):
            default = defaults[name].default
            if _is_default(step.op, name, value, default):
                continue
            if name == "then":
                found.append((name, f"[{', '.join([value[0], *map(_number, value[1:])])}]"))
                continue
            if isinstance(value, float) and not exact:  # the shortest text that gives the same float32
                if isinstance(default, float) and np.float32(value) == np.float32(default):
                    continue
                found.append((name, _number(value)))
            else:
                found.append((name, _literal(value) if isinstance(value, np.ndarray) else repr(value)))
        return found


def _number(value: float) -> str:
    """The shortest text that gives the same float32."""
    return repr(float(str(np.float32(value))))


def _order(attribute: tuple[str, Any]) -> tuple[int, str]:
    name = attribute[0]
    return (_LAST.index(name) + 1 if name in _LAST else 0), name


def _is_default(op: str, name: str, value: Any, default: Any) -> bool:
    """Whether leaving the attribute out means the same."""
    if isinstance(value, np.ndarray):
        return False
    if default is None and name in ("dilations", "strides"):
        return set(value) == {1}
    if default is None and name in ("pads", "output_padding"):
        return not any(value)
    if name == "kernel_shape" and op in ("Conv", "ConvTranspose"):
        return True  # the weight says it
    return bool(tuple(value) == default if isinstance(default, tuple) else value == default)


def _readable(node: str) -> str:
    """A node's name as an identifier: layer1_0_conv1_conv for "/layer1/layer1.0/conv1/Conv"."""
    parts = [part for part in node.split("/") if part]
    kept = [part for part, following in pairwise([*parts, ""]) if not following.startswith(f"{part}.")]
    return re.sub(r"[^a-z0-9]+", "_", "_".join(kept).lower().removeprefix("node_")).strip("_")


def _literal(array: Any) -> str:
    """An expression that gives the array: np.float32(0.5), np.int64([1, -1])."""
    values = array.tolist()
    if array.dtype.kind == "f":
        shortest = np.vectorize(lambda value: float(str(value)), otypes=[object])(array) if array.size else array
        values = shortest.tolist()
    text = re.sub(r"\b(inf|nan)\b", r'float("\1")', repr(values))
    name = "bool_" if array.dtype.kind == "b" else array.dtype.name
    if array.ndim == 0:
        return f"np.{name}({text})"
    return f"np.{name}({text})"
