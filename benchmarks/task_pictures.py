"""Writes docs/tasks/: for each task a picture as deploy.py annotates it, to be checked by eye.

    python -m benchmarks.task_pictures [FOLDER]

Coloured shapes are drawn on a real photograph; the networks are made by hand (tests/task_networks.py), so that everybody
sees at once whether the answer is right. The picture is written by the task's generated deploy.py, with OpenCV.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2

from tests.deploy_bundle import load_module
from tests.task_networks import SCENES, STRIPES, draw_scene, draw_stripes, networks, write_task_bundle


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for task in networks():
        scene = SCENES["mostly red" if task == "classification" else "first"]
        picture = draw_stripes(STRIPES) if task == "text" else draw_scene(scene)
        with tempfile.TemporaryDirectory() as place:
            model = load_module(write_task_bundle(Path(place), task)).Model(backend="opencv")
            drawn = model.draw(picture, model(picture))
        path = folder / f"{task}.png"
        cv2.imwrite(str(path), drawn, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"{path}: {drawn.shape[1]}x{drawn.shape[0]}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/tasks"))
