"""Islands: nodes that run as NumPy kernels on a target whose cv2.dnn does not run them right. model.onnx stays as it is.

Two ways lead into the net, both in `island_net`, which islands.py of the bundle is made of. "layers": the island is a layer
of the net that calls back into Python; its operator gets another name of equal length in the bytes in memory, since
importers look for operators before they look for registered layers. "parts": the model is cut around the islands, each part
a file of its own. 4.x can do the first, with few exceptions; 5.0 asks a Python layer for no shapes and needs the second.
"""

from __future__ import annotations

from converter.islands.kit import Kit, Mechanism, Plan, mechanisms, plan_islands, render_islands
from converter.islands.nodes import Island, islands_of
from converter.islands.running import run_with_islands

__all__ = [
    "Island", "Kit", "Mechanism", "Plan", "islands_of", "mechanisms", "plan_islands", "render_islands", "run_with_islands",
]  # fmt: skip
