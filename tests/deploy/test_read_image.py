"""Files as the training's loader opened them: Pillow's pixels, or cv2.imread's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from converter.deploy_runtime.sources import read_image
from converter.preprocess import Preprocess

OPENCV = Preprocess.parse("letterbox", shape=(1, 3, 8, 8)).to_dict()


def pillow(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))[:, :, ::-1]


def modes(rng):
    colour = rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)
    image = Image.fromarray(colour)
    yield "RGB", image
    yield "L", image.convert("L")
    yield "1", image.convert("1")
    yield "P", image.quantize(16)
    yield "LA", Image.merge("LA", [image.convert("L"), image.getchannel(0)])
    yield "RGBA", Image.merge("RGBA", [*image.split(), image.getchannel(1)])
    yield "I;16", Image.fromarray(rng.integers(0, 700, (13, 17), dtype=np.uint16))


def test_png_pixels_are_pillows(tmp_path, rng):
    path = tmp_path / "picture.png"
    for mode, image in modes(rng):
        image.save(path, **({"transparency": 3} if mode == "P" else {}))
        with Image.open(path) as opened:
            assert opened.mode == mode
        found = read_image(str(path))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, pillow(path), err_msg=mode)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colours_lose_their_lower_half(tmp_path, rng, channels):
    path = tmp_path / "deep.png"
    deep = rng.integers(0, 65536, (13, 17, channels), dtype=np.uint16)
    cv2.imwrite(str(path), deep)
    for preprocess in (None, OPENCV):
        np.testing.assert_array_equal(read_image(str(path), preprocess), deep[:, :, :3] >> 8)
    np.testing.assert_array_equal(read_image(str(path)), pillow(path))


def test_16_bit_grey_is_what_the_loader_makes_of_it(tmp_path):
    path = tmp_path / "deep.png"
    deep = np.array([[0, 1, 255, 256, 40000, 65535]], np.uint16)
    cv2.imwrite(str(path), deep)
    assert read_image(str(path))[0, :, 0].tolist() == [0, 1, 255, 255, 255, 255]  # Pillow's convert("RGB") cuts off
    np.testing.assert_array_equal(read_image(str(path)), pillow(path))
    np.testing.assert_array_equal(read_image(str(path), OPENCV), cv2.imread(str(path)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, rng, orientation):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((32, 48, 3), np.uint8)
    corner[:16, :16] = rng.integers(100, 256, 3)
    Image.fromarray(corner).save(path, exif=exif, quality=95)
    assert np.abs(read_image(str(path)).astype(int) - pillow(path)).max() <= 2  # Image.open leaves it as it lies
    upright = read_image(str(path), OPENCV)
    np.testing.assert_array_equal(upright, cv2.imread(str(path)))
    assert upright.shape == ((48, 32, 3) if orientation > 4 else (32, 48, 3))
    asked = {**Preprocess(size=(8, 8), exif=True).to_dict()}
    np.testing.assert_array_equal(read_image(str(path), asked), upright)


def test_cmyk_is_within_a_level_of_pillows(tmp_path, rng):
    path = tmp_path / "print.jpg"
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    small.resize((64, 48)).convert("CMYK").save(path, quality=95)
    assert np.abs(read_image(str(path)).astype(int) - pillow(path)).max() <= 2


def test_what_is_no_picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="the file is empty"):
        read_image(str(path))
    path.write_bytes(b"none")
    with pytest.raises(ValueError, match="not a picture that OpenCV can read"):
        read_image(str(path))
