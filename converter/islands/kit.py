"""What a bundle with islands holds beside model.onnx."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from converter import island_net
from converter.islands.nodes import Island, islands_of
from converter.islands.parts import Part, cut_around
from converter.islands.stand_ins import StandIn, stand_ins_of
from converter.npz import save_npz
from converter.numpy_runtime import TensorInfo
from converter.numpy_runtime.kernels import KERNELS
from converter.render import paste, render
from converter.targets import Target

Mechanism = Literal["layers", "parts"]


@dataclass(frozen=True)
class Plan:
    """How one target gets its islands. steps, of "parts": what runs after what; stand_ins, of "layers": by node."""

    target: Target
    mechanism: Mechanism
    islands: tuple[Island, ...]
    steps: tuple[Island | Part, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()


@dataclass(frozen=True)
class Kit:
    """What a bundle with islands holds beside model.onnx: islands.py, the arrays of islands.npz, and parts by file name."""

    source: str
    arrays: Mapping[str, np.ndarray]
    parts: Mapping[str, bytes]
    files: Mapping[str, tuple[str, ...]]
    """Plan -> the files of its parts, in order."""

    def save(self, folder: Path) -> None:
        """Write all files into the folder, which must exist: same islands, same bytes."""
        (folder / "islands.py").write_bytes(self.source.encode())
        save_npz(folder / "islands.npz", self.arrays)
        for name, content in self.parts.items():
            (folder / name).write_bytes(content)


def mechanisms(target: Target) -> tuple[Mechanism, ...]:
    """What may work on this target, the better one first: parts cost weights twice, and copies in and out."""
    return ("layers", "parts") if target.version.startswith("4.") else ("parts",)


def plan_islands(
    target: Target, mechanism: Mechanism, model: onnx.ModelProto, serialized: bytes, names: Collection[str]
) -> Plan:
    """How these nodes become islands on one target. `model` is in the working opset, `serialized` is model.onnx."""
    islands = islands_of(model, names)
    if mechanism == "layers":
        return Plan(target, mechanism, islands, stand_ins=stand_ins_of(serialized, names))
    return Plan(target, mechanism, islands, steps=cut_around(onnx.load_from_string(serialized), islands))


def render_islands(plans: Sequence[Plan]) -> Kit:
    """islands.py, its arrays and the parts of all targets. Parts that two targets share are one file."""
    islands = {island.node: island for plan in plans for island in plan.islands}
    arrays: dict[str, np.ndarray] = {}
    entries = {node: _entry(number, island, arrays) for number, (node, island) in enumerate(islands.items())}
    parts: dict[str, bytes] = {}
    files: dict[str, tuple[str, ...]] = {}
    literals = {}
    for plan in plans:
        named = _file_parts(plan, parts)
        files[plan.target.name] = tuple(named.values())
        literals[plan.target.name] = _literal(plan, named)
    used = sorted({island.op for island in islands.values()})
    objects = [island_net.LayeredNet, island_net.PartedNet, island_net.connect, *(KERNELS[op] for op in used)]
    pasted = paste(objects)
    source = render(
        "islands.py",
        imports=pasted.imports,
        library=pasted.body.strip("\n"),
        kernels=used,
        islands=entries,
        plans=literals,
    )
    return Kit(source, arrays, parts, files)


def _file_parts(plan: Plan, parts: dict[str, bytes]) -> dict[int, str]:
    """The file of each part, by its step; new ones are added to `parts`."""
    named: dict[int, str] = {}
    known = {content: name for name, content in parts.items()}
    for number, step in enumerate(plan.steps):
        if isinstance(step, Part):
            content = step.model.SerializeToString(deterministic=True)
            named[number] = known.get(content) or f"model-{plan.target.name}-{len(named) + 1}.onnx"
            parts[named[number]] = content
    return named


def _literal(plan: Plan, files: Mapping[int, str]) -> dict[str, Any]:
    if plan.mechanism == "layers":
        return {"mechanism": "layers", "stand_ins": [(s.node, s.name, list(s.patches)) for s in plan.stand_ins]}
    steps = [
        step.node
        if isinstance(step, Island)
        else (files[number], [_triple(tensor) for tensor in step.inputs], [_triple(tensor) for tensor in step.outputs])
        for number, step in enumerate(plan.steps)
    ]
    return {"mechanism": "parts", "steps": steps}


def _entry(number: int, island: Island, arrays: dict[str, np.ndarray]) -> tuple[Any, ...]:
    """(operator, attributes, attributes that are arrays, inputs, outputs) as literals; arrays by their name in `arrays`."""
    held = {f"{number}.{name}": value for name, value in island.attributes.items() if isinstance(value, np.ndarray)}
    arrays.update(held)
    inputs: list[Any] = []
    for position, given in enumerate(island.inputs):
        if isinstance(given, np.ndarray):
            arrays[f"{number}.{position}"] = given
            inputs.append(f"{number}.{position}")
        else:
            inputs.append(None if given is None else _triple(given))
    plain = {name: value for name, value in island.attributes.items() if not isinstance(value, np.ndarray)}
    outputs = [None if tensor is None else _triple(tensor) for tensor in island.outputs]
    return island.op, plain, {key.split(".", 1)[1]: key for key in held}, inputs, outputs


def _triple(tensor: TensorInfo) -> tuple[str, tuple[Any, ...], str]:
    assert tensor.shape is not None
    return tensor.name, tuple(tensor.shape), tensor.dtype
