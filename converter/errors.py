"""Every error that torch2cv raises on purpose. Anything else that escapes is our bug.

ConverterError
├── InputError                 exit 2: a file, an option or a value that cannot be used
│   ├── CheckpointError            the checkpoint is missing, damaged or of a kind that we cannot read
│   │   └── UnsafeCheckpointError  loading it would run code, and nobody said --trust
│   ├── ArchitectureError          --arch / --arch-args give no module, or one that the weights do not fit
│   ├── PreprocessError            a preprocessing that cannot be carried over
│   ├── TargetError                an OpenCV version that does not exist or is not installed
│   └── OutputError                the bundle cannot be written there, or is not a bundle
└── ConversionError            exit 3: the input is fine, but cannot be converted as asked
    ├── ExportError                no exporter made an ONNX model of it
    ├── UnsupportedOpError         a node that no target's cv2.dnn runs, and --strict
    └── MismatchError              the numbers differ from PyTorch's
"""

from __future__ import annotations


class ConverterError(Exception):
    """What failed, what was measured, what to do next: three parts, always.

    Parameters
    ----------
    what: one line: what cannot be done, and with which file, option or node.
    measured: what was found there, and what was expected.
    do: at least one next step, each a line that can be acted on.
    """

    exit_code = 3

    def __init__(self, what: str, *, measured: str, do: tuple[str, ...]) -> None:
        if not do:
            raise ValueError("an error needs a next step")
        self.what = what
        self.measured = measured
        self.do = do
        super().__init__(what)

    def __str__(self) -> str:
        measured = self.measured.replace("\n", "\n            ")
        return "\n".join([self.what, f"  measured: {measured}", *(f"  do:       {step}" for step in self.do)])

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.measured, self.do)


def _rebuild(kind: type[ConverterError], what: str, measured: str, do: tuple[str, ...]) -> ConverterError:
    return kind(what, measured=measured, do=do)


class InputError(ConverterError):
    """A file, an option or a value that cannot be used."""

    exit_code = 2


class CheckpointError(InputError):
    """The checkpoint is missing, damaged or of a kind that we cannot read."""


class UnsafeCheckpointError(CheckpointError):
    """Loading the checkpoint would run code that it names, and nobody said --trust."""


class ArchitectureError(InputError):
    """--arch / --arch-args give no module, or one that the weights do not fit."""


class PreprocessError(InputError):
    """A preprocessing that cannot be carried over."""


class TargetError(InputError):
    """An OpenCV version that does not exist or is not installed."""


class OutputError(InputError):
    """The bundle cannot be written there, or what lies there is not a bundle."""


class ConversionError(ConverterError):
    """The input is fine, but it cannot be converted as asked."""


class ExportError(ConversionError):
    """No exporter made an ONNX model of the module."""


class UnsupportedOpError(ConversionError):
    """A node that a target's cv2.dnn does not run, and --strict."""


class MismatchError(ConversionError):
    """The numbers differ from PyTorch's by more than the tolerance."""
