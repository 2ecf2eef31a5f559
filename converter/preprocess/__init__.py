"""How a picture becomes the network's input: the specification, its readers, and the NumPy code that executes it."""

from __future__ import annotations

from converter.preprocess.spec import Preprocess

__all__ = ["Preprocess"]
