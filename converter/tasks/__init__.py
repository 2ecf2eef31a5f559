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
from converter.tasks._settings import check_setting, parse_setting

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

    def read(self, settings: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
        """The settings by name, checked; texts are NAME=VALUE. Raises InputError."""
        if isinstance(settings, Mapping):
            self.check(settings)
            return dict(settings)
        texts = dict(text.partition("=")[::2] for text in settings)
        self.check({name: self.settings.get(name) for name in texts})
        found = {}
        for name, text in texts.items():
            try:
                found[name] = parse_setting(name, text, self.rules[name])
            except ValueError as error:
                raise self._refused(name, error) from error
        return found

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
                raise self._refused(name, error) from error

    def _refused(self, name: str, error: ValueError) -> InputError:
        return InputError(
            f"the task {self.name} cannot have this setting {name}",
            measured=str(error),
            do=(f"leave it out: its default is {self.settings[name]!r}",),
        )


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


def guess_task(outputs: Mapping[str, tuple[int, ...]], input_shape: tuple[int, ...], labels: int | None = None) -> str:
    """What a network with these output shapes, by name, most likely does with an input of `input_shape`.

    One output (batch, classes): classification. One output (batch, classes, height, width), two classes or more, with a
    quarter of the input's edges or more, from an input of rank 4: segmentation; so are two of them called "out" and "aux",
    as torchvision's. With `labels`, how many there are: one output (batch, 4 + labels, cells), as many cells as strides of
    8, 16 and 32 make of the input, is detection, and with prototypes (batch, M, height / 4, width / 4) beside 4 + labels + M
    numbers it is instance segmentation. Without labels such outputs may be keypoints or turned boxes. Anything else: raw.
    """
    shapes = list(outputs.values())
    if _is_yolov8(shapes, input_shape, labels):
        return "detection" if len(shapes) == 1 else "instance_segmentation"
    if list(outputs) == ["out", "aux"] and shapes[0] == shapes[1]:
        shapes = shapes[:1]
    if len(shapes) != 1:
        return "raw"
    (shape,) = shapes
    if len(shape) == 2 and shape[1] > 1:
        return "classification"
    if len(shape) == 4 and len(input_shape) == 4 and shape[1] > 1:
        like_input = all(4 * found >= whole for found, whole in zip(shape[2:], input_shape[2:], strict=True))
        return "segmentation" if like_input else "raw"
    return "raw"


def _is_yolov8(shapes: Sequence[tuple[int, ...]], input_shape: tuple[int, ...], labels: int | None) -> bool:
    """Boxes of all cells with as many scores as labels, and perhaps prototypes?"""
    if labels is None or len(input_shape) != 4 or not 1 <= len(shapes) <= 2 or len(shapes[0]) != 3:
        return False
    height, width = input_shape[2:]
    cells = sum(-(-height // stride) * -(-width // stride) for stride in (8, 16, 32))
    factors = 0
    if len(shapes) == 2:
        if len(shapes[1]) != 4 or shapes[1][2:] != (-(-height // 4), -(-width // 4)):
            return False
        factors = shapes[1][1]
    return shapes[0][1:] == (4 + labels + factors, cells)
