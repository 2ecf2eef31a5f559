"""Writes deploy.py: the tested code of deploy_runtime/, preprocess/execute.py and one task, and a network's facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from converter.deploy_runtime.islands import IslandBackend
from converter.deploy_runtime.program import main
from converter.preprocess import Preprocess
from converter.render import import_block, paste, render
from converter.tasks import task_named


class Tensor(Protocol):
    """An input or output of the network, such as TensorInfo."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Sequence[int | str | None] | None: ...
    @property
    def dtype(self) -> str: ...


@dataclass(frozen=True)
class TensorInfo:
    """name, shape (a dimension of any length is a name or None), and dtype by NumPy's name."""

    name: str
    shape: tuple[int | str | None, ...] | None
    dtype: str = "float32"


def render_deploy(
    *,
    name: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    preprocess: Preprocess | None,
    task: str,
    task_settings: Mapping[str, Any],
    labels: Sequence[str] | None,
    opencv: Sequence[Mapping[str, Any]],
    tolerance: float,
    numpy_tolerance: float | None = None,
    tool_version: str,
) -> str:
    """The text of deploy.py. Every value enters as a literal, so no text in it can become code.

    opencv: for each target {"version": "4.10.0", "engine": "classic" or "new", "backend": "opencv" or "numpy",
    "reason": text}, and where it needs islands.py "islands": [{"node": name, "op": operator}, ...] and its "name", which is
    that of its plan; what else it holds is left out.
    numpy_tolerance: that of NumPy, where its weights are less exact.
    Raises InputError for an unknown task, or a setting that it does not have.
    """
    found = task_named(task)
    found.check(task_settings)
    settings = {**found.settings, **task_settings}
    islands = any(target.get("islands") for target in opencv)
    pasted = paste([main, *found.functions(), *([IslandBackend] if islands else [])])
    return render(
        "deploy.py",
        imports=import_block(
            [*pasted.imports, "from pathlib import Path", "import sys"]
        ),  # the last two: the template's
        pasted=pasted,
        islands=islands,
        compares=found.compare is not None,
        name=name,
        tool_version=tool_version,
        inputs=[_triple(tensor) for tensor in inputs],
        outputs=[_triple(tensor) for tensor in outputs],
        preprocess=None if preprocess is None else preprocess.to_dict(),
        labels=None if labels is None else [str(label) for label in labels],
        settings=settings,
        rules=dict(found.rules),
        settings_in_words=", ".join(settings) or "none",
        opencv=[_verified(target) for target in opencv],
        tolerance=float(tolerance),
        numpy_tolerance=float(tolerance if numpy_tolerance is None else numpy_tolerance),
    )


def _verified(target: Mapping[str, Any]) -> dict[str, Any]:
    """As `About` holds it."""
    facts: dict[str, Any] = {key: str(target.get(key) or "") for key in ("version", "engine", "backend", "reason")}
    if target.get("islands"):
        nodes = [f"{island['op']} {island['node']}" for island in target["islands"]]
        facts["islands"] = {"plan": str(target["name"]), "nodes": nodes}
    return facts


def _triple(tensor: Tensor) -> tuple[str, tuple[int | None, ...] | None, str]:
    """As `About` holds it: None for a dimension, or a shape, that was not known."""
    shape = tensor.shape
    known = (
        None if shape is None else tuple(None if size is None or isinstance(size, str) else int(size) for size in shape)
    )
    return tensor.name, known, str(tensor.dtype)
