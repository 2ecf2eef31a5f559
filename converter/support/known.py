"""Faults that a probe can miss: measured to be wrong, but right by luck in some runs. They are known by their pattern.

Each detector names the engine that it was measured on, and says what was seen. Everything else is left to probes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from converter.graph import static_shape
from converter.targets import Target

Detector = Callable[[Sequence[ir.Node]], "str | None"]


def resize_of_one_row(nodes: Sequence[ir.Node]) -> str | None:
    """A linear Resize of a map with one row or column, in 5.0.0's new engine, reads beyond its end.

    Behind a convolution (block layout) 29 of 32 runs were wrong, by 5e-4 to 1e31 or NaN; the others read harmless memory.
    """
    node = nodes[-1]
    mode = node.attributes.get("mode")
    if node.op_type != "Resize" or mode is None or mode.as_string() != "linear" or node.inputs[0] is None:
        return None
    before = static_shape(node.inputs[0])
    if before is None or len(before) != 4 or 1 not in before[2:]:
        return None
    return (
        f"a linear Resize of a {before[2]}x{before[3]} map reads beyond its end: wrong in 29 of 32 runs, right by luck"
    )


DETECTORS: dict[str, tuple[Detector, ...]] = {"5.0.0": (resize_of_one_row,)}
"""Target name -> what is known to be wrong there."""


def known_fault(target: Target, nodes: Sequence[ir.Node]) -> str | None:
    """What is known to go wrong with this region on the target, or None."""
    for detector in DETECTORS.get(target.name, ()):
        if (fault := detector(nodes)) is not None:
            return fault
    return None
