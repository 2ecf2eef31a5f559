"""torch2cv: PyTorch models that run in OpenCV's cv2.dnn and in pure NumPy, with PyTorch's numbers.

    import converter
    bundle = converter.convert("model.pth", arch="timm:resnet18", targets=["4.10.0", "5.0.0"], out="resnet18-opencv")

The names below load when first used: importing this package loads neither torch nor cv2.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converter.bundle import Bundle
    from converter.checking import check
    from converter.errors import (
        ArchitectureError,
        CheckpointError,
        ConversionError,
        ConverterError,
        ExportError,
        InputError,
        MismatchError,
        OutputError,
        PreprocessError,
        TargetError,
        UnsafeCheckpointError,
        UnsupportedOpError,
    )
    from converter.pipeline import convert
    from converter.preprocess import Preprocess
    from converter.proving import verify
    from converter.targets import Target

_HOME = {
    "Bundle": "bundle",
    "check": "checking",
    "convert": "pipeline",
    "Preprocess": "preprocess",
    "Target": "targets",
    "verify": "proving",
    **dict.fromkeys(
        (
            "ArchitectureError",
            "CheckpointError",
            "ConversionError",
            "ConverterError",
            "ExportError",
            "InputError",
            "MismatchError",
            "OutputError",
            "PreprocessError",
            "TargetError",
            "UnsafeCheckpointError",
            "UnsupportedOpError",
        ),
        "errors",
    ),
}

__all__ = [
    "ArchitectureError",
    "Bundle",
    "CheckpointError",
    "ConversionError",
    "ConverterError",
    "ExportError",
    "InputError",
    "MismatchError",
    "OutputError",
    "Preprocess",
    "PreprocessError",
    "Target",
    "TargetError",
    "UnsafeCheckpointError",
    "UnsupportedOpError",
    "check",
    "convert",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'converter' has no attribute {name!r}")
    return getattr(importlib.import_module(f"converter.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
