"""What is measured on every target: small models with their inputs and the right answers. One module a family.

A module of this folder yields its cases from a function `cases()`; adding a family is adding a file. Names are stable:
a table refers to its evidence by them. Everything is drawn with fixed seeds, so the cases are the same in every run.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from converter.graph import IR_VERSION, WORKING_OPSET

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One model to load and run. The node in question is the last; a pattern has others before it.

    name: "family/op/detail", unique. model: every shape static, parameters as initializers or as inputs, as the case says.
    samples: two or more sets of inputs by name. expected: the right outputs by name for each sample.
    """

    name: str
    model: onnx.ModelProto
    samples: Sequence[Arrays]
    expected: Sequence[Arrays]

    @property
    def pattern(self) -> bool:
        """True when the case is about several nodes together."""
        return self.name.startswith("pattern/")


def all_cases() -> Iterator[Case]:
    """Every case of every family, in the order of the modules' names."""
    seen: set[str] = set()
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if found.name.startswith("_"):
            continue
        for case in importlib.import_module(f"{__name__}.{found.name}").cases():
            if case.name in seen:
                raise ValueError(f"two cases are called {case.name}")
            seen.add(case.name)
            yield case


def text_model(text: str, *, opset: int = WORKING_OPSET, **constants: np.ndarray) -> onnx.ModelProto:
    """A model from ONNX text such as `(float[2,3] x) => (float[2,3] y) { y = Relu(x) }`; keywords become initializers."""
    model = onnx.parser.parse_model(f'<ir_version: {IR_VERSION}, opset_import: ["": {opset}]>\ng {text}')
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items())
    return model
