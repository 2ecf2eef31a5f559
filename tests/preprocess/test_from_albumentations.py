"""Albumentations' serialised pipelines: judged by the cv2 calls that its transforms consist of."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from converter.errors import PreprocessError
from converter.preprocess import Preprocess

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def step(name, **values):
    return {"__class_fullname__": name, "p": 1.0, **values}


def pipeline(*steps):
    return {"__version__": "2.0.8", "transform": step("Compose", transforms=list(steps))}


def saved(tmp_path, content):
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)


def test_resize_crop_normalize(tmp_path, rng):
    content = pipeline(
        step("albumentations.augmentations.geometric.resize.SmallestMaxSize", max_size=50, interpolation=1),
        step("CenterCrop", height=48, width=48),
        step("Normalize", mean=MEAN.tolist(), std=STD.tolist(), max_pixel_value=255.0),
        step("ToTensorV2"),
    )
    spec = Preprocess.parse(saved(tmp_path, content), shape=(1, 3, 48, 48))
    assert (spec.loader, spec.exif, spec.crop_rounding) == ("opencv", True, "truncate")
    bgr = rng.integers(0, 256, (80, 117, 3), dtype=np.uint8)
    rgb = cv2.resize(bgr[:, :, ::-1].copy(), (73, 50))[1:49, 12:60].astype(np.float32)
    wanted = (rgb - MEAN * 255) / (STD * 255)
    np.testing.assert_array_max_ulp(spec.apply(bgr)[0], wanted.transpose(2, 0, 1), maxulp=1)


def test_longest_edge_and_padding(tmp_path, rng):
    content = pipeline(
        step("LongestMaxSize", max_size=48, interpolation=3),
        step("PadIfNeeded", min_height=48, min_width=48, border_mode=0, fill=114, position="center"),
        step("ToFloat", max_value=255.0),
        step("ToTensorV2"),
    )
    spec = Preprocess.parse(saved(tmp_path, content), shape=(1, 3, 48, 48))
    bgr = rng.integers(0, 256, (81, 117, 3), dtype=np.uint8)
    small = cv2.resize(bgr[:, :, ::-1].copy(), (48, 33), interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder(small, 7, 8, 0, 0, cv2.BORDER_CONSTANT, value=(114, 114, 114)).astype(np.float32)
    np.testing.assert_array_max_ulp(spec.apply(bgr)[0], (padded / np.float32(255)).transpose(2, 0, 1), maxulp=1)


REFUSED = [
    (step("HorizontalFlip"), "HorizontalFlip: unknown, or an augmentation; known are Resize, "),
    ({**step("Resize", height=8, width=8), "p": 0.5}, "Resize: it is applied with probability 0.5"),
    (step("Resize", height=8, width=8, interpolation=6), "Resize: interpolation 6; known: "),
    (step("PadIfNeeded", min_height=8, min_width=8, border_mode=4), "PadIfNeeded: border_mode is not 0"),
    (step("SmallestMaxSize", max_size=[8, 16]), "SmallestMaxSize: max_size [8, 16], of which one is drawn"),
    (step("Normalize", normalization="image"), "Normalize: normalization image; known: standard"),
]


@pytest.mark.parametrize(("one", "measured"), REFUSED)
def test_refuses(one, measured, tmp_path):
    with pytest.raises(PreprocessError, match="cannot be carried over") as raised:
        Preprocess.parse(saved(tmp_path, pipeline(one)), shape=(1, 3, 8, 8))
    assert raised.value.measured.startswith(measured)


def test_another_size_than_the_networks(tmp_path):
    file = saved(tmp_path, pipeline(step("Resize", height=8, width=8)))
    with pytest.raises(PreprocessError, match="does not fit the network"):
        Preprocess.parse(file, shape=(1, 3, 16, 16))


def test_an_object_by_its_own_dict():
    """Any object whose class comes from the package; what it says of itself is read, nothing of it is run."""

    class Pipeline:
        def to_dict(self):
            return pipeline(step("Resize", height=8, width=9), step("Normalize"))["transform"]

    Pipeline.__module__ = "albumentations.core.composition"
    spec = Preprocess.from_transform(Pipeline(), shape=(1, 3, 8, 9))
    assert (spec.resize_size, spec.mean[0], spec.normalize) == ((8, 9), 0.485, "levels")
