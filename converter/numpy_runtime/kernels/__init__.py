"""The NumPy kernels: one function per ONNX operator, found automatically.

Every module here is pasted into deployments, function by function, so it imports numpy and the standard library only
and runs on Python 3.8 and NumPy 1.21. A function whose name begins with a capital letter *is* the kernel of the ONNX
operator of that name, in its newest form: inputs are positional-only, in ONNX's order; attributes are keyword-only, with the
defaults of ONNX. Names that begin with an underscore are helpers. The keyword `outputs`, where there is one, says how
many of the operator's optional outputs are wanted; with more than one, a kernel returns a tuple.

Activations are often stored channels last: their shape is ONNX's, their strides are not. Kernels take any strides.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

KERNELS: dict[str, Callable[..., Any]] = {}
"""The kernel of each ONNX operator that the runtime covers."""


def _discover() -> None:
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name[0].isupper() or function.__module__ != module.__name__:
                continue
            if name in KERNELS:
                raise ValueError(f"two kernels are called {name}: {KERNELS[name].__module__}, {function.__module__}")
            KERNELS[name] = function


_discover()
