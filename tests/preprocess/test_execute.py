"""The promise: Pillow's bytes, torchvision's floats."""

from __future__ import annotations

import itertools
import time

import numpy as np
import PIL
import pytest
from PIL import Image

from converter.preprocess import Preprocess
from converter.preprocess.execute import apply_preprocess, color_planes, seen_region
from converter.preprocess.resampling import FILTERS, resample
from converter.render import paste

PILLOW = 13 if int(PIL.__version__.split(".")[0]) >= 13 else 12
EDGES = (1, 2, 3, 5, 8, 17, 64, 100, 131, 257)


def drawn_picture(rng: np.random.Generator) -> np.ndarray:
    """uint8 (H, W, 3), noise or black and white (whose overshoot a filter has to clip)."""
    height, width = rng.choice(EDGES, 2) if rng.random() < 0.5 else rng.integers(1, 300, 2)
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return (picture // 128 * 255).astype(np.uint8) if rng.random() < 0.3 else picture


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("seed", range(5))
def test_resample_is_pillow(interpolation, seed):
    """60 drawn pictures and sizes a case, 300 a filter; not one byte may differ."""
    rng = np.random.default_rng(seed)
    for _ in range(60):
        picture = drawn_picture(rng)
        height, width = (int(n) for n in rng.choice([*EDGES, *picture.shape[:2], 37, 224], 2))
        wanted = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling[interpolation.upper()]))
        found = resample(picture.transpose(2, 0, 1), height, width, interpolation, PILLOW).transpose(1, 2, 0)
        np.testing.assert_array_equal(found, wanted, err_msg=f"{picture.shape} to {(height, width)}")


@pytest.mark.parametrize(("height", "width"), list(itertools.product((1, 2, 7), repeat=2)))
def test_one_pixel_sides(height, width, rng):
    picture = rng.integers(0, 256, (height, width), dtype=np.uint8)
    for interpolation in FILTERS:
        for size in itertools.product((1, 2, 7, 31), repeat=2):
            wanted = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling[interpolation.upper()]))
            np.testing.assert_array_equal(resample(picture[None], size[1], size[0], interpolation, PILLOW)[0], wanted)


def test_hammings_constants_are_single_precision():
    """With 0.54 and 0.46 in double precision 4 of these 3,806,760 pixels are a level off."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        width, new_width = (int(n) for n in rng.integers(300, 2000, 2))
        picture = rng.integers(0, 256, (60, width), dtype=np.uint8)
        wanted = np.asarray(Image.fromarray(picture).resize((new_width, 60), Image.Resampling.HAMMING))
        np.testing.assert_array_equal(resample(picture[None], 60, new_width, "hamming")[0], wanted)


def test_the_order_of_passes_is_that_of_the_pillow_asked_for(rng):
    """Pillow 13 begins with the rows where the height loses more than twice what the width does; 12 never does."""
    tall = rng.integers(0, 256, (1, 76, 4), dtype=np.uint8)
    rows_first = resample(resample(tall, 55, 4, "bicubic"), 55, 44, "bicubic")
    columns_first = resample(resample(tall, 76, 44, "bicubic"), 55, 44, "bicubic")
    assert (rows_first != columns_first).any()
    np.testing.assert_array_equal(resample(tall, 55, 44, "bicubic", 13), rows_first)
    np.testing.assert_array_equal(resample(tall, 55, 44, "bicubic", 12), columns_first)


def test_luma_is_pillows_for_every_colour(rng):
    picture = rng.integers(0, 256, (512, 512, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(picture).convert("L"))
    np.testing.assert_array_equal(color_planes(np.ascontiguousarray(picture[:, :, ::-1]), "GRAY")[0], wanted)


def test_colours():
    bgra = np.array([[[1, 2, 3, 200]]], np.uint8)
    assert color_planes(bgra, "RGB").ravel().tolist() == [3, 2, 1]
    assert color_planes(bgra[:, :, :3], "BGR").ravel().tolist() == [1, 2, 3]
    gray = np.array([[77]], np.uint8)
    assert color_planes(gray, "RGB").ravel().tolist() == [77, 77, 77]
    assert color_planes(gray[:, :, None], "GRAY").ravel().tolist() == [77]


@pytest.mark.parametrize("seed", range(40))
def test_torchvision_drawn(seed):
    """Resize, CenterCrop, ToTensor, Normalize on a PIL image; bit for bit, so within the unit in the last place."""
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision does not import here")
    rng = np.random.default_rng(seed)
    rgb = drawn_picture(rng)
    if min(rgb.shape[:2]) * 40 < max(rgb.shape[:2]):
        rgb = np.ascontiguousarray(rgb[:200, :200])
    size = int(rng.choice([7, 24, 64, 97]))
    resized = int(rng.choice([size, size * 256 // 224, size + 1, max(1, size - 5)]))  # a smaller one pads with black
    interpolation = str(rng.choice(["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]))
    mean, std = tuple(rng.uniform(0, 1, 3).tolist()), tuple(rng.uniform(0.1, 1, 3).tolist())
    stretched = bool(rng.random() < 0.3)
    theirs = transforms.Compose(
        [
            transforms.Resize(
                (resized, resized + 3) if stretched else resized, transforms.InterpolationMode(interpolation)
            ),
            transforms.CenterCrop((size, size)),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    ours = Preprocess(
        size=(size, size),
        resize="stretch" if stretched else "shortest",
        resize_size=(resized, resized + 3) if stretched else resized,
        interpolation=interpolation,
        pillow=PILLOW,
        crop=(size, size),
        mean=mean,
        std=std,
    )
    found = ours.apply(np.ascontiguousarray(rgb[:, :, ::-1]))
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_array_max_ulp(found[0], theirs(Image.fromarray(rgb)).numpy(), maxulp=1)


@pytest.mark.parametrize(
    "keys",
    [
        {"interpolation": "bicubic", "pad_value": 7},
        {"interpolation": "nearest", "color": "GRAY", "gray_after_resize": True},
        {"resampler": "torch", "resize_dtype": "uint8", "normalize": "levels"},
        {"resampler": "torch", "resize_dtype": "float32_rounded", "antialias": False, "normalize": "single"},
        {"resampler": "torch", "resize_dtype": "float32", "layout": "NHWC"},
        {"resampler": "opencv", "antialias": False},
        {"fast": True},
    ],
)
def test_the_pasted_code_stands_on_its_own(keys, rng):
    """What deploy.py carries has all that it uses, and computes the same."""
    pasted = paste([apply_preprocess, seen_region])
    alone = {}
    exec("\n".join([*pasted.imports, pasted.body]), alone)
    spec = Preprocess(size=(40, 40), resize="shortest", resize_size=33, crop=(40, 40), **keys).to_dict()
    picture = rng.integers(0, 256, (61, 83, 3), dtype=np.uint8)
    np.testing.assert_array_equal(alone["apply_preprocess"](picture, spec), apply_preprocess(picture, spec))
    assert alone["seen_region"](61, 83, spec) == seen_region(61, 83, spec)


def test_without_a_resize_the_size_must_fit(rng):
    spec = Preprocess(size=(4, 6)).to_dict()
    assert apply_preprocess(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8), spec).shape == (1, 3, 4, 6)
    with pytest.raises(ValueError, match="has no resize") as raised:
        apply_preprocess(np.zeros((6, 4, 3), np.uint8), spec)
    assert str(raised.value) == (
        "the picture is 6x4 (height x width), the network takes 4x6 and its preprocessing has no resize"
    )


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (np.zeros((4, 4, 3), np.float32), "a picture is a uint8 array as cv2.imread gives it, not float32"),
        (None, "a picture is a uint8 array as cv2.imread gives it, not NoneType"),
        (np.zeros((4, 4, 2), np.uint8), "a picture has shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, not (4, 4, 2)"),
        (np.zeros((0, 4, 3), np.uint8), "a picture has shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, not (0, 4, 3)"),
        (np.zeros(4, np.uint8), "a picture has shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, not (4,)"),
    ],
)
def test_not_a_picture(image, text):
    with pytest.raises(ValueError, match="a picture") as raised:
        apply_preprocess(image, Preprocess(size=(4, 4)).to_dict())
    assert str(raised.value) == text


def test_the_region_that_the_network_saw():
    crop = Preprocess(size=(100, 100), resize="shortest", resize_size=200, crop=(100, 100)).to_dict()
    assert seen_region(400, 800, crop) == (300.0, 100.0, 500.0, 300.0)
    padded = Preprocess(size=(100, 100), resize="shortest", resize_size=50, crop=(100, 100)).to_dict()
    assert seen_region(100, 200, padded) == (0.0, -50.0, 200.0, 150.0)
    stretched = Preprocess(size=(8, 8), resize="stretch", resize_size=(8, 8)).to_dict()
    assert seen_region(30, 40, stretched) == (0.0, 0.0, 40.0, 30.0)


def test_a_large_photo_takes_well_under_a_second(rng):
    photo = rng.integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    spec = Preprocess.parse("imagenet", shape=(1, 3, 224, 224))
    started = time.process_time()
    spec.apply(photo)
    assert time.process_time() - started < 1.0  # 0.07 s alone on one core
