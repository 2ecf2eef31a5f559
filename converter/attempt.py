"""One exporter's model with everything that was made of it and measured on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from converter.export import Exported
from converter.islands import Plan
from converter.legalize import Flag, Legalized
from converter.numpy_runtime import Program
from converter.passes import Simplified
from converter.verification import Check, Verification


@dataclass(frozen=True)
class Attempt:
    """One exporter's model, taken as far as the gate."""

    exported: Exported
    simplified: Simplified
    legalized: Legalized
    program: Program
    verification: Verification
    onnx: bytes
    opset: int
    """The opset in which `onnx` is written: the form that measured best on the targets."""
    islands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Target's name -> the names of its nodes that run in NumPy there."""
    plans: tuple[Plan, ...] = ()
    """How they do, once that was verified."""

    def shortfall(self) -> tuple[int, int, int]:
        """How many backends give other numbers, how many targets do not run the model right, and how many need islands.

        (0, 0, 0) is what is wanted.
        """
        return len(self.mismatches()), len(self.unmet()), len(self.plans)

    def unmet(self) -> list[Check]:
        """The targets whose cv2.dnn refuses the model, dies of it, or computes other numbers."""
        return [check for check in self.verification.checks if check.backend == "opencv" and not check.ok]

    def mismatches(self) -> list[Check]:
        """The backends that ran and gave other numbers."""
        return [check for check in self.verification.checks if check.status == "wrong"]

    def flags(self, *, standing: bool = True) -> list[Flag]:
        """The flags of targets that cannot run the whole model; with standing=False those that the whole model overruled.

        A node that fails alone can be right in its place: the whole model, measured, has the last word.
        """
        unmet = {check.target for check in self.unmet()}
        return [
            flag
            for flag in self.legalized.flags
            if (flag.target in unmet) == standing and flag.node not in self.islands.get(flag.target, ())
        ]
