"""Depth and other maps, and pictures from pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from converter.tasks import depth, image

# --- maps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 4), (1, 1, 3, 4)])
def test_a_map_is_scaled(shape):
    numbers = np.arange(12, dtype=np.float32).reshape(shape)
    result = depth.postprocess({"y": numbers}, None, scale=2.0, shift=-1.0)
    np.testing.assert_array_equal(result["map"], np.arange(12).reshape(3, 4) * 2.0 - 1.0)
    assert (result["min"], result["max"], result["mean"], result["size"]) == (-1, 21, 10, [3, 4])
    assert depth.describe(result) == "3x4 from -1 to 21, mean 10"


@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
def test_a_map_is_put_back(resize):
    """Left half 0, right half 8, in the middle of a picture that the network saw the middle of."""
    numbers = np.zeros((1, 2, 4), np.float32)
    numbers[..., 2:] = 8
    result = depth.postprocess({"y": numbers}, np.zeros((20, 40, 3), np.uint8), region=(10, 5, 30, 15), resize=resize)
    found = result["map"]
    assert found.shape == (20, 40) and found.dtype == np.float32
    assert np.isnan(found).sum() == 800 - 200
    assert (found[5:15, 10:17] == 0).all() and (found[5:15, 23:30] == 8).all()
    middle = found[5:15, 18:22]
    assert ((middle > 0) & (middle < 8)).all() == (resize == "bilinear")
    assert (result["min"], result["max"]) == (0, 8)
    drawn = depth.draw(np.full((20, 40, 3), 200, np.uint8), result)
    assert (drawn[:40, :320] == 50).all()  # not seen: the picture, dark; all is enlarged eight times


def test_which_channel():
    numbers = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    assert depth.postprocess({"y": numbers}, None, channel=1)["min"] == 4
    assert depth.postprocess({"y": numbers}, None, channel=-2)["min"] == 0
    with pytest.raises(ValueError, match="output 'y' has 2 channels, none of number 2"):
        depth.postprocess({"y": numbers}, None, channel=2)


@pytest.mark.parametrize("name", depth.COLOR_STEPS)
def test_colours_grow_brighter(name):
    """So that a picture without colours still tells what is higher."""
    colors = depth.color_map(np.linspace(0, 1, 256), name).astype(np.float64)
    luma = colors @ [0.114, 0.587, 0.299]
    assert (np.diff(luma) > -0.7).all() and luma[-1] - luma[0] > 150
    assert depth.color_map(np.array([-1.0, 2.0]), name).tolist() == colors[[0, -1]].tolist()


@pytest.mark.parametrize("invert", [False, True])
def test_the_highest_is_bright_or_the_lowest(invert):
    numbers = np.array([[0.0, 0.25, 1.0]], np.float32)
    drawn = depth.draw(
        np.zeros((1, 3, 3), np.uint8), depth.postprocess({"y": numbers}, None, invert=invert, colors="gray")
    )
    steps = [int(drawn[0, 320 * k // 3 + 20, 0]) for k in range(3)]
    assert steps == ([255, 191, 0] if invert else [0, 64, 255])


def test_a_flat_map_can_be_drawn():
    result = depth.postprocess({"y": np.full((1, 4, 4), 3.0, np.float32)}, np.zeros((9, 9, 3), np.uint8))
    assert depth.draw(np.zeros((9, 9, 3), np.uint8), result).shape[1] == 324


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 3, 4)), "output 'y' has shape [2, 3, 4], expected (1, h, w), (h, w) or (1, channels, h, w)"),
        (np.zeros(3), "output 'y' has shape [3], expected (1, h, w), (h, w) or (1, channels, h, w)"),
        (np.full((1, 2, 2), np.inf), "output 'y' holds NaN or infinity: it is no map"),
    ],
)
def test_maps_refuse(array, text):
    with pytest.raises(ValueError, match="output") as raised:
        depth.postprocess({"y": array}, None)
    assert str(raised.value) == text


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (1.0, 0.0)])
@pytest.mark.parametrize("color", ["RGB", "BGR"])
def test_a_picture_comes_back(low, high, color, rng):
    picture = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    planes = (picture[:, :, ::-1] if color == "RGB" else picture).transpose(2, 0, 1)
    output = (low + planes / 255.0 * (high - low)).astype(np.float32)[None]
    result = image.postprocess({"y": output}, None, low=low, high=high, color=color)
    np.testing.assert_array_equal(result["image"], picture)
    assert (result["clipped"], result["size"]) == (0.0, [5, 7])
    np.testing.assert_array_equal(image.draw(picture, result), picture)


def test_numbers_beyond_the_range_are_clipped_and_counted():
    output = np.array([[[[-0.1, 0.0, 1.0, 3.0]]]], np.float32)
    result = image.postprocess({"y": output}, None, color="GRAY")
    assert result["image"][0, :, 0].tolist() == [0, 0, 255, 255]
    assert image.describe(result) == "1x4 picture, 50.0% beyond the range"


def test_padding_is_cut_off():
    """A letterbox: 40 x 20 pixels in the middle of an input of 40 x 40, which comes out four times as large."""
    output = np.zeros((1, 1, 160, 160), np.float32)
    output[:, :, 40:120] = 1
    picture = np.zeros((20, 40, 3), np.uint8)
    result = image.postprocess({"y": output}, picture, region=(0, -10, 40, 30), color="GRAY")
    assert result["size"] == [80, 160] and (result["image"] == 255).all()
    small = image.postprocess({"y": output}, picture, region=(0, -10, 40, 30), color="GRAY", keep_size=False)
    assert small["size"] == [20, 40] and (small["image"] == 255).all()


@pytest.mark.parametrize("region", [None, (-8, 0, 56, 64)])
def test_brightness_gets_the_colours_of_the_picture(region, rng):
    """The picture's own brightness as Pillow has it, for the part that was seen: the picture comes back."""
    low = rng.integers(60, 200, (4, 3, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(low).resize((48, 64), Image.Resampling.BICUBIC))
    luma = np.asarray(Image.fromarray(picture[:, :, ::-1].copy()).convert("L"), np.float32)
    output = np.pad(luma, [(0, 0), (8, 8)])[None, None] if region else luma[None, None]
    result = image.postprocess({"y": output}, picture, color="Y", high=255.0, region=region)
    assert np.abs(result["image"].astype(int) - picture).max() <= 1


def test_a_smaller_picture_is_resized_on_request():
    output = np.zeros((1, 3, 4, 4), np.float32)
    result = image.postprocess({"y": output}, np.zeros((30, 50, 3), np.uint8), keep_size=False)
    assert result["image"].shape == (30, 50, 3)
    assert image.postprocess({"y": output}, np.zeros((30, 50, 3), np.uint8))["size"] == [4, 4]


@pytest.mark.parametrize(
    ("array", "settings", "text"),
    [
        (np.zeros((1, 4, 2, 2)), {}, "output 'y' has shape [1, 4, 2, 2], expected [1, 3, height, width] for RGB"),
        (
            np.zeros((1, 3, 2, 2)),
            {"color": "Y"},
            "output 'y' has shape [1, 3, 2, 2], expected [1, 1, height, width] for Y",
        ),
        (np.full((1, 3, 2, 2), np.nan), {}, "output 'y' holds NaN: it is no picture"),
        (np.zeros((1, 3, 2, 2)), {"low": 1.0}, "low and high are both 1.0"),
    ],
)
def test_pictures_refuse(array, settings, text):
    with pytest.raises(ValueError, match=r"\w") as raised:
        image.postprocess({"y": array}, None, **settings)
    assert str(raised.value) == text
