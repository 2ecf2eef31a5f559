"""The command line: one command per public function, options named like its parameters.

`convert CHECKPOINT` is the main verb: what is not a subcommand's name goes to it. Progress and prose go to standard error,
results to standard output. Exit codes: 0 done, 2 bad input or usage, 3 cannot be converted as asked.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from converter import cli_zoo
from converter.cli_parts import JsonOption, StrictOption, TargetOption, TrustOption, farewell, new_progress, print_table

OVERVIEW = """Convert PyTorch models so that they run in OpenCV (cv2.dnn) and in pure NumPy, with PyTorch's numbers.

**convert CHECKPOINT** is the main command (short for **convert model CHECKPOINT**, whose --help lists every option).
It ends with a folder that was proven on the OpenCV versions you name: model.onnx, a pure-NumPy twin, a ready deploy.py.

Try it: **convert demo**

    convert resnet18.pth --arch timm:resnet18
    convert net.pth --arch mymodels.py:build --arch-args '{"classes": 5}' --input 1x3x160x160
    convert net.pth --arch torchvision:resnet50 --target 4.10.0 --target 5.0.0 --labels names.txt -o bundle

Exit codes: 0 done, 2 bad input or usage, 3 the model cannot be converted or does not match.
"""

app = typer.Typer(
    help=OVERVIEW,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
targets_app = typer.Typer(
    help="The OpenCV versions that can be targets, their environments, and interpreters of your own.",
    invoke_without_command=True,
)
app.add_typer(targets_app, name="targets")
cli_zoo.register(app)


def _show_version(value: bool) -> None:
    if value:
        from converter.manifest import version

        print(f"torch2cv {version()}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("model")
def model_command(
    model: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A .pth, .pt or .safetensors file.")],
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="What the weights belong to: timm:NAME, torchvision:NAME, package.module:callable or file.py:callable.",
        ),
    ] = None,
    arch_args: Annotated[
        str | None, typer.Option(metavar="JSON", help="Keyword arguments for it, such as '{\"num_classes\": 5}'.")
    ] = None,
    input: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHAPE", help="Input shape, batch first: 1x3x224x224, or 1x77:int64; once for each input."
        ),
    ] = None,
    target: TargetOption = None,
    preprocess: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="How a picture becomes the input: imagenet[:256/224], unit, none, letterbox, timm, torchvision:WEIGHTS, "
            "a file (.json, .toml; Hugging Face's), package.module:transform or file.py:transform (run it). +fast: cv2.resize.",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What deploy.py makes of the outputs: classification, detection, raw, ..."),
    ] = None,
    task_settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the task, such as head=yolov5; repeatable."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class names: one a line, or a JSON list.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="X", help="The gate: max |difference| over max |PyTorch's output|.")
    ] = 1e-4,
    weights: Annotated[
        str,
        typer.Option(
            metavar="TYPE", help="How weights.npz, NumPy's, holds them: float32, or float16 (half the size, measured)."
        ),
    ] = "float32",
    trust: TrustOption = False,
    strict: StrictOption = False,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="After this, no further rewrite or exporter is tried.")
    ] = 900.0,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="DIR", help="The bundle's folder.")] = None,
) -> None:
    """Convert a checkpoint into a bundle that was proven on every target. Writing this word is optional."""
    from converter.checkpoint import parse_arch_args
    from converter.pipeline import convert

    progress = new_progress()
    try:
        bundle = convert(
            model,
            arch=arch,
            arch_args=parse_arch_args(arch_args) if arch_args is not None else None,
            example=input,
            targets=target or (),
            preprocess=preprocess,
            task=task,
            task_settings=task_settings,
            labels=labels,
            tolerance=tolerance,
            weights=weights,
            trust=trust,
            strict=strict,
            time_limit=time_limit,
            out=out,
            progress=progress,
        )
    finally:
        progress.stop()
    farewell(bundle, progress)


@app.command()
def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An .onnx file, or a bundle's folder.")],
    target: TargetOption = None,
    input: Annotated[
        list[str] | None, typer.Option(metavar="SHAPE", help="Input shape, where the file leaves it open: 1x3x224x224.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say which nodes of an ONNX model each OpenCV runs right, and the whole file. Exit 3 when one does not run."""
    from converter.checking import check as run

    progress = new_progress()
    try:
        report = run(model, targets=target or (), example=input, progress=progress)
    finally:
        progress.stop()
    if json:
        print(report.to_json())
    else:
        print_table(("op", "OpenCV", "verdict", "nodes", "measured"), report.rows())
    raise typer.Exit(0 if report.ok else 3)


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder that convert wrote.")],
    target: TargetOption = None,
    json: JsonOption = False,
) -> None:
    """Run a bundle on a real OpenCV of each version and compare with PyTorch's numbers in it. Exit 3 when they differ."""
    from converter.proving import verify as run

    proofs = run(bundle, targets=target or ())
    if json:
        print(proofs.to_json())
    else:
        rows = [
            (p.target, p.status, ", ".join(f"{name} {error:.1e}" for name, error in p.errors.items()), p.reason)
            for p in proofs.proofs
        ]
        print_table(("OpenCV", "result", "relative error", "why"), rows)
    raise typer.Exit(0 if proofs.ok else 3)


@app.command()
def sweep(
    list: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A model a line: an architecture (random weights) or a checkpoint, with --arch, --arch-args, --input.",
        ),
    ],
    target: TargetOption = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", help="One result a model; what is there is not run again.")
    ] = Path("sweep"),
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Models at a time. Default: one a core.")] = None,
    time_limit: Annotated[float, typer.Option(metavar="SECONDS", help="For each model's search.")] = 900.0,
    json: JsonOption = False,
) -> None:
    """Try many models on many OpenCVs, without writing bundles. Exit 3 when one is not right everywhere."""
    import os
    from json import dumps

    from converter.sweep import outcome_of, read_list, summary
    from converter.sweep import sweep as run
    from converter.targets import Target, default_targets, python_for

    names = target or [found.name for found in default_targets()]
    for name in names:
        python_for(Target.parse(name))
    progress = new_progress()
    progress.start("sweep")

    def tell(done: int, count: int, result: Any) -> None:
        found = ", ".join(f"{name} {outcome_of(result, name)['status']}" for name in names)
        progress.note(f"{done} of {count}: {result['model']}: {found if 'targets' in result else result['failed']}")
        progress.advance(done, count)

    try:
        results = run(read_list(list), names, out, jobs=jobs or os.cpu_count() or 1, time_limit=time_limit, tell=tell)
    finally:
        progress.stop()
    print(dumps(results, indent=2) if json else "\n".join(summary(results, names)))
    raise typer.Exit(0 if all(outcome_of(r, name)["status"] == "ok" for r in results for name in names) else 3)


@app.command()
def support(
    op: Annotated[str | None, typer.Argument(metavar="[OP]", help="An op, such as Resize; or a pattern.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="V", help="A measured target; repeatable. Default: all of them."),
    ] = None,
    json: JsonOption = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of it as one page for a browser.")
    ] = None,
) -> None:
    """Say what each OpenCV was measured to do: every op, or every signature of one op with the evidence."""
    from converter.support import overview

    if html is not None:
        from converter.support.page import write_page

        print(write_page(html, targets=target or ()))
        return
    cases, tables = overview.all_tables(target or ())
    found = overview.find_op(op, cases) if op is not None else None
    if json:
        print(overview.to_json(found, cases, tables))
    elif found is None:
        print_table(("op", *(table.target for table in tables)), overview.op_rows(cases, tables))
        print("right of measured cases; what is behind them: convert support OP", file=sys.stderr)
    else:
        print(overview.op_text(found, cases, tables))


@targets_app.callback(invoke_without_command=True)
def targets(context: typer.Context) -> None:
    """List the OpenCV versions and registered interpreters that can be targets, and which are installed."""
    if context.invoked_subcommand is not None:
        return
    from converter.registered import registered
    from converter.targets import environments, installed_version

    rows = []
    for version, python in environments().items():
        where = "this Python" if version == installed_version() else ("its own environment" if python else "-")
        rows.append((version, _engines(version), "yes" if python else "no", where))
    for name, found in registered().items():
        there = "yes" if found.python.exists() else "gone"
        rows.append((name, _engines(found.version), there, f"OpenCV {found.opencv} of {found.python}"))
    print_table(("OpenCV", "engines", "installed", "where"), rows)


def _engines(version: str) -> str:
    return "classic" if version.startswith("4.") else "new, classic"


@targets_app.command("install")
def targets_install(
    versions: Annotated[list[str], typer.Argument(metavar="V...", help='OpenCV versions, such as 4.10.0, or "all".')],
) -> None:
    """Install OpenCV versions side by side, each into an environment of its own, so that models can be proven on them."""
    from converter.targets import WHEELS, install

    for version in WHEELS if versions == ["all"] else versions:
        print(f"installing OpenCV {version} ...", file=sys.stderr)
        print(install(version))


@targets_app.command("add")
def targets_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What --target will call it, such as debian-4.6.0.")],
    python: Annotated[str, typer.Option("--python", metavar="PATH", help="An interpreter that has cv2 and numpy.")],
) -> None:
    """Register an interpreter with its own OpenCV as a target: a distribution's, a board's, one built with CUDA."""
    from converter.registered import add
    from converter.targets import untried

    added = add(name, python)
    print(f"{added.name}: OpenCV {added.opencv}, NumPy {added.numpy}, {added.python}")
    if warning := untried(added.version):
        print(f"OpenCV {added.opencv} is {warning}", file=sys.stderr)


@targets_app.command("remove")
def targets_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it was registered as.")],
) -> None:
    """Forget a registered interpreter. Nothing of it is touched."""
    from converter.registered import remove

    remove(name)


def main() -> NoReturn:
    """The entry point of `convert` and `torch2cv`."""
    from converter.errors import ConverterError

    arguments = sys.argv[1:]
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    commands |= {group.name or "" for group in app.registered_groups}
    if arguments and arguments[0] not in {*commands, "-h", "--help", "--version"}:
        arguments = ["model", *arguments]
    # a polite kill must clean up as an interrupt does: nothing half-written stays
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app(arguments, prog_name="convert")
    except ConverterError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
