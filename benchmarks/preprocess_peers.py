"""Pictures prepared by Albumentations and Ultralytics themselves, against ours for the same pipeline.

    pip install albumentations ultralytics
    python benchmarks/preprocess_peers.py [--count 60]

Drawn pictures of drawn sizes through evaluation pipelines of Albumentations (read by `Preprocess.from_transform`) and through
Ultralytics' LetterBox (`--preprocess letterbox`). Prints the largest difference of a blob in units in the last place (of
numbers above 1e-3), and for the letterbox how many pictures are not equal. Exit code 1 where it is above 1, or one differs.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from converter.preprocess import Preprocess

SIZE = 224


def pipelines() -> dict[str, Any]:
    import albumentations as A

    def of(*steps: Any) -> Any:
        return A.Compose([*steps])

    return {
        "Resize, Normalize": of(A.Resize(SIZE, SIZE), A.Normalize()),
        "SmallestMaxSize, CenterCrop": of(A.SmallestMaxSize(256), A.CenterCrop(SIZE, SIZE), A.Normalize()),
        "LongestMaxSize, PadIfNeeded": of(
            A.LongestMaxSize(SIZE), A.PadIfNeeded(SIZE, SIZE, border_mode=0, fill=114), A.Normalize(mean=0.5, std=0.5)
        ),
        "Resize by area, ToFloat": of(A.Resize(SIZE, SIZE, interpolation=3), A.ToFloat(max_value=255)),
        "Resize by cubics": of(A.Resize(SIZE, SIZE, interpolation=2), A.Normalize()),
    }


def drawn(rng: np.random.Generator, most: int) -> np.ndarray:
    return rng.integers(0, 256, (int(rng.integers(5, most)), int(rng.integers(5, most)), 3), dtype=np.uint8)


def albumentations(count: int, rng: np.random.Generator) -> bool:
    right = True
    for name, pipeline in pipelines().items():
        spec, worst = Preprocess.from_transform(pipeline, shape=(1, 3, SIZE, SIZE)), 0.0
        for _ in range(count):
            image = drawn(rng, 900)
            theirs = pipeline(image=image[:, :, ::-1].copy())["image"].astype(np.float32).transpose(2, 0, 1)
            unit = np.spacing(np.maximum(np.abs(theirs), np.float32(1e-3)))
            worst = max(worst, float((np.abs(spec.apply(image)[0] - theirs) / unit).max()))
        print(f"Albumentations, {name}: {count} pictures, at most {worst:g} units in the last place", flush=True)
        right &= worst <= 1
    return right


def ultralytics(count: int, rng: np.random.Generator) -> bool:
    from ultralytics.data.augment import LetterBox

    right = True
    for size in ((640, 640), (320, 480)):
        theirs, spec = LetterBox(size, auto=False), Preprocess.parse("letterbox", shape=(1, 3, *size))
        images = [drawn(rng, 1200) for _ in range(count)]
        other = 0
        for image in images:
            wanted = theirs(image=image)[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 255
            other += not np.array_equal(spec.apply(image)[0], wanted)
        print(f"Ultralytics, letterbox {size[0]}x{size[1]}: {count} pictures, {other} differ", flush=True)
        right &= other == 0
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    return 0 if all([albumentations(options.count, rng), ultralytics(options.count, rng)]) else 1


if __name__ == "__main__":
    sys.exit(main())
