"""`convert demo`: the embedded digits classifier, from its checkpoint to predictions by OpenCV and by NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter.bundle import Bundle
from converter.errors import ConversionError
from converter.pipeline import convert
from converter.progress import Progress
from converter.resources import resource
from converter.targets import Target


def demo(*, out: str | Path, targets: Sequence[str | Target] = (), progress: Progress | None = None) -> str:
    """Convert model_zoo/digits/ and classify its sample scans with the generated deploy.py.

    Returns what to print: a line per scan with both runtimes' answers. Writes the annotated pictures into `out`/pictures.
    Raises ConversionError when deploy.py fails or the two runtimes disagree.
    """
    digits = resource("model_zoo") / "digits"
    bundle = convert(
        digits / "digits.pth",
        arch=f"{digits / 'model.py'}:digits_cnn",
        example="1x1x8x8",
        targets=targets,
        preprocess="unit",
        task="classification",
        labels=digits / "labels.txt",
        out=out,
        progress=progress,
    )
    samples = sorted((digits / "samples").glob("*.png"))
    pictures = bundle.folder / "pictures"
    by_opencv = classify(bundle, samples, "opencv", pictures)
    by_numpy = classify(bundle, samples, "numpy")
    lines = [f"{'scan':<16}{'OpenCV':<20}NumPy"]
    for path, seen, again in zip(samples, by_opencv, by_numpy, strict=True):
        lines.append(f"{path.name:<16}{_answer(seen):<20}{_answer(again)}")
        if _best(seen)["label"] != _best(again)["label"]:
            raise ConversionError(
                f"OpenCV and NumPy read {path.name} differently",
                measured=f"OpenCV: {_answer(seen)}; NumPy: {_answer(again)}",
                do=("report this: both passed the gate",),
            )
    return "\n".join([*lines, f"bundle: {bundle.folder}", f"annotated pictures: {pictures}"])


def classify(bundle: Bundle, pictures: Sequence[Path], backend: str, out: Path | None = None) -> list[dict[str, Any]]:
    """deploy.py's JSON results for the pictures, run as a user would run it. Raises ConversionError when it fails."""
    command = [
        sys.executable,
        "-B",
        str(bundle.folder / "deploy.py"),
        *map(str, pictures),
        "--backend",
        backend,
        "--json",
    ]
    done = subprocess.run(
        [*command, *(["-o", str(out)] if out else [])], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise ConversionError(
            "the generated deploy.py fails on the sample pictures",
            measured=f"exit code {done.returncode}: {done.stderr.strip()[-1000:]}",
            do=("report this: it passed its self-test",),
        )
    return list(json.loads(done.stdout))


def _answer(entry: dict[str, Any]) -> str:
    return f"{_best(entry)['label']} ({_best(entry)['score']:.1%})"


def _best(entry: dict[str, Any]) -> dict[str, Any]:
    return dict(entry["result"]["classes"][0])
