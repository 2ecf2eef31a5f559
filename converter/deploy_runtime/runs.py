"""Source after source through the network: pictures in batches, arrays, videos. One that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import CannotRunError
from converter.deploy_runtime.model import DeployedModel
from converter.deploy_runtime.printing import Printer
from converter.deploy_runtime.sources import ARRAY_SUFFIXES, Source, read_arrays, read_image, write_image
from converter.deploy_runtime.video import Window, run_video

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


def run_sources(
    model: DeployedModel, items: Sequence[Any], batch: int, printer: Printer, window: Window | None, limit: float | None
) -> None:
    """Run (source, path of its result or None) in order, up to `batch` pictures that follow each other together.

    At the end it is said how fast the pictures were. limit: frames a second of a video at most, or None.
    """
    printer.bar.start(count_still(items))
    pictures, seconds = 0, 0.0
    waiting: list[Any] = []
    for number, (source, path) in enumerate(items):
        if window is not None and window.ended:
            break
        if source.kind == "image":
            waiting.append((source, path))
            more = number + 1 < len(items) and items[number + 1][0].kind == "image"
            if len(waiting) < batch and more:
                continue
            begun = time.perf_counter()
            pictures += _run_pictures(model, waiting, printer, window)
            seconds += time.perf_counter() - begun
            waiting = []
            continue
        run = _run_array if source.kind == "array" else run_video
        further = () if source.kind == "array" else (window, limit, batch)
        _, reason = attempt(run, model, source, path, printer, *further)
        if reason is not None:
            printer.failure(source.text, reason)
        if run is run_video:
            printer.bar.start(count_still(items[number + 1 :]))
    if pictures > 1:
        printer.note(f"{pictures} pictures in {seconds:.1f} s, {pictures / seconds:.1f} pictures/s")


def count_still(items: Sequence[Any]) -> int:
    """How many are no videos."""
    return sum(source.kind in ("image", "array") for source, _ in items)


def attempt(run: Any, *arguments: Any) -> tuple[Any, str | None]:
    """What `run` returns and None, or None and why it failed: the other sources go on."""
    try:
        return run(*arguments), None
    except BrokenPipeError:
        raise  # whoever reads our results has gone: not this source's failure
    except (ValueError, OSError, CannotRunError) as error:
        return None, str(error)


def _run_pictures(model: DeployedModel, items: Sequence[Any], printer: Printer, window: Window | None) -> int:
    """Read, run together, draw, print. Returns how many came out."""
    begun = time.perf_counter()
    read = [attempt(read_image, source.text, model.about.preprocess) for source, _ in items]
    images = [image for image, reason in read if reason is None]
    together, _ = attempt(model.results, images) if len(images) > 1 else (None, None)  # if that fails, each says why
    done = 0
    for (source, path), (image, reason) in zip(items, read):
        if reason is None:
            result, reason = (together.pop(0), None) if together else attempt(model, image)
        if reason is None:
            _, reason = attempt(_finish, model, source, path, image, result, printer, window)
        if reason is not None:
            printer.failure(source.text, reason)
        done += reason is None
        printer.bar.advance()
    if printer.bar.total is None and done:
        name = items[0][0].text if len(items) == 1 else f"{len(items)} pictures from {items[0][0].text} on"
        printer.note(f"{name}: {1000 * (time.perf_counter() - begun):.0f} ms")
    return done


def _finish(
    model: DeployedModel, source: Source, path: Path | None, image: Any, result: Any, printer: Printer, window: Any
) -> None:
    """Write and show one picture's result, then print it."""
    if path is not None and path.suffix.lower() in ARRAY_SUFFIXES:
        save_arrays(path, {name: value for name, value in result.items() if isinstance(value, np.ndarray)})
    elif path is not None or window is not None:
        picture = model.draw(image, result)
        if path is not None:
            write_image(path, picture)
        if window is not None:
            window.show(picture, wait=True)
    printer.result(model.about, source.text, result)


def _run_array(model: DeployedModel, source: Source, path: Path | None, printer: Printer) -> None:
    begun = time.perf_counter()
    outputs = model.forward(read_arrays(source.text))
    result = model.postprocess(outputs)
    if path is not None:
        save_arrays(path, outputs)
    printer.result(model.about, source.text, result)
    printer.bar.advance()
    if printer.bar.total is None:
        printer.note(f"{source.text}: {1000 * (time.perf_counter() - begun):.0f} ms")


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file, or an .npy file of the only array. Raises ValueError for none, several for .npy, other names."""
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        raise ValueError(f"arrays are written to .npz or .npy files, not to {path.name}")
    if not arrays or (path.suffix.lower() == ".npy" and len(arrays) != 1):
        raise ValueError(
            f"there are {len(arrays)} arrays to write to {path.name}; give the name of a picture or an .npz file"
        )
    with path.open("wb") as file:
        if path.suffix.lower() == ".npy":
            np.save(file, next(iter(arrays.values())))
        else:
            np.savez(file, **arrays)  # type: ignore[arg-type]
