"""Where pictures come to lie: sizes after the resize, crops, padding, and the part that the blob shows."""

from __future__ import annotations

import numpy as np
import pytest

from converter.preprocess import Preprocess
from converter.preprocess.execute import apply_preprocess, seen_region
from converter.preprocess.geometry import blob_origin, resized_shape


def spec_of(**keys):
    return Preprocess(**{"size": (64, 64), **keys}).to_dict()


CROP = {"crop": (64, 64)}
PAD = {"pad": "center"}
SIZES = [
    # torchvision: Resize(64), Resize(64, max_size=80), Resize(None, max_size=64): the edge that follows is truncated
    ({"resize": "shortest", "resize_size": 64, **CROP}, (427, 640), (64, 95)),
    ({"resize": "shortest", "resize_size": 64, **CROP}, (640, 427), (95, 64)),
    ({"resize": "shortest", "resize_size": 64, "max_size": 80, **CROP}, (427, 640), (53, 80)),
    ({"resize": "longest", "resize_size": 64, **CROP}, (427, 640), (42, 64)),
    # Albumentations' SmallestMaxSize, LongestMaxSize: rounded
    ({"resize": "shortest", "resize_size": 64, "rounding": "round", **CROP}, (427, 640), (64, 96)),
    ({"resize": "longest", "resize_size": 64, "rounding": "round", **PAD}, (427, 640), (43, 64)),
    # DETR's: 480x1000 with (32, 40) gives 19.2, rounded for the short edge and not for the long one
    ({"resize": "shortest", "resize_size": 32, "max_size": 40, "rounding": "detr", **PAD}, (480, 1000), (19, 40)),
    ({"resize": "shortest", "resize_size": 32, "max_size": 400, "rounding": "detr", **CROP}, (480, 1000), (32, 66)),
    # timm's and Ultralytics': into a box, or over it
    ({"resize": "fit", "resize_size": (64, 48), "rounding": "round", **PAD}, (427, 640), (32, 48)),
    ({"resize": "cover", "resize_size": (64, 48), "rounding": "round", **CROP}, (427, 640), (64, 96)),
    ({"resize": "fit", "resize_size": (64, 64), "upscale": False, **PAD}, (20, 30), (20, 30)),
    ({"resize": "shortest", "resize_size": 64, "upscale": False, **CROP}, (20, 30), (20, 30)),
    ({"resize": "bounds", "resize_size": (40, 64), **PAD}, (100, 120), (40, 48)),
    ({"resize": "bounds", "resize_size": (40, 64), **PAD}, (100, 200), (32, 64)),
    ({"resize": "stretch", "resize_size": (64, 64)}, (3, 2000), (64, 64)),
    # never less than a pixel
    ({"resize": "longest", "resize_size": 64, **PAD}, (1, 2000), (1, 64)),
    ({"resize": "fit", "resize_size": (64, 64), "rounding": "round", **PAD}, (2000, 1), (64, 1)),
]


@pytest.mark.parametrize(("keys", "picture", "wanted"), SIZES)
def test_sizes(keys, picture, wanted):
    assert resized_shape(*picture, spec_of(**keys)) == wanted


@pytest.mark.parametrize(
    ("rounding", "found", "wanted"),
    [
        # (size - 64) / 2: torchvision rounds halves to even, the others down; smaller pictures are padded
        ("half_even", 67, 2), ("half_even", 69, 2), ("half_even", 71, 4), ("half_even", 63, 0), ("half_even", 61, -1),
        ("truncate", 67, 1), ("truncate", 71, 3), ("truncate", 63, 0), ("truncate", 61, -1),
        ("floor", 67, 1), ("floor", 71, 3), ("floor", 63, -1), ("floor", 61, -2),
    ],
)  # fmt: skip
def test_middles(rounding, found, wanted):
    assert blob_origin(found, 64, spec_of(crop=(64, 64), crop_rounding=rounding)) == (wanted, 0)


def test_a_letterbox_has_grey_around_the_picture():
    """Ultralytics: an odd margin has its larger half at the right and below."""
    spec = Preprocess.parse("letterbox", shape=(1, 3, 64, 96)).to_dict()
    blob = apply_preprocess(np.full((64, 91, 3), 200, np.uint8), spec)
    columns = np.flatnonzero(blob[0, 0, 0] == np.float32(200 / 255))
    assert (columns[0], columns[-1]) == (2, 92)
    grey = np.delete(blob, columns, axis=3)
    np.testing.assert_array_equal(grey, np.full(grey.shape, np.float32(114 / 255)))


def test_regions_with_padding():
    spec = Preprocess.parse("letterbox", shape=(1, 3, 64, 96)).to_dict()
    assert seen_region(128, 128, spec) == (-32.0, 0.0, 160.0, 128.0)
    corner = {**spec, "pad": "topleft"}
    assert seen_region(128, 128, corner) == (0.0, 0.0, 192.0, 128.0)


@pytest.mark.parametrize("seed", range(20))
def test_a_point_of_the_picture_is_found_through_the_region(seed):
    """A white square in a black picture, through any geometry: the region leads from its place in the blob to the picture."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(200, 500, 2))
    y, x = int(rng.integers(height * 0.4, height * 0.6)), int(rng.integers(width * 0.4, width * 0.6))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y - 15 : y + 15, x - 15 : x + 15] = 255
    geometries = [
        {"resize": "shortest", "resize_size": 160, "crop": (128, 128)},
        {"resize": "fit", "resize_size": (128, 128), "rounding": "round", "pad": "center"},
        {"resize": "fit", "resize_size": (128, 128), "pad": "topleft"},
        {"resize": "stretch", "resize_size": (128, 128)},
        {"resize": "stretch", "resize_size": (150, 140), "crop": (128, 128), "crop_rounding": "floor"},
    ]
    spec = Preprocess(size=(128, 128), **geometries[seed % 5]).to_dict()
    blob = apply_preprocess(picture, spec)[0, 0]
    rows, columns = np.mgrid[0:128, 0:128] + 0.5
    left, top, right, bottom = seen_region(height, width, spec)
    found_x = left + (columns * blob).sum() / blob.sum() * (right - left) / 128
    found_y = top + (rows * blob).sum() / blob.sum() * (bottom - top) / 128
    assert abs(found_x - x) < 0.5 * width / 128 and abs(found_y - y) < 0.5 * height / 128


def test_padding_of_the_blob_and_of_pixels():
    picture = np.full((32, 64, 3), 255, np.uint8)
    keys = {"resize": None, "pad": "topleft", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    after = apply_preprocess(picture, spec_of(**keys, pad_in="blob"))
    before = apply_preprocess(picture, spec_of(**keys))
    assert (after[0, 0, 31, 0], after[0, 0, 32, 0], before[0, 0, 32, 0]) == (1.0, 0.0, -1.0)
    colours = apply_preprocess(picture, spec_of(pad="topleft", pad_value=(255, 0, 51), color="BGR"))
    assert colours[0, :, 63, 63].tolist() == [1.0, 0.0, np.float32(0.2)]


def test_what_padding_cannot_hold():
    spec = spec_of(pad="center")
    with pytest.raises(ValueError, match="does not fit") as raised:
        apply_preprocess(np.zeros((65, 30, 3), np.uint8), spec)
    assert str(raised.value) == (
        "the picture, 65x30 (height x width), becomes 65x30 by the preprocessing's resize, and does not fit into the "
        "network's input of 64x64"
    )


def test_layouts_and_dtypes():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    first = Preprocess(size=(5, 7)).apply(picture)
    last = Preprocess(size=(5, 7), layout="NHWC").apply(picture)
    assert last.shape == (1, 5, 7, 3) and last.flags.c_contiguous
    np.testing.assert_array_equal(last, first.transpose(0, 2, 3, 1))
    levels = Preprocess(size=(5, 7), color="BGR", scale=1, dtype="uint8", layout="NHWC").apply(picture)
    assert levels.dtype == np.uint8
    np.testing.assert_array_equal(levels[0], picture)
    assert Preprocess.parse("unit", shape=(1, 8, 9, 3)).layout == "NHWC"


def test_grey_in_three_channels_and_after_the_resize():
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    keys = {"size": (20, 20), "resize": "stretch", "resize_size": (20, 20), "color": "GRAY"}
    one = Preprocess(**keys, channels=1, mean=(0,), std=(1,)).apply(picture)
    three = Preprocess(**keys).apply(picture)
    np.testing.assert_array_equal(three[0], np.repeat(one[0], 3, axis=0))
    later = Preprocess(**keys, channels=1, mean=(0,), std=(1,), gray_after_resize=True).apply(picture)
    assert 0 < np.abs(later - one).max() < 2.5 / 255  # the luma of the mean is not quite the mean of the lumas
