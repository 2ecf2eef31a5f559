"""Room 1: what a checkpoint file is, without running it, and how each kind becomes a torch module.

`inspect(path)` looks, `load(source)` loads. Neither runs code that a checkpoint carries unless it is told to trust it.
torch, timm, torchvision and safetensors are imported inside the functions that need them.
"""

from __future__ import annotations

from converter.checkpoint.architecture import parse_arch_args
from converter.checkpoint.inspect import CheckpointInfo, inspect
from converter.checkpoint.load import LoadedModel, load

__all__ = ["CheckpointInfo", "LoadedModel", "inspect", "load", "parse_arch_args"]
