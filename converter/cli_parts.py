"""What the modules of the command line share: options, tables, the last words after a conversion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from converter.console import ConsoleProgress

TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="V",
        help="OpenCV version, such as 4.10.0 or 5.0.0-classic; repeatable. Default: the installed one.",
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Run the code that the checkpoint names. Only for files whose origin you know."),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Refuse when a target's cv2.dnn cannot run the model, instead of using NumPy there."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def new_progress() -> ConsoleProgress:
    """What tells the steps on standard error."""
    from converter.console import ConsoleProgress

    return ConsoleProgress()


def farewell(bundle: Any, progress: ConsoleProgress) -> None:
    """The result on standard output, what to do next on standard error."""
    print(bundle.folder)
    for used in bundle.manifest["targets"]:
        if used["backend"] == "numpy":
            progress.note(f"OpenCV {used['name']} cannot run this model, deploy.py uses NumPy there: {used['reason']}")
    source = "photo.jpg" if bundle.manifest["preprocess"] else "input.npy"
    progress.note(f"next: python {bundle.folder / 'deploy.py'} {source}")


def print_table(head: tuple[str, ...], rows: list[Any]) -> None:
    """A table on standard output; not cut to a width where that is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160).print(table)
