"""The same network in pure NumPy: a plan (fold, name, write) and kernels, one function per operator."""

from __future__ import annotations

from converter.numpy_runtime.kernels import KERNELS
from converter.numpy_runtime.network import TensorInfo
from converter.numpy_runtime.planner import halved, plan
from converter.numpy_runtime.program import Program, Runnable

__all__ = ["KERNELS", "Program", "Runnable", "TensorInfo", "halved", "plan"]
