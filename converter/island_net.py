"""A net of cv2.dnn with islands: nodes that run as NumPy kernels. `render` pastes this into islands.py, whole.

Whoever loads islands.py (deploy.py, or the child process that measures) hands in `read`, which makes cv2's net of the bytes
of a model, and `as_blob`, which makes what cv2 takes of an array. Python 3.8, numpy 1.21 and cv2 4.5.5 or newer.
"""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Island:
    """One node: its kernel with all that the kernel needs beside what the net computes.

    inputs: for each of the kernel's, (name, shape, dtype) of what the net computes, a constant array, or None where it is
    left out. outputs: (name, shape, dtype) of each, None where nobody reads it.
    """

    def __init__(
        self, node: str, kernel: Callable[..., Any], attributes: Mapping[str, Any], inputs: Any, outputs: Any
    ) -> None:
        self.node = node
        self.kernel = kernel
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = outputs
        self.reads = [given for given in inputs if isinstance(given, tuple)]

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """The outputs, None where nobody reads one; `arrays` are what the net computes, in the inputs' order."""
        if len(arrays) != len(self.reads):
            raise ValueError(f"{self.node}: {len(arrays)} inputs, expected {len(self.reads)}")
        given = iter([as_typed(array, *tensor) for array, tensor in zip(arrays, self.reads)])
        arguments = [next(given) if isinstance(wanted, tuple) else wanted for wanted in self.inputs]
        with np.errstate(all="ignore"):  # infinities and NaN are values here, as in every other runtime
            found = self.kernel(*arguments, **self.attributes)
        found = found if isinstance(found, (tuple, list)) else (found,)
        return [None if tensor is None else as_typed(array, *tensor) for array, tensor in zip(found, self.outputs)]


def as_typed(array: Any, name: str, shape: Sequence[int], dtype: str) -> np.ndarray:
    """The array as ONNX has it: 4.x computes in float32 only, and has no ranks below 2."""
    array = np.asarray(array)
    if array.shape != tuple(shape):
        if array.size != math.prod(shape):
            raise ValueError(f"{name!r} has shape {list(array.shape)}, expected {list(shape)}")
        array = array.reshape(shape)
    if array.dtype != np.dtype(dtype):
        array = np.rint(array) if np.dtype(dtype).kind in "iu" and array.dtype.kind == "f" else array
        array = array.astype(dtype)
    return np.asarray(array)


class LayeredNet:
    """The whole model as one net, in which each island is a layer that calls back into Python.

    Importers know an operator's name before they look for registered layers, so each island's gets another one, of the same
    length, in the bytes in memory. cv2 never frees the name of the method that it calls: 64 bytes for each island and run.
    stand_ins: (island, its operator's name, [(offset, bytes there, bytes instead), ...]).
    """

    def __init__(
        self,
        model: Path,
        stand_ins: Sequence[Any],
        read: Callable[[np.ndarray], Any],
        as_blob: Callable[[np.ndarray], Any],
    ) -> None:
        import cv2

        data = np.fromfile(str(model), np.uint8)
        self._as_blob = as_blob
        self._failures: list[Exception] = []
        for offset, there, instead in [patch for _, _, patches in stand_ins for patch in patches]:
            place = slice(offset, offset + len(there))
            if data[place].tobytes() != there:
                raise ValueError(f"{model} is not the file that islands.py was written for")
            data[place] = np.frombuffer(instead, np.uint8)
        # layers are registered for the whole process: one net is read at a time, whichever islands.py it belongs to
        with vars(cv2).setdefault("_torch2cv_registering", threading.Lock()):
            # cv2 keeps the classes, but does not keep them alive
            self._layers = {name: self._layer(island) for island, name, _ in stand_ins}
            try:
                for name, layer in self._layers.items():
                    cv2.dnn_registerLayer(name, layer)
                self.net = read(data)
            finally:
                for name in self._layers:
                    cv2.dnn_unregisterLayer(name)

    def run(self, feeds: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
        """The outputs of these names, in that order."""
        del self._failures[:]
        for name, array in feeds.items():
            self.net.setInput(self._as_blob(array), name)
        found = self.net.forward(list(names))
        if self._failures:
            raise self._failures[0]
        return [None if array is None else np.array(array) for array in found]  # a net reuses its memory

    def _layer(self, island: Island) -> type:
        """The class that cv2 makes the island's layer of.

        cv2 reads the shapes without Python's lock, and never gives them back: it gets one list, always the same, that nobody
        else touches.
        """
        failures, as_blob = self._failures, self._as_blob
        shapes = [[1] if tensor is None else list(tensor[1]) or [1] for tensor in island.outputs]

        class Layer:
            def __init__(self, params: Any, blobs: Any) -> None:
                pass  # attributes and constants are the island's own

            def getMemoryShapes(self, inputs: Any) -> list[list[int]]:  # noqa: N802 - cv2 calls it so
                return shapes

            def forward(self, inputs: Any) -> list[Any]:
                try:
                    found = island.run(inputs)
                except Exception as error:  # it cannot pass through cv2: run() raises it
                    failures.append(error)
                    found = []
                found += [None] * (len(shapes) - len(found))
                arrays = [np.zeros(shape) if array is None else array for array, shape in zip(found, shapes)]
                return [
                    as_blob(np.ascontiguousarray(array, np.float32).reshape(shape))
                    for array, shape in zip(arrays, shapes)
                ]

        return Layer


class PartedNet:
    """The model as several nets, with the islands between them.

    steps, in order: an Island, or (file, inputs, outputs) of a part, its tensors as (name, shape, dtype).
    """

    def __init__(
        self,
        folder: Path,
        steps: Sequence[Any],
        read: Callable[[np.ndarray], Any],
        as_blob: Callable[[np.ndarray], Any],
    ) -> None:
        import cv2

        self._as_blob = as_blob
        self._floats_only = int(cv2.__version__.split(".")[0]) < 5
        self._steps = [
            step if isinstance(step, Island) else (read(np.fromfile(str(folder / step[0]), np.uint8)), *step[1:])
            for step in steps
        ]
        self._last_use: dict[str, int] = {}
        for number, step in enumerate(self._steps):
            self._last_use.update({t[0]: number for t in (step.reads if isinstance(step, Island) else step[1])})

    def run(self, feeds: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
        """The outputs of these names, in that order."""
        values = dict(feeds)
        for number, step in enumerate(self._steps):
            if isinstance(step, Island):
                outputs, reads = step.outputs, step.reads
                found = step.run([values[tensor[0]] for tensor in reads])
            else:
                _, reads, outputs = step
                found = self._forward(step, values)
            values.update({tensor[0]: array for tensor, array in zip(outputs, found) if tensor is not None})
            for name in {tensor[0] for tensor in reads}.difference(names):
                if self._last_use[name] == number:
                    del values[name]
        return [values[name] for name in names]

    def _forward(self, part: Any, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        net, inputs, outputs = part
        for name, _, dtype in inputs:
            array = values[name]
            if self._floats_only and np.dtype(dtype).kind != "f":
                array = array.astype(np.float32)
            net.setInput(self._as_blob(np.ascontiguousarray(array)), name)
        found = net.forward([tensor[0] for tensor in outputs])
        return [np.array(as_typed(array, *tensor)) for array, tensor in zip(found, outputs)]


def connect(
    node: str,
    kernel: Callable[..., Any],
    attributes: Mapping[str, Any],
    arrays: Mapping[str, str],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: Mapping[str, np.ndarray],
) -> Island:
    """The island of one entry of ISLANDS; its constants, and attributes that are arrays, by their names in islands.npz."""
    attributes = {**attributes, **{name: constants[key] for name, key in arrays.items()}}
    return Island(node, kernel, attributes, [constants[i] if isinstance(i, str) else i for i in inputs], outputs)
