"""`convert verify`: a finished bundle on a real OpenCV, by its own golden inputs and PyTorch's outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.bundle import Bundle
from converter.compare import compare
from converter.opencv import IslandFiles, OpenCVWorker
from converter.targets import Target, python_for


@dataclass(frozen=True)
class Proof:
    """What one OpenCV makes of the bundle: the worst error per output, or how it failed."""

    target: str
    status: str
    errors: dict[str, float]
    reason: str

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True)
class Proofs:
    """All targets' proofs."""

    bundle: Bundle
    tolerance: float
    proofs: tuple[Proof, ...]

    @property
    def ok(self) -> bool:
        return all(proof.ok for proof in self.proofs)

    def to_json(self) -> str:
        """The result as a JSON document."""
        targets = {
            p.target: {
                "status": p.status,
                "errors": {n: e if np.isfinite(e) else None for n, e in p.errors.items()},
                "reason": p.reason,
            }
            for p in self.proofs
        }
        return json.dumps({"ok": self.ok, "tolerance": self.tolerance, "targets": targets}, indent=2)


def verify(bundle: str | Path | Bundle, *, targets: Sequence[str | Target] = ()) -> Proofs:
    """Run a bundle's golden inputs through cv2.dnn of each target and compare with PyTorch's outputs in it.

    targets default to those that the bundle was converted for, a registered interpreter by its name. Raises InputError for
    what is no intact bundle, or for a target that is not installed or registered.
    """
    opened = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    # manifests of before names were in them have none
    named = [t.get("name", f"{t['version']}-{t['engine']}") for t in opened.manifest["targets"]]
    asked = [t if isinstance(t, Target) else Target.parse(t) for t in (targets or named)]
    for target in asked:
        python_for(target)
    samples = read_golden(opened.folder / "golden.npz")
    tolerance = float(opened.manifest["verification"]["tolerance"])
    return Proofs(opened, tolerance, tuple(_prove(opened, target, samples, tolerance) for target in asked))


def read_golden(path: Path) -> list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """(inputs, PyTorch's outputs) of each golden sample."""
    samples: dict[int, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            kind, number, name = re.fullmatch(r"(input|output):(\d+):(.*)", key, re.DOTALL).groups()  # type: ignore[union-attr]
            pair = samples.setdefault(int(number), ({}, {}))
            pair[kind == "output"][name] = arrays[key]
    return [samples[number] for number in sorted(samples)]


def _prove(
    opened: Bundle,
    target: Target,
    samples: Sequence[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]],
    tolerance: float,
) -> Proof:
    names = list(samples[0][1])
    folder = opened.folder
    planned = {entry.get("name") for entry in opened.manifest["targets"] if entry.get("islands")}
    islands = IslandFiles(folder, target.name) if target.name in planned else None
    with OpenCVWorker(target, timeout=600) as worker:
        run = worker.run(folder / "model.onnx", [inputs for inputs, _ in samples], names, islands=islands)
    if run.status != "ran":
        return Proof(target.name, run.status, {}, run.error)
    errors = {
        name: max(
            compare(got[name], expected[name], reshape=True).relative
            for got, (_, expected) in zip(run.outputs, samples, strict=True)
        )
        for name in names
    }
    wrong = {name: error for name, error in errors.items() if not error <= tolerance}
    reason = ", ".join(
        f"{name}: relative difference {error:.2e}, allowed {tolerance:g}" for name, error in wrong.items()
    )
    return Proof(target.name, "wrong" if wrong else "ok", errors, reason)
