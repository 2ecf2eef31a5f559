"""The finished program: its text, its weights, and what was done to get there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converter.npz import save_npz
from converter.numpy_runtime.network import Network, TensorInfo


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
    forms: which fast forms there are, what was fused into them, and how many slots their results share, as counts.
    network: what it was written from; its constants are the weights.
    batch_is_free: whether any number of items may come in.
    """

    source: str
    weights: dict[str, np.ndarray]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    folded: dict[str, int]
    forms: dict[str, int] = field(default_factory=dict)
    network: Network | None = field(default=None, repr=False, compare=False)
    batch_is_free: bool = False

    def save(self, folder: str | Path) -> None:
        """Write numpy_model.py and weights.npz into the folder, which must exist: same program, same bytes."""
        folder = Path(folder)
        folder.joinpath("numpy_model.py").write_bytes(self.source.encode())
        save_npz(folder / "weights.npz", self.weights)

    def load(self, threads: int | None = None) -> Runnable:
        """The program in this process: the very text that `save` writes, executed. By default a thread a processor."""
        namespace: dict[str, Any] = {"__name__": "numpy_model", "__file__": "numpy_model.py"}
        exec(compile(self.source, "numpy_model.py", "exec"), namespace)
        model: Runnable = namespace["Model"](dict(self.weights), threads)
        return model
