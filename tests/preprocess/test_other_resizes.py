"""PyTorch's tensor resize and OpenCV's: the same bytes as theirs."""

from __future__ import annotations

import builtins

import cv2
import numpy as np
import pytest

from converter.preprocess import Preprocess
from converter.preprocess.execute import apply_preprocess
from converter.preprocess.opencv_resize import opencv_fast, opencv_resample
from converter.preprocess.resampling import resample
from converter.preprocess.torch_resize import torch_resample, torch_resample_rounded


def drawn(rng, most=180):
    """uint8 (3, H, W), noise or black and white, and a size to resize it to."""
    height, width, rows, columns = (int(n) for n in rng.integers(1, most, 4))
    picture = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
    if rng.random() < 0.3:
        picture = (picture // 128 * 255).astype(np.uint8)
    if rng.random() < 0.2:
        rows = height
    if rng.random() < 0.2:
        columns = max(1, width - 1)  # a scale near 1: the largest weight decides the precision
    return picture, rows, columns


TENSORS = [
    ("nearest", False),
    ("nearest-exact", False),
    *((name, on) for name in ("bilinear", "bicubic") for on in (0, 1)),
]


@pytest.mark.parametrize(("interpolation", "antialias"), TENSORS)
def test_uint8_tensors(interpolation, antialias, rng):
    torch = pytest.importorskip("torch")
    extra = {"antialias": bool(antialias), "align_corners": False} if interpolation[0] == "b" else {}
    for _ in range(40):
        picture, rows, columns = drawn(rng)
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(picture)[None], (rows, columns), mode=interpolation, **extra
        )
        found = torch_resample(picture, rows, columns, interpolation, bool(antialias))
        np.testing.assert_array_equal(found, theirs[0].numpy(), err_msg=f"{picture.shape} to {rows, columns}")


@pytest.mark.parametrize(("interpolation", "antialias"), TENSORS)
def test_float32_tensors(interpolation, antialias, rng):
    """PyTorch's order of additions is its own: within 2e-6 of the largest number."""
    torch = pytest.importorskip("torch")
    extra = {"antialias": bool(antialias), "align_corners": False} if interpolation[0] == "b" else {}
    for _ in range(20):
        picture, rows, columns = drawn(rng)
        numbers = picture.astype(np.float32) / np.float32(255)
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(numbers)[None], (rows, columns), mode=interpolation, **extra
        )
        found = torch_resample(numbers, rows, columns, interpolation, bool(antialias))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, theirs[0].numpy(), rtol=0, atol=2e-6)


def test_first_generation_tensors(rng):
    """Rounded once at the end: a level off in a few of a million, where PyTorch's sum lies on the other side of a half."""
    functional = pytest.importorskip("torchvision.transforms.functional", reason="torchvision does not import here")
    torch = pytest.importorskip("torch")
    wrong = total = 0
    for _ in range(20):
        picture, rows, columns = drawn(rng)
        theirs = functional.resize(torch.from_numpy(picture), [rows, columns], antialias=True).numpy()
        found = torch_resample_rounded(picture, rows, columns, "bilinear", True)
        apart = np.abs(found.astype(int) - theirs)
        assert apart.max() <= 1
        wrong, total = wrong + np.count_nonzero(apart), total + apart.size
    assert wrong <= total * 1e-4


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_opencv_without_opencv(interpolation, rng, monkeypatch):
    flag = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR}[interpolation]
    pairs = []
    for number in range(60):
        planes, rows, columns = drawn(rng)
        picture = np.ascontiguousarray(planes.transpose(1, 2, 0))
        if number % 5 == 0:
            picture = rng.integers(0, 256, (2 * rows, 2 * columns, 3), dtype=np.uint8)  # has a path of its own
        if number % 3 == 0:
            picture = np.ascontiguousarray(picture[:, :, 0])
        pairs.append((picture, cv2.resize(picture, (columns, rows), interpolation=flag)))
        np.testing.assert_array_equal(opencv_resample(picture, rows, columns, interpolation), pairs[-1][1])
    hide_cv2(monkeypatch)
    for picture, wanted in pairs:
        np.testing.assert_array_equal(opencv_resample(picture, *wanted.shape[:2], interpolation), wanted)
    with pytest.raises(ValueError, match="resizing with OpenCV's INTER_AREA needs cv2"):
        opencv_resample(np.zeros((4, 4), np.uint8), 2, 2, "area")


def hide_cv2(monkeypatch):
    """`import cv2` fails, as where it is not installed."""
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name == "cv2":
            raise ImportError("No module named 'cv2'")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)


def test_opencv_resizes_before_and_after_the_channels_turn_alike(rng):
    picture = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    spec = Preprocess.parse("letterbox", shape=(1, 3, 32, 32))
    small = cv2.resize(picture, (32, 23), interpolation=cv2.INTER_LINEAR)
    blob = spec.apply(picture)
    np.testing.assert_array_equal(
        blob[0, :, 4:27], np.take(np.arange(256) / 255, small[:, :, ::-1]).astype("f4").transpose(2, 0, 1)
    )
    with_alpha = np.dstack([picture, picture[:, :, 0]])
    np.testing.assert_array_equal(spec.apply(with_alpha), blob)


def test_fast_is_cv2_and_only_by_name(rng, monkeypatch):
    picture = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    exact = Preprocess.parse("none", shape=(1, 3, 20, 30))
    fast = Preprocess.parse("none+fast", shape=(1, 3, 20, 30))
    wanted = cv2.resize(picture, (30, 20), interpolation=cv2.INTER_AREA)[:, :, ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(fast.apply(picture)[0], wanted)
    assert (exact.apply(picture) != fast.apply(picture)).any()
    larger = opencv_fast(picture, 120, 160, "bicubic", True)
    np.testing.assert_array_equal(larger, cv2.resize(picture, (160, 120), interpolation=cv2.INTER_CUBIC))
    expected = exact.apply(picture)
    hide_cv2(monkeypatch)
    np.testing.assert_array_equal(fast.apply(picture), expected)  # nothing is nearer to the training than the exact one


@pytest.mark.parametrize("seed", range(12))
def test_only_what_is_seen_is_computed(seed):
    """A crop of the whole resize, and the resize of the crop alone, are the same bytes."""
    rng = np.random.default_rng(seed)
    planes, rows, columns = drawn(rng)
    top, left = int(rng.integers(0, rows)), int(rng.integers(0, columns))
    bottom, right = int(rng.integers(top, rows)) + 1, int(rng.integers(left, columns)) + 1
    window, inside = (top, left, bottom, right), np.s_[:, top:bottom, left:right]
    for name in ("nearest", "bilinear", "bicubic"):
        for pillow in (12, 13):
            whole = resample(planes, rows, columns, name, pillow)[inside]
            np.testing.assert_array_equal(resample(planes, rows, columns, name, pillow, window), whole)
        whole = torch_resample(planes, rows, columns, name, name != "nearest")[inside]
        np.testing.assert_array_equal(torch_resample(planes, rows, columns, name, name != "nearest", window), whole)


def test_a_float_tensor_is_scaled_before_and_normalised_after_its_resize(rng):
    picture = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    keys = {"size": (16, 16), "resize": "stretch", "resize_size": (16, 16), "resampler": "torch", "antialias": False}
    spec = Preprocess(**keys, resize_dtype="float32", mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3)).to_dict()
    numbers = picture[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    wanted = torch_resample(numbers, 16, 16, "bilinear", False)
    wanted = (wanted - np.float32([0.4, 0.5, 0.6])[:, None, None]) / np.float32([0.2, 0.2, 0.3])[:, None, None]
    np.testing.assert_array_equal(apply_preprocess(picture, spec)[0], wanted)
