"""deploy.py as a program. Results go to standard output, everything else to standard error.

Exit codes: 0 done, 1 the self-test or an input failed, 2 the command line cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter.deploy_runtime.about import About, CannotRunError, UsageError
from converter.deploy_runtime.model import DeployedModel
from converter.deploy_runtime.printing import Printer
from converter.deploy_runtime.runs import run_sources
from converter.deploy_runtime.selftest import probe, self_test, self_test_lines
from converter.deploy_runtime.sources import find_sources, result_paths
from converter.deploy_runtime.video import Window
from converter.tasks._settings import parse_setting, shown_value

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


def main(about: About, folder: Path, script: Path, arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code; argparse itself exits with 2."""
    parser = command_line(about)
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a label must not fail on a terminal's encoding
    folder = Path(options.folder) if options.folder is not None else folder
    try:
        if options.probe is not None:
            print(probe(about, folder, options.probe))
            return 0
        if options.self_test:
            return _self_test(about, folder, script, options)
        return _run(about, folder, script, options)
    except UsageError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except CannotRunError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 1
    except KeyboardInterrupt:
        return 130


def command_line(about: About) -> argparse.ArgumentParser:
    """The options. --probe and --folder are for the child process that tries an OpenCV which was never verified."""
    parser = argparse.ArgumentParser(
        description=f"Run {about.name} with OpenCV or NumPy.".replace("%", "%%"),
        epilog=settings_in_words(about).replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    takes = "pictures, folders, globs, videos, camera numbers" if about.preprocess is not None else "folders, globs"
    add("source", nargs="*", help=f"{takes}, .npy or .npz files with blobs")
    add("--backend", choices=("auto", "opencv", "numpy"), default="auto", help="auto: OpenCV if right here, else NumPy")
    add("-o", "--out", help="write what was found: a picture or video for one source, a folder for several")
    add("--json", action="store_true", help="print one JSON list (one object with --self-test)")
    add("--self-test", action="store_true", help="run the golden inputs and compare with PyTorch's outputs")
    if "top_k" in about.settings:
        add("--top-k", type=_positive, default=about.settings["top_k"], help="how many classes to show")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the task, listed below; repeatable",
    )
    if about.compare is not None:
        add("--compare", action="store_true", help="compare the first source with each of the others")
    if about.preprocess is not None:
        add(
            "--batch",
            type=_positive,
            default=None,
            metavar="N",
            help="pictures that run together (default: as verified)",
        )
    add("--show", action="store_true", help="show the pictures in a window; q or Esc ends it")
    add("--fps-limit", type=_limit, default=None, metavar="N", help="frames a second at most, or none (the default)")
    add("--probe", choices=("first", "all"), help=argparse.SUPPRESS)
    add("--folder", help=argparse.SUPPRESS)
    return parser


def settings_in_words(about: About) -> str:
    """The settings with their values and, where there are few, what else they may be."""
    lines = ["settings of the task (--set):"] if about.settings else []
    for name, value in about.settings.items():
        rule = about.rules.get(name, "any")
        others = f"  ({', '.join(map(shown_value, rule))})" if isinstance(rule, (list, tuple)) else ""
        lines.append(f"  {name}={shown_value(value)}{others}")
    return "\n".join(lines)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _limit(text: str) -> float | None:
    try:
        limit = None if text == "none" else float(text)
    except ValueError:
        limit = -1.0
    if limit is not None and not 0 < limit < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor none")
    return limit


def _self_test(about: About, folder: Path, script: Path, options: Any) -> int:
    report = self_test(about, folder, script, options.backend)
    print(json.dumps(report, indent=2) if options.json else "\n".join(self_test_lines(report)))
    return 0 if report["ok"] else 1


def _run(about: About, folder: Path, script: Path, options: Any) -> int:
    if not options.source:
        raise UsageError("give at least one source, or --self-test (--help lists the options)")
    settings = read_settings(about, options)
    sources = find_sources(options.source, about.preprocess is not None)
    comparing = about.compare is not None and options.compare
    if comparing and (len(sources) < 2 or any(source.kind in ("video", "camera") for source in sources)):
        raise UsageError("--compare needs two or more pictures or arrays")
    paths = result_paths(options.out, sources)
    window = Window() if options.show else None
    model = DeployedModel(about, folder, script, options.backend, **settings)
    size = batch_size(model, getattr(options, "batch", None))
    print(f"{about.name} with {model.runner.title}", file=sys.stderr, flush=True)
    printer = Printer(options.json, about.compare if comparing else None)
    try:
        run_sources(model, list(zip(sources, paths)), size, printer, window, options.fps_limit)
    finally:
        printer.close()
    return 1 if printer.failures else 0


def read_settings(about: About, options: Any) -> dict[str, Any]:
    """The settings of --set and --top-k. Raises UsageError for one that is unknown or has no such value."""
    settings = {"top_k": options.top_k} if "top_k" in about.settings else {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals or name not in about.settings:
            known = ", ".join(about.settings) or "none"
            raise UsageError(f"--set {text}: give NAME=VALUE with one of this task's settings ({known})")
        try:
            settings[name] = parse_setting(name, value, about.rules.get(name, "any"))
        except ValueError as error:
            raise UsageError(f"--set {text}: {error}") from error
    return settings


def batch_size(model: DeployedModel, asked: int | None) -> int:
    """How many pictures run together. Raises UsageError where the network's batch is not known and more than one is asked."""
    known = model.batch_size() if model.about.preprocess is not None else None
    if known is None and asked is not None and asked > 1:
        raise UsageError("--batch: this network was not verified with pictures that run together; they run one by one")
    return asked or known or 1
