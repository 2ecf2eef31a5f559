"""deploy.py as a program. Results go to standard output, everything else to standard error.

Exit codes: 0 done, 1 the self-test or an input failed, 2 the command line cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError, UsageError
from converter.deploy_runtime.model import DeployedModel
from converter.deploy_runtime.selftest import probe, self_test, self_test_lines
from converter.deploy_runtime.sources import Source, find_sources, read_arrays, read_image, result_paths, write_image
from converter.deploy_runtime.video import Window, run_video


class Printer:
    """Results on standard output as they come: a line each, or the elements of one JSON list."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.failures = 0
        self._count = 0

    def result(self, about: About, source: str, result: Any, frame: int | None = None) -> None:
        where = {"source": source} if frame is None else {"source": source, "frame": frame}
        title = source if frame is None else f"{source} frame {frame}"
        self._put({**where, "result": result}, f"{title}: {about.describe(result)}")

    def failure(self, source: str, reason: str) -> None:
        self.failures += 1
        print(f"{source}: {reason}", file=sys.stderr, flush=True)
        self._put({"source": source, "error": reason}, None)

    def close(self) -> None:
        if self.as_json:
            print("\n]" if self._count else "[]", flush=True)

    def _put(self, element: Any, line: str | None) -> None:
        if self.as_json:
            print(",\n" if self._count else "[\n", json.dumps(element), sep="", end="", flush=True)
            self._count += 1
        elif line is not None:
            print(line, flush=True)


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
    parser = argparse.ArgumentParser(description=f"Run {about.name} with OpenCV or NumPy.".replace("%", "%%"))
    add = parser.add_argument
    takes = "pictures, folders, globs, videos, camera numbers" if about.preprocess is not None else "folders, globs"
    add("source", nargs="*", help=f"{takes}, .npy or .npz files with blobs")
    add("--backend", choices=("auto", "opencv", "numpy"), default="auto", help="auto: OpenCV if right here, else NumPy")
    add("-o", "--out", help="write what was found: a picture or video for one source, a folder for several")
    add("--json", action="store_true", help="print one JSON list (one object with --self-test)")
    add("--self-test", action="store_true", help="run the golden inputs and compare with PyTorch's outputs")
    if "top_k" in about.settings:
        add("--top-k", type=_positive, default=about.settings["top_k"], help="how many classes to show")
    add("--show", action="store_true", help="show the pictures in a window; q or Esc ends it")
    add("--fps-limit", type=_limit, default=None, metavar="N", help="frames a second at most, or none (the default)")
    add("--probe", choices=("first", "all"), help=argparse.SUPPRESS)
    add("--folder", help=argparse.SUPPRESS)
    return parser


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
    sources = find_sources(options.source, about.preprocess is not None)
    paths = result_paths(options.out, sources)
    window = Window() if options.show else None
    settings = {"top_k": options.top_k} if "top_k" in about.settings else {}
    model = DeployedModel(about, folder, script, options.backend, **settings)
    print(f"{about.name} with {model.runner.title}", file=sys.stderr, flush=True)
    printer = Printer(options.json)
    try:
        for source, path in zip(sources, paths):  # noqa: B905 - Python 3.8
            try:
                if source.kind in ("video", "camera"):
                    run_video(model, source, path, printer, window, options.fps_limit)
                else:
                    _run_one(model, source, path, printer, window)
            except BrokenPipeError:
                raise  # whoever reads our results has gone: not this source's failure
            except (ValueError, OSError, CannotRunError) as error:
                printer.failure(source.text, str(error))  # the others go on
    finally:
        printer.close()
    return 1 if printer.failures else 0


def _run_one(model: DeployedModel, source: Source, path: Path | None, printer: Printer, window: Window | None) -> None:
    started = time.perf_counter()
    image = None
    if source.kind == "image":
        image = read_image(source.text, model.about.preprocess)
        result = model(image)
    else:
        outputs = model.forward(read_arrays(source.text))
        result = model.postprocess(outputs)
        if path is not None:
            with path.open("wb") as file:
                np.savez(file, **outputs)  # type: ignore[arg-type]
    if image is not None and (path is not None or window is not None):
        picture = model.draw(image, result)
        if path is not None:
            write_image(path, picture)
        if window is not None:
            window.show(picture, wait=True)
    printer.result(model.about, source.text, result)
    print(f"{source.text}: {1000 * (time.perf_counter() - started):.0f} ms", file=sys.stderr, flush=True)
