"""What deploy.py knows about its network: literals that were filled in when it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class CannotRunError(RuntimeError):
    """This network does not run here as asked. The text says why."""


class UsageError(Exception):
    """The command line, or a file that it names, cannot be used. The text says why."""


@dataclass(frozen=True)
class About:
    """inputs, outputs: (name, shape, dtype) of each tensor; lengths that are not fixed, and shapes, may be None.

    preprocess: Preprocess.to_dict(), None where the network takes no pictures.
    settings: of the task, all with their values; rules: what each may be (see `check_setting`). opencv: one dict a verified
    OpenCV: version, engine ("classic" or "new"), backend ("opencv", or "numpy" where that version was not met) and reason.
    tolerance: the most that max |difference| over max |PyTorch's output| may be; numpy_tolerance: NumPy's, whose weights may be
    stored in half precision.
    """

    name: str
    tool_version: str
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    preprocess: Any
    labels: Any
    settings: Mapping[str, Any]
    rules: Mapping[str, Any]
    opencv: Sequence[Mapping[str, Any]]
    tolerance: float
    numpy_tolerance: float
    postprocess: Callable[..., Any]
    draw: Callable[..., Any]
    describe: Callable[..., str]
    compare: Any  # of two results; None where the task has none

    @property
    def output_names(self) -> list[str]:
        return [name for name, _, _ in self.outputs]
