"""Fast forms: what a plan puts in the place of a step, or of several, whose shapes and weights it knows.

Every function here computes in float32 what kernels of converter/numpy_runtime/kernels compute, faster: for one kind of
weights, with what follows fused in, in memory that is used again. A form, found automatically, is a public function whose first
parameter is the workspace, `work`; then come arrays, in the order of the ONNX operator, then what is added to its result
(`plus`), then keywords. `then` names an activation in place and its numbers; `slot` says where the result is kept. Arrays have
ONNX's shapes; those that convolutions give are stored channels last.

Like kernels, all of it is pasted into deployments: numpy and the standard library only, Python 3.8, NumPy 1.21.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from converter.numpy_runtime.fast import activations

FORMS: dict[str, Callable[..., Any]] = {}
"""The fast forms by name."""

ACTIVATIONS: dict[str, Callable[..., None]] = {
    name: function
    for name, function in inspect.getmembers(activations, inspect.isfunction)
    if not name.startswith("_") and function.__module__ == activations.__name__
}
"""Activations in place by name."""


def _discover() -> None:
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or function.__module__ != module.__name__:
                continue
            if next(iter(inspect.signature(function).parameters), "") != "work":
                continue
            if name in FORMS:
                raise ValueError(f"two forms are called {name}: {FORMS[name].__module__}, {function.__module__}")
            FORMS[name] = function


_discover()
