"""What is made of a network's outputs: one file per task, found automatically.

A task is a module with three functions that deploy.py gets as they stand (so they import numpy, and cv2 inside `draw`):

    postprocess(outputs, image_bgr, *, labels=None, region=None, input_size=None, ...) -> dict that JSON can hold
    draw(image_bgr, result) -> uint8 (H, W, 3) BGR, a new picture
    describe(result) -> one line for people

`outputs` are the network's outputs by name, in order, for one sample (axis 0 is 1); `image_bgr` is None where the input
was no picture; `region` is (left, top, right, bottom) of the part of the picture that the network saw, in pixels: it reaches
outside of the picture where that was padded. `input_size` is (height, width) of the network's input, None where it has none.
Further keywords of `postprocess` are the task's settings.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from converter.errors import InputError

COMMON = ("labels", "region", "input_size")  # keywords of every task that are no settings


@dataclass(frozen=True)
class Task:
    """A task's three functions, and its settings with their defaults."""

    name: str
    postprocess: Callable[..., dict[str, Any]]
    draw: Callable[..., Any]
    describe: Callable[..., str]
    settings: Mapping[str, Any]

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for a setting that the task does not have."""
        if unknown := sorted(set(settings) - set(self.settings)):
            raise InputError(
                f"the task {self.name} has no setting {', '.join(unknown)}",
                measured=f"its settings: {', '.join(self.settings) or 'none'}",
                do=("use one of its settings",),
            )


def _task(module: ModuleType) -> Task:
    parameters = inspect.signature(module.postprocess).parameters.values()
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in COMMON}
    name = module.__name__.rsplit(".", 1)[-1]
    return Task(name, module.postprocess, module.draw, module.describe, settings)


TASKS: dict[str, Task] = {
    found.name: _task(importlib.import_module(f"{__name__}.{found.name}"))
    for found in pkgutil.iter_modules(__path__)
    if not found.name.startswith("_")
}


def task_names() -> tuple[str, ...]:
    """The names of all tasks, sorted."""
    return tuple(sorted(TASKS))


def task_named(name: str) -> Task:
    """The task called `name`. Raises InputError, with the names there are."""
    if name not in TASKS:
        raise InputError(
            f"there is no task {name!r}",
            measured=f"known: {', '.join(task_names())}",
            do=("--task raw gives the outputs as they are",),
        )
    return TASKS[name]


def guess_task(outputs: Mapping[str, tuple[int, ...]], input_shape: tuple[int, ...]) -> str:
    """What a network with these output shapes, by name, most likely does with an input of `input_shape`.

    One output (batch, classes): classification. One output (batch, classes, height, width), two classes or more, with a
    quarter of the input's edges or more, from an input of rank 4: segmentation. Anything else: raw.
    """
    if len(outputs) != 1:
        return "raw"
    (shape,) = outputs.values()
    if len(shape) == 2 and shape[1] > 1:
        return "classification"
    if len(shape) == 4 and len(input_shape) == 4 and shape[1] > 1:
        like_input = all(4 * found >= whole for found, whole in zip(shape[2:], input_shape[2:], strict=True))
        return "segmentation" if like_input else "raw"
    return "raw"
