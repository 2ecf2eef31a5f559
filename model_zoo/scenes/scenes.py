"""Scenes: handwritten digits on photographs, with the truth about every box and every pixel.

The digits are the scans that scikit-learn carries, parted as model_zoo/digits parts them; the photographs are the two
that scikit-learn carries, parted by a vertical line. Held-back scenes use held-back scans on held-back photograph only.
As a program it writes samples/, some held-back scenes, and truth/, their masks and boxes.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_sample_images

HERE = Path(__file__).resolve().parent
SIDE = 160  # of a scene, in pixels
MOST_DIGITS = 7
DIGIT_SIDES = (22.0, 64.0)  # of the square that a scan fills, in a scene's pixels
LEAST_CONTRAST = 70.0  # of ink against what it is written on, in grey levels
TRAINING_SHARE = 0.7  # of each photograph's width, from the left
HELD_BACK_SEED = 20_000
SAMPLES = 6


@dataclass(frozen=True)
class Scene:
    """One picture and its truth.

    picture: uint8[SIDE, SIDE, 3], RGB. mask: uint8[SIDE, SIDE], 0 where no digit is, 1 + digit where one is.
    boxes: float32[n, 4], the edges left, top, right, bottom in pixels, of each digit's own part of the mask. digits: int64[n].
    """

    picture: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    digits: np.ndarray


@dataclass(frozen=True)
class Sources:
    """What scenes are composed of: scans uint8[N, 8, 8] with their digits int64[N], and photographs uint8[h, w, 3], RGB."""

    scans: np.ndarray
    labels: np.ndarray
    photographs: Sequence[np.ndarray]


@cache
def sources() -> tuple[Sources, Sources]:
    """The training sources and the held-back ones. They share no scan and no pixel of a photograph."""
    whole = [np.asarray(photograph) for photograph in load_sample_images().images]
    cuts = [round(photograph.shape[1] * TRAINING_SHARE) for photograph in whole]
    left = [photograph[:, :cut] for photograph, cut in zip(whole, cuts, strict=True)]
    right = [photograph[:, cut:] for photograph, cut in zip(whole, cuts, strict=True)]
    train, test = _digits_data().split()
    return Sources(train.pictures, train.labels, left), Sources(test.pictures, test.labels, right)


def _digits_data() -> ModuleType:
    """model_zoo/digits/data.py: which scans are held back is decided there."""
    name = "torch2cv_digits_data"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "digits" / "data.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def held_back_scenes(count: int) -> list[Scene]:
    """The first `count` scenes of the held-back set: scene k is the same one whatever `count` is."""
    return [compose(sources()[1], np.random.default_rng([HELD_BACK_SEED, number])) for number in range(count)]


def compose(given: Sources, rng: np.random.Generator) -> Scene:
    """A scene drawn with `rng`: a part of a photograph, and one to MOST_DIGITS scans on it that do not overlap."""
    picture = _background(given.photographs[rng.integers(len(given.photographs))], rng)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    boxes: list[tuple[int, int, int, int]] = []
    digits: list[int] = []
    for _ in range(rng.integers(1, MOST_DIGITS + 1)):
        number = rng.integers(len(given.scans))
        ink = _written(given.scans[number], rng)
        place = _free_place(ink.shape, boxes, rng)
        if place is None:
            continue
        top, left = place
        bottom, right = top + ink.shape[0], left + ink.shape[1]
        under = picture[top:bottom, left:right]
        opacity = ink[..., np.newaxis]
        under += opacity * (_colour(under[ink > 0.5].mean(axis=0), rng) - under)
        mask[top:bottom, left:right][ink > 0.5] = 1 + given.labels[number]
        boxes.append((left, top, right, bottom))
        digits.append(int(given.labels[number]))
    picture += rng.normal(0.0, rng.uniform(0.0, 6.0), picture.shape)
    return Scene(
        np.rint(picture).clip(0, 255).astype(np.uint8),
        mask,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(digits, np.int64),
    )


def _background(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square of the photograph, at most as large as it allows, mirrored half of the time, as float64[SIDE, SIDE, 3]."""
    height, width = photograph.shape[:2]
    side = int(rng.integers(SIDE // 2, min(height, width) + 1))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    square = Image.fromarray(photograph[top : top + side, left : left + side])
    resized = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
    turned = resized[:, ::-1] if rng.random() < 0.5 else resized
    return turned * rng.uniform(0.7, 1.2) + rng.uniform(-20, 20)


def _written(scan: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The scan enlarged, turned by up to 12 degrees, sheared and stretched: its opacity 0..1, cut to where there is ink."""
    side = rng.uniform(*DIGIT_SIDES)
    angle, shear = rng.uniform(-0.21, 0.21), rng.uniform(-0.15, 0.15)
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, stretch]]) * (8 / side)  # from pixels to the scan's cells
    size = int(np.ceil(side * 1.5))
    centre = np.full(2, (size - 1) / 2)
    grey = scan.astype(np.float64) / 255
    enlarged = ndimage.affine_transform(grey, matrix, 3.5 - matrix @ centre, (size, size), order=3, mode="constant")
    opacity = ((enlarged - 0.35) / 0.2).clip(0, 1)  # a stroke with an edge, where a plain enlargement is a blur
    rows, columns = np.flatnonzero((opacity > 0.5).any(axis=1)), np.flatnonzero((opacity > 0.5).any(axis=0))
    return opacity[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_place(
    shape: tuple[int, ...], taken: Sequence[tuple[int, int, int, int]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """(top, left) of a rectangle that touches none of the boxes; None when 20 draws find none."""
    for _ in range(20):
        top, left = (int(rng.integers(SIDE - extent + 1)) for extent in shape)
        bottom, right = top + shape[0], left + shape[1]
        if all(right < box[0] or left > box[2] or bottom < box[1] or top > box[3] for box in taken):
            return top, left
    return None


def _colour(under: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour for ink, float64[3], that stands out by LEAST_CONTRAST from the mean colour below it."""
    weights = np.array([0.299, 0.587, 0.114])
    colour = rng.uniform(0, 255, 3)
    below = float(weights @ under)
    difference = float(weights @ colour) - below
    if abs(difference) < LEAST_CONTRAST:
        target = below + LEAST_CONTRAST if below < 128 else below - LEAST_CONTRAST
        colour = colour + (target - float(weights @ colour))
    return colour


def truth(scene: Scene) -> list[dict[str, object]]:
    """The scene's digits as JSON holds them: which it is, its box, how many pixels of the mask are its own."""
    return [
        {"digit": int(digit), "box": [int(edge) for edge in box], "pixels": _pixels(scene, box)}
        for digit, box in zip(scene.digits, scene.boxes, strict=True)
    ]


def _pixels(scene: Scene, box: np.ndarray) -> int:
    left, top, right, bottom = box.astype(int)
    return int(np.count_nonzero(scene.mask[top:bottom, left:right]))


def main() -> None:
    scenes = held_back_scenes(SAMPLES)
    for folder in ("samples", "truth"):
        (HERE / folder).mkdir(exist_ok=True)
    for number, scene in enumerate(scenes):
        Image.fromarray(scene.picture).save(HERE / "samples" / f"{number}.png")
        Image.fromarray(scene.mask).save(HERE / "truth" / f"{number}.png")
    truths = {f"{number}.png": truth(scene) for number, scene in enumerate(scenes)}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(known)}" for name, known in truths.items())
    (HERE / "truth" / "objects.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
