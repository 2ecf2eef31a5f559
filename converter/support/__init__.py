"""Step 4: what cv2.dnn can run, as measured.

A table answers one question, about a region of nodes: does this target compute it right? It always shows its evidence. What
was not measured is "unmeasured", never "ok".

SupportTable loads when first used, and onnx with it: the tables alone can be read without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.support.verdict import Status, Verdict

if TYPE_CHECKING:
    from converter.support.knowledge import SupportTable

__all__ = ["Status", "SupportTable", "Verdict"]


def __getattr__(name: str) -> Any:
    if name != "SupportTable":
        raise AttributeError(f"module 'converter.support' has no attribute {name!r}")
    from converter.support.knowledge import SupportTable

    return SupportTable
