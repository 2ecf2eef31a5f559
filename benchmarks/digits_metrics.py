"""Is a deployed model as good as PyTorch's? mAP of the digit detector and mIoU of the digit segmenter on held-back scenes.

    python benchmarks/digits_metrics.py [--target 4.8.1 --target 4.10.0 --target 5.0.0] [--scenes 300] [--json FILE]

Each is converted for all targets; then its deploy.py runs, as a user would run it, on the scenes as PNG files: by OpenCV with
each target's interpreter, and by NumPy. Both metrics must equal PyTorch's to 4 decimals; exit code 1 where one does not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter import zoo
from converter.checkpoint import load
from converter.from_recipe import convert_recipe
from converter.resources import resource
from converter.targets import Target, default_targets, python_for
from converter.tasks import detection
from converter.tasks.segmentation import decode_mask

sys.path.insert(0, str(resource("model_zoo") / "scenes"))
from metrics import Boxes, mean_average_precision, mean_iou
from scenes import Scene, held_back_scenes

DECIMALS = 4
# the whole curve of precision is wanted, not the boxes that a user wants to see
DETECTION = {
    "head": "yolov8", "score_threshold": 0.01, "iou_threshold": 0.6, "multi_label": True, "max_objects": 100,
}  # fmt: skip

Outputs = list[np.ndarray]
Metric = Callable[[Sequence[Scene], Any], float]


def by_torch(recipe: zoo.Recipe, scenes: Sequence[Scene]) -> Outputs:
    """The network's output for each scene, by PyTorch, from the training's own form of a picture: RGB over 255."""
    import torch

    network = load(recipe.checkpoint, arch=recipe.arch).module
    with torch.no_grad():
        return [
            network(torch.from_numpy(scene.picture).permute(2, 0, 1)[None].float().div(255)).numpy() for scene in scenes
        ]


def by_deploy(bundle: Path, python: Path, backend: str, pictures: Sequence[Path]) -> list[dict[str, Any]]:
    """deploy.py's results for the pictures."""
    command = [str(python), "-B", str(bundle / "deploy.py"), *map(str, pictures), "--backend", backend, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{python} {backend}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return [entry["result"] for entry in json.loads(done.stdout)]


def average_precision_of_torch(scenes: Sequence[Scene], outputs: Outputs) -> float:
    results = [
        detection.postprocess(
            {"output": output}, scene.picture[..., ::-1], input_size=scene.picture.shape[:2], **DETECTION
        )
        for output, scene in zip(outputs, scenes, strict=True)
    ]
    return average_precision_of_deploy(scenes, results)


def average_precision_of_deploy(scenes: Sequence[Scene], results: Sequence[dict[str, Any]]) -> float:
    true = [Boxes(scene.boxes, scene.digits) for scene in scenes]
    return mean_average_precision([Boxes.found(result) for result in results], true)


def iou_of_torch(scenes: Sequence[Scene], outputs: Outputs) -> float:
    return mean_iou([output[0].argmax(0) for output in outputs], [scene.mask for scene in scenes], 11)


def iou_of_deploy(scenes: Sequence[Scene], results: Sequence[dict[str, Any]]) -> float:
    return mean_iou([decode_mask(result) for result in results], [scene.mask for scene in scenes], 11)


METRICS: dict[str, tuple[str, Metric, Metric, dict[str, Any]]] = {
    "digit_detector": ("mAP@[.5:.95]", average_precision_of_torch, average_precision_of_deploy, DETECTION),
    "digit_segmenter": ("mIoU", iou_of_torch, iou_of_deploy, {}),
}


def measure(name: str, targets: Sequence[Target], count: int, folder: Path) -> dict[str, Any]:
    """The metric of one model by PyTorch, by OpenCV of each target and by NumPy, on `count` held-back scenes."""
    from PIL import Image

    what, of_torch, of_deploy, settings = METRICS[name]
    recipe = dataclasses.replace(zoo.recipe(name), settings=settings)
    scenes = held_back_scenes(count)
    pictures = [folder / f"{number:04d}.png" for number in range(count)]
    for path, scene in zip(pictures, scenes, strict=True):
        Image.fromarray(scene.picture).save(path)
    bundle = convert_recipe(recipe, targets=targets, out=folder / name).folder
    found = {
        f"OpenCV {target.name}": of_deploy(scenes, by_deploy(bundle, python_for(target), "opencv", pictures))
        for target in targets
    }
    found["NumPy"] = of_deploy(scenes, by_deploy(bundle, Path(sys.executable), "numpy", pictures))
    return {
        "model": name,
        "metric": what,
        "scenes": count,
        "PyTorch": of_torch(scenes, by_torch(recipe, scenes)),
        **found,
    }


def equal(result: dict[str, Any]) -> bool:
    """Is the metric PyTorch's, to DECIMALS decimals, wherever it was measured?"""
    values = [value for key, value in result.items() if key.startswith(("OpenCV", "NumPy"))]
    return len(values) >= 2 and all(f"{value:.{DECIMALS}f}" == f"{result['PyTorch']:.{DECIMALS}f}" for value in values)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", help="OpenCV version; repeatable. Default: the installed one")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    targets = [Target.parse(name) for name in options.target or ()] or list(default_targets())
    results = []
    for name in METRICS:
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(name, targets, options.scenes, Path(folder)))
        for key, value in results[-1].items():
            print(f"{key:<16}{value:.6f}" if isinstance(value, float) else f"{key:<16}{value}", flush=True)
        print("equal" if equal(results[-1]) else "DIFFERENT", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(equal(result) for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
