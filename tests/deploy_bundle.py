"""A tiny bundle whose deploy.py is the real one: a convolution, a mean, four classes; its NumPy twin is a stub."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converter.deploy import TensorInfo, render_deploy
from converter.preprocess import Preprocess

HERE = str(cv2.__version__)
INPUTS = (TensorInfo("input", (1, 3, 8, 8)),)
OUTPUTS = (TensorInfo("scores", (1, 4)),)
PREPROCESS = Preprocess.parse("unit", shape=(1, 3, 8, 8))

STUB = """
import numpy as np
class Net:
    def __init__(self, weight):
        self.weight = weight
    def run(self, feeds):
        x = feeds["input"].astype(np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
        y = np.einsum("nchwij,kcij->nkhw", windows, self.weight.astype(np.float64))
        return {"scores": y.mean(axis=(2, 3)).astype(np.float32)}
def load(folder):
    with np.load(str(folder / "weights.npz")) as arrays:
        return Net(arrays["weight"])
"""


def make_model(weight: np.ndarray) -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "weight"], ["maps"], name="conv", kernel_shape=[3, 3]),
            helper.make_node("GlobalAveragePool", ["maps"], ["means"], name="mean"),
            helper.make_node("Flatten", ["means"], ["scores"], name="flat", axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def verified(version: str, backend: str = "opencv", reason: str = "") -> dict[str, str]:
    engine = "new" if version.startswith("5") else "classic"
    return {"version": version, "engine": engine, "backend": backend, "reason": reason}


def write_bundle(folder: Path, *, opencv: Sequence[Mapping[str, Any]], samples: int = 2, **facts: Any) -> Path:
    """model.onnx, weights.npz, numpy_model.py, golden.npz and deploy.py in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    onnx.save(make_model(weight), str(folder / "model.onnx"))
    np.savez(folder / "weights.npz", weight=weight)
    (folder / "numpy_model.py").write_text(STUB, encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(STUB, scope)
    arrays = {}
    for number in range(samples):
        x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
        arrays[f"input:{number}:input"] = x
        arrays[f"output:{number}:scores"] = scope["Net"](weight).run({"input": x})["scores"]
    np.savez(folder / "golden.npz", **arrays)
    given: dict[str, Any] = {
        "name": "tiny",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "preprocess": PREPROCESS,
        "task": "classification",
        "task_settings": {},
        "labels": ["zero", "one", "two", "three"],
        "opencv": opencv,
        "tolerance": 1e-4,
        "tool_version": "0.1.0",
    }
    (folder / "deploy.py").write_text(render_deploy(**{**given, **facts}), encoding="utf-8")
    return folder


_COUNT = itertools.count()


def load_module(folder: Path) -> ModuleType:
    """The bundle's deploy.py, imported under a name of its own."""
    name = f"deployed_{next(_COUNT)}"
    spec = importlib.util.spec_from_file_location(name, folder / "deploy.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def deploy(
    folder: Path, *arguments: str, python: Path | str = sys.executable, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the bundle's deploy.py, isolated (-I): `converter` cannot be imported. From the folder's parent by default."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [str(python), "-I", "-B", str(folder / "deploy.py"), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd or folder.parent,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=120,
    )
