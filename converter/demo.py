"""`convert demo`: three embedded models, from their checkpoints to answers by OpenCV and by NumPy.

One reads digits, one finds them on photographs, one outlines them: classification, detection, segmentation.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter import zoo
from converter.bundle import Bundle
from converter.errors import ConversionError
from converter.from_recipe import convert_recipe
from converter.progress import Progress
from converter.resources import resource
from converter.targets import Target

NEAR = 0.05  # pixels of the picture by which a box may differ between the runtimes
OTHER_PIXELS = 1e-4  # share of a mask's pixels whose class may differ: where two classes are almost equal


@dataclass(frozen=True)
class Part:
    """One task of the demo: a recipe, its sample pictures, and how the answers are told and compared.

    `answer` makes a few words of a result. `same` says whether two results of one picture agree.
    """

    recipe: str
    samples: str
    what: str
    answer: Callable[[dict[str, Any]], str]
    same: Callable[[dict[str, Any], dict[str, Any]], bool]


def demo(*, out: str | Path, targets: Sequence[str | Target] = (), progress: Progress | None = None) -> str:
    """Convert the zoo's own models and give each its sample pictures, with the generated deploy.py.

    Returns what to print: a line per picture with both runtimes' answers. Writes the bundles into `out`/classification,
    `out`/detection and `out`/segmentation, and into each the annotated pictures, pictures/.
    Raises ConversionError when deploy.py fails or the two runtimes disagree.
    """
    lines = []
    for part in PARTS:
        recipe = zoo.recipe(part.recipe)
        bundle = convert_recipe(recipe, targets=targets, out=Path(out) / recipe.task, progress=progress)
        lines += [
            *_run(part, bundle),
            f"bundle: {bundle.folder}",
            f"annotated pictures: {bundle.folder / 'pictures'}",
            "",
        ]
    return "\n".join(lines).rstrip()


def _run(part: Part, bundle: Bundle) -> list[str]:
    """The part's samples through both runtimes, a line for each."""
    samples = sorted((resource("model_zoo") / part.samples).glob("*.png"))
    by_opencv = answers(bundle, samples, "opencv", bundle.folder / "pictures")
    by_numpy = answers(bundle, samples, "numpy")
    width = max(28, *(len(part.answer(entry["result"])) + 2 for entry in by_opencv))
    lines = [f"{part.what:<16}{'OpenCV':<{width}}NumPy"]
    for path, seen, again in zip(samples, by_opencv, by_numpy, strict=True):
        first, second = part.answer(seen["result"]), part.answer(again["result"])
        lines.append(f"{path.name:<16}{first:<{width}}{second}")
        if not part.same(seen["result"], again["result"]):
            raise ConversionError(
                f"OpenCV and NumPy read {path.name} differently",
                measured=f"OpenCV: {first}; NumPy: {second}",
                do=("report this: both passed the gate",),
            )
    return lines


def answers(bundle: Bundle, pictures: Sequence[Path], backend: str, out: Path | None = None) -> list[dict[str, Any]]:
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


def _class_of(result: dict[str, Any]) -> str:
    best = result["classes"][0]
    return f"{best['label']} ({best['score']:.1%})"


def _same_class(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return bool(one["classes"][0]["label"] == two["classes"][0]["label"])


def _objects_of(result: dict[str, Any]) -> str:
    """The labels from left to right."""
    found = sorted(result["objects"], key=lambda thing: thing["box"][0])
    return " ".join(f"{thing['label']} ({thing['score']:.0%})" for thing in found) or "nothing"


def _same_objects(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """The same labels at the same places, in whatever order equal scores have put them."""
    first, second = (sorted(result["objects"], key=lambda t: (t["label"], t["box"][0])) for result in (one, two))
    return [thing["label"] for thing in first] == [thing["label"] for thing in second] and all(
        abs(edge - other) <= NEAR
        for a, b in zip(first, second, strict=True)
        for edge, other in zip(a["box"], b["box"], strict=True)
    )


def _classes_of(result: dict[str, Any]) -> str:
    """Every class but the background with its pixels, in the classes' order."""
    found = sorted((found for found in result["classes"] if found["index"]), key=lambda found: found["index"])
    return ", ".join(f"{found['label']}: {found['pixels']} px" for found in found) or "nothing"


def _same_mask(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """The same class on all pixels but OTHER_PIXELS of them."""
    first, second = _edges(one["runs"]), _edges(two["runs"])
    size = first[-1][0]
    if size != second[-1][0]:
        return False
    other, at, i, j = 0, 0, 0, 0
    while at < size:  # both masks are runs: walk along the shorter of the two runs that hold this pixel
        until = min(first[i][0], second[j][0])
        other += (until - at) * (first[i][1] != second[j][1])
        i, j, at = i + (first[i][0] == until), j + (second[j][0] == until), until
    return other <= OTHER_PIXELS * size


def _edges(runs: list[int]) -> list[tuple[int, int]]:
    """[class, length, class, length, ...] as (where it ends, class)."""
    found, end = [], 0
    for value, length in zip(runs[0::2], runs[1::2], strict=True):
        end += length
        found.append((end, value))
    return found


PARTS = (
    Part("digits", "digits/samples", "scan", _class_of, _same_class),
    Part("digit_detector", "scenes/samples", "digits found in", _objects_of, _same_objects),
    Part("digit_segmenter", "scenes/samples", "outlined in", _classes_of, _same_mask),
)
