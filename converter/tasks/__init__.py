"""What is made of a network's outputs: one file per task, found automatically.

A task is a module with three functions that deploy.py gets as they stand (so they import numpy, and cv2 inside `draw`):

    postprocess(outputs, image_bgr, *, labels=None, region=None, input_size=None, ...) -> dict that JSON can hold
    draw(image_bgr, result) -> uint8 (H, W, 3) BGR, a new picture
    describe(result) -> one line for people

and, where they make sense, `compare(first, second)` of two results (numbers by name), CHOICES (the values that settings
may have) and `class_count(output shapes, settings)` (how many labels fit). What JSON cannot hold are the arrays of maps and
pictures; deploy.py's --json describes them.

`outputs` are the network's outputs by name, in order, for one sample (axis 0 is 1); `image_bgr` is None where the input
was no picture; `region` is (left, top, right, bottom) of the part of the picture that the network saw, in pixels: it reaches
outside of the picture where that was padded. `input_size` is (height, width) of the network's input, None where it has none.
Further keywords of `postprocess` are the task's settings.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from converter.errors import InputError
from converter.tasks._settings import check_setting

COMMON = ("labels", "region", "input_size")  # keywords of every task that are no settings


@dataclass(frozen=True)
class Task:
    """A task's functions, its settings with their defaults, and what each may be (see `_settings`)."""

    name: str
    postprocess: Callable[..., dict[str, Any]]
    draw: Callable[..., Any]
    describe: Callable[..., str]
    settings: Mapping[str, Any]
    rules: Mapping[str, Any]
    compare: Callable[..., dict[str, float]] | None
    class_count: Callable[..., int | None]

    def functions(self) -> list[Callable[..., Any]]:
        """Those that deploy.py gets."""
        return [self.postprocess, self.draw, self.describe, *([self.compare] if self.compare else [])]

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for a setting that the task does not have, or a value that it cannot have."""
        if unknown := sorted(set(settings) - set(self.settings)):
            raise InputError(
                f"the task {self.name} has no setting {', '.join(unknown)}",
                measured=f"its settings: {', '.join(self.settings) or 'none'}",
                do=("use one of its settings",),
            )
        for name, value in settings.items():
            try:
                check_setting(name, value, self.rules[name])
            except ValueError as error:
                raise InputError(
                    f"the task {self.name} cannot have the setting {name}",
                    measured=str(error),
                    do=(f"its default is {self.settings[name]!r}",),
                ) from error


def _task(module: ModuleType) -> Task:
    parameters = inspect.signature(module.postprocess).parameters.values()
    settings = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in COMMON}
    choices = getattr(module, "CHOICES", {})
    return Task(
        name=module.__name__.rsplit(".", 1)[-1],
        postprocess=module.postprocess,
        draw=module.draw,
        describe=module.describe,
        settings={name: found.default for name, found in settings.items()},
        rules={name: list(choices.get(name, ())) or found.annotation.lower() for name, found in settings.items()},
        compare=getattr(module, "compare", None),
        class_count=getattr(module, "class_count", _unknown_count),
    )


def _unknown_count(shapes: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> int | None:
    return None


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
