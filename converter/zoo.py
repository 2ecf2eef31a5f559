"""Recipes: how a known network is converted, one TOML file of model_zoo/ each. A recipe holds no weights.

A recipe names the architecture, the input, the preprocessing that its published weights were made for, the task, the
labels, and where the weights come from. `recipes()` reads them all, `recipe(name)` one. Well-known lists of labels lie in
model_zoo/labels/, one label a line.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.errors import InputError
from converter.preprocess import Preprocess
from converter.resources import resource

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_REQUIRED = {"name": str, "arch": str, "input": list, "preprocess": (str, dict), "task": str, "source": dict}
_OPTIONAL = {
    "arch_args": dict, "settings": dict, "requires": str, "classes": int, "labels": (str, list), "checkpoint": str,
    "refused": str, "notes": str,
}  # fmt: skip
_SOURCE = {"project": str, "page": str, "licence": str}
_SOURCE_OPTIONAL = {"weights": str, "file": str, "sha256": str, "paper": str}


@dataclass(frozen=True)
class Source:
    """Where the weights are published: the project, its page, the name of the weights there, the licence it states.

    `file` is the published file's name. `sha256` is its hash in hexadecimal digits, or the beginning of it where no more
    is known (8 digits or more: torchvision writes them into its files' names).
    """

    project: str
    page: str
    licence: str
    weights: str | None = None
    file: str | None = None
    sha256: str | None = None
    paper: str | None = None

    def published(self, checkpoint: Path) -> bool | None:
        """Is this the published file, by its hash? None where the hash is not known."""
        if self.sha256 is None:
            return None
        digest = hashlib.sha256()
        with checkpoint.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest().startswith(self.sha256)


@dataclass(frozen=True)
class Recipe:
    """How one network is converted.

    `arch` is what --arch takes, file paths absolute; `requires` is what to install for it, None for nothing but timm or
    torchvision. `input` is the shape of a batch of one. `settings` are the task's. `labels` are the class names, None
    where the task has none; `label_set` is the name of the well-known list they are. `checkpoint` is a file that comes
    with the zoo, None for weights that are published elsewhere (`source`). `refused` says why the network cannot be
    converted, None where nothing is known against it.
    """

    name: str
    arch: str
    input: tuple[int, ...]
    preprocess: Preprocess
    task: str
    source: Source
    arch_args: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    requires: str | None = None
    classes: int | None = None
    labels: tuple[str, ...] | None = None
    label_set: str | None = None
    checkpoint: Path | None = None
    refused: str | None = None
    notes: str = ""

    def with_size(self, height: int, width: int) -> Recipe:
        """The recipe for pictures of another size: input and preprocessing follow, and an architecture's argument `side`.

        A shorter edge that is cropped keeps its ratio to the crop. Raises InputError where the architecture takes squares only.
        """
        old, new = self.preprocess.size, (height, width)
        if "side" in self.arch_args and height != width:
            raise InputError(
                f"the recipe {self.name} takes squares only",
                measured=f"its architecture has the argument side = {self.arch_args['side']}; asked for: {height}x{width}",
                do=(f"give a square: --size {max(new)}x{max(new)}",),
            )
        resized = self.preprocess.resize_size
        if isinstance(resized, int):
            resized = round(resized * min(new) / min(old))
        elif resized is not None:
            resized = (round(resized[0] * height / old[0]), round(resized[1] * width / old[1]))
        cropped = new if self.preprocess.crop is not None else None
        return dataclasses.replace(
            self,
            input=(*self.input[:2], height, width),
            preprocess=dataclasses.replace(self.preprocess, size=new, resize_size=resized, crop=cropped),
            arch_args={**self.arch_args, **({"side": height} if "side" in self.arch_args else {})},
        )

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold, with the keys of a recipe's file; paths as text."""
        values = {key: value for key, value in dataclasses.asdict(self).items() if value not in (None, {}, "")}
        values["preprocess"] = self.preprocess.to_dict()
        values["source"] = {key: value for key, value in values["source"].items() if value is not None}
        if self.checkpoint is not None:
            values["checkpoint"] = str(self.checkpoint)
        return values


def recipes() -> dict[str, Recipe]:
    """Every recipe, by name, in alphabetical order. Raises InputError for a file that is not a valid recipe."""
    return {path.stem: read(path) for path in _files()}


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises InputError that offers close names."""
    found = {path.stem: path for path in _files()}
    if name not in found:
        close = difflib.get_close_matches(name, found, n=3, cutoff=0.6)
        raise InputError(
            f"there is no recipe called {name}",
            measured=f"{len(found)} recipes, none of that name",
            do=(f"take {' or '.join(close)}" if close else "convert zoo lists them", f"or write model_zoo/{name}.toml"),
        )
    return read(found[name])


def _files() -> list[Path]:
    return sorted(resource("model_zoo").glob("*.toml"), key=lambda path: path.stem)


def read(path: Path) -> Recipe:
    """The recipe in a file. Paths in it are relative to the file's folder. Raises InputError, PreprocessError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(path, f"{type(error).__name__}: {error}") from error
    _check(path, table, _REQUIRED, _OPTIONAL, "")
    _check(path, table["source"], _SOURCE, _SOURCE_OPTIONAL, "source.")
    shape = tuple(table["input"])
    if len(shape) < 2 or not all(type(size) is int and size > 0 for size in shape):
        raise _invalid(path, f"input is {table['input']}, expected whole numbers above 0, batch first")
    if table["name"] != path.stem:
        raise _invalid(path, f"name is {table['name']}, expected the file's own, {path.stem}")
    sha256 = table["source"].get("sha256")
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{8,64}", sha256):
        raise _invalid(path, f"source.sha256 is {sha256}, expected 64 hexadecimal digits, or the first 8 or more")
    labels, label_set = _labels(path, table.get("labels"))
    classes = table.get("classes", len(labels) if labels else None)
    if labels and classes != len(labels):
        raise _invalid(path, f"classes is {classes}, but there are {len(labels)} labels")
    return Recipe(
        name=table["name"],
        arch=_arch(path, table["arch"]),
        input=shape,
        preprocess=_preprocess(table["preprocess"], shape),
        task=table["task"],
        source=Source(**table["source"]),
        arch_args=table.get("arch_args", {}),
        settings=table.get("settings", {}),
        requires=table.get("requires"),
        classes=classes,
        labels=labels,
        label_set=label_set,
        checkpoint=_beside(path, table["checkpoint"]) if "checkpoint" in table else None,
        refused=table.get("refused"),
        notes=table.get("notes", ""),
    )


def _check(
    path: Path, table: Mapping[str, Any], required: Mapping[str, Any], optional: Mapping[str, Any], at: str
) -> None:
    if missing := [key for key in required if key not in table]:
        raise _invalid(path, f"missing: {', '.join(at + key for key in missing)}")
    known = {**required, **optional}
    if unknown := [key for key in table if key not in known]:
        raise _invalid(path, f"unknown: {', '.join(at + key for key in unknown)}; known: {', '.join(known)}")
    for key, value in table.items():
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise _invalid(path, f"{at}{key} is a {type(value).__name__}")


def _invalid(path: Path, measured: str) -> InputError:
    return InputError(
        f"{path.name} is not a valid recipe",
        measured=measured,
        do=("write it as the other files of model_zoo/ are written",),
    )


def _preprocess(spec: str | dict[str, Any], shape: tuple[int, ...]) -> Preprocess:
    if isinstance(spec, str):
        return Preprocess.parse(spec, shape=shape)
    return Preprocess.from_dict({"size": list(shape[-2:]), **spec})


def _labels(path: Path, value: str | list[Any] | None) -> tuple[tuple[str, ...] | None, str | None]:
    """(labels, name of the well-known list): a list, a text file beside the recipe with one label a line, or that name."""
    if value is None:
        return None, None
    if isinstance(value, list):
        if not all(isinstance(label, str) for label in value):
            raise _invalid(path, "labels holds something that is no text")
        return tuple(value), None
    if value.endswith(".txt"):
        return tuple(_beside(path, value).read_text(encoding="utf-8").splitlines()), None
    sets = {file.stem: file for file in (resource("model_zoo") / "labels").glob("*.txt")}
    if value not in sets:
        raise _invalid(path, f"labels is {value}, expected a list, a .txt file or one of {', '.join(sorted(sets))}")
    return tuple(sets[value].read_text(encoding="utf-8").splitlines()), value


def _arch(path: Path, spec: str) -> str:
    """File paths in --arch made absolute; timm:, torchvision: and modules as they are."""
    where, _, name = spec.rpartition(":")
    return f"{_beside(path, where)}:{name}" if where.endswith(".py") else spec


def _beside(path: Path, name: str) -> Path:
    file = path.parent / name
    if not file.is_file():
        raise _invalid(path, f"there is no {name} beside it")
    return file
