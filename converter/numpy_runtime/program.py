"""The finished program: its text, its weights, and what was done to get there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converter.numpy_runtime.network import TensorInfo


class Runnable(Protocol):
    """What `load` in a generated numpy_model.py gives, and Program.load() too."""

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs by name. Raises ValueError for inputs that do not fit."""
        ...


@dataclass(frozen=True)
class Program:
    """A network in pure NumPy.

    source: the whole text of numpy_model.py.
    weights: what belongs into weights.npz, by name.
    inputs, outputs: in the model's order; a dimension of any length carries a name instead of a number.
    folded: what the plan did, as counts: constants, identities, batch_norms, scales_and_shifts, ...
    """

    source: str
    weights: dict[str, np.ndarray]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    folded: dict[str, int]

    def save(self, folder: str | Path) -> None:
        """Write numpy_model.py and weights.npz into the folder, which must exist: same program, same bytes."""
        folder = Path(folder)
        folder.joinpath("numpy_model.py").write_bytes(self.source.encode())
        with folder.joinpath("weights.npz").open("wb") as file:
            write_npz(file, self.weights)

    def load(self) -> Runnable:
        """The program in this process: the very text that `save` writes, executed."""
        namespace: dict[str, Any] = {"__name__": "numpy_model", "__file__": "numpy_model.py"}
        exec(compile(self.source, "numpy_model.py", "exec"), namespace)
        model: Runnable = namespace["Model"](dict(self.weights))
        return model


def write_npz(file: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """What np.savez writes, uncompressed, but without the time of day in it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
