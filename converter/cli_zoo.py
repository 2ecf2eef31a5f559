"""The commands about models that are known: `convert zoo` and `convert demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from converter.cli_parts import JsonOption, StrictOption, TargetOption, TrustOption, farewell, new_progress, print_table


def register(app: typer.Typer) -> None:
    """Give the commands to the program."""
    app.command()(demo)
    app.command()(zoo)


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the three bundles go.")] = Path(
        "digits-opencv"
    ),
    target: TargetOption = None,
) -> None:
    """Convert three embedded models (digits: read, found, outlined) and run them on real scans, by OpenCV and by NumPy."""
    from converter.demo import demo as run

    progress = new_progress()
    try:
        print(run(out=out, targets=target or (), progress=progress))
    finally:
        progress.stop()


def zoo(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A recipe: it is shown.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Argument(metavar="[CHECKPOINT]", help="Weights for it: they are converted as it says.")
    ] = None,
    target: TargetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            help="The bundle's folder; without CHECKPOINT: converts the zoo's own weights.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Another input size than the recipe's, such as 416x640.")
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="List only the recipes of that task.")] = None,
    trust: TrustOption = False,
    strict: StrictOption = False,
    json: JsonOption = False,
) -> None:
    """List the recipes of known models, show one, or convert a checkpoint as a recipe says."""
    from json import dumps

    from converter.zoo import recipe, recipes

    if name is None:
        if task is not None:
            from converter.tasks import task_named

            task_named(task)
        found = [known for known in recipes().values() if task in (None, known.task)]
        if json:
            print(dumps([known.to_dict() for known in found], indent=2))
        else:
            print_table(("recipe", "task", "input", "weights", "licence"), [_row(known) for known in found])
        return
    known = recipe(name)
    if size is not None:
        known = known.with_size(*_size(size))
    if checkpoint is None and out is None:
        if json:
            print(dumps(known.to_dict(), indent=2))
        else:
            print_table(("", known.name), _facts(known))
        return
    from converter.from_recipe import convert_recipe

    progress = new_progress()
    try:
        bundle = convert_recipe(
            known, checkpoint, targets=target or (), out=out, trust=trust, strict=strict, progress=progress
        )
    finally:
        progress.stop()
    farewell(bundle, progress)


def _size(text: str) -> tuple[int, int]:
    """(height, width) of "416x640". Raises InputError."""
    import re

    from converter.errors import InputError

    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if found is None:
        raise InputError(
            f"{text!r} is not a size", measured="expected height x width, both above 0", do=("--size 416x640",)
        )
    return int(found[1]), int(found[2])


def _row(known: Any) -> tuple[str, ...]:
    """A recipe as a line of the list."""
    import re
    from textwrap import shorten

    weights = "here" if known.checkpoint else ("refused" if known.refused else known.source.project.split(" (")[0])
    licence = shorten(re.split(r"[(;,:]", known.source.licence)[0], 24, placeholder=" ...")
    return known.name, known.task, "x".join(map(str, known.input)), weights, licence


def _arch(known: Any) -> str:
    """--arch, without the folders that lead to a file of the zoo."""
    where, colon, name = known.arch.rpartition(":")
    return f"{Path(where).name}{colon}{name}" if where.endswith(".py") else str(known.arch)


def _facts(known: Any) -> list[tuple[str, str]]:
    """All of a recipe, a line for each fact."""
    source = known.source
    labels = None if known.labels is None else known.label_set or ", ".join(known.labels)
    facts = {
        "task": known.task,
        "settings": _pairs(known.settings),
        "architecture": _arch(known),
        "arguments": _pairs(known.arch_args),
        "requires": known.requires,
        "input": "x".join(map(str, known.input)),
        "preprocess": known.preprocess.describe(),
        "labels": labels,
        "project": source.project,
        "page": source.page,
        "weights": source.weights,
        "file": source.file,
        "SHA-256": source.sha256 and source.sha256 + (" ..." if len(source.sha256) < 64 else ""),
        "paper": source.paper,
        "licence": source.licence,
        "notes": known.notes,
        "cannot be converted": known.refused,
        "convert": None if known.refused else f"convert zoo {known.name} " + _weights(known),
    }
    return [(key, str(value)) for key, value in facts.items() if value]


def _weights(known: Any) -> str:
    return f"-o {known.name}-opencv" if known.checkpoint else str(known.source.file or "CHECKPOINT")


def _pairs(table: Any) -> str:
    return ", ".join(f"{key} = {value}" for key, value in table.items())
