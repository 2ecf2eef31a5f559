"""The specification: its words, its files, its refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from converter.errors import PreprocessError
from converter.preprocess import Preprocess

IMAGE = (1, 3, 224, 224)


def test_words():
    imagenet = Preprocess.parse("imagenet", shape=IMAGE)
    assert (imagenet.resize, imagenet.resize_size, imagenet.crop) == ("shortest", 256, (224, 224))
    assert (imagenet.mean, imagenet.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert Preprocess.parse(None, shape=IMAGE) == imagenet
    assert Preprocess.parse("imagenet:256/224", shape=IMAGE) == imagenet
    assert Preprocess.parse("imagenet:1/1", shape=(1, 3, 299, 299)).resize_size == 299
    assert Preprocess.parse("imagenet", shape=(1, 3, 288, 288)).resize_size == 329
    unit = Preprocess.parse("unit", shape=(1, 1, 28, 20))
    assert Preprocess.parse(None, shape=(1, 1, 28, 20)) == unit
    assert (unit.color, unit.resize, unit.resize_size, unit.scale) == ("GRAY", "stretch", (28, 20), 1 / 255)
    raw = Preprocess.parse("none", shape=IMAGE)
    assert raw.scale == 1.0
    assert raw.apply(np.full((9, 7, 3), 200, np.uint8)).max() == 200


def test_imagenet_of_an_oblong_input_stretches():
    oblong = Preprocess.parse("imagenet", shape=(1, 3, 128, 256))
    assert (oblong.resize, oblong.resize_size, oblong.crop) == ("stretch", (128, 256), None)
    assert oblong.mean == (0.485, 0.456, 0.406)


def test_describe():
    assert Preprocess.parse("imagenet", shape=IMAGE).describe() == (
        "RGB, shorter edge resized to 256 (bilinear, Pillow's), centre 224×224 cropped, divided by 255, "
        "minus mean (0.485, 0.456, 0.406), divided by std (0.229, 0.224, 0.225), float32 NCHW"
    )
    assert Preprocess.parse("none", shape=(1, 1, 8, 9)).describe() == (
        "GRAY, stretched to 8×9 (bilinear, Pillow's), float32 NCHW"
    )
    assert Preprocess(size=(8, 9), scale=0.5).describe() == "RGB, taken as it is, 8×9, times 0.5, float32 NCHW"


@pytest.mark.parametrize("word", ["imagenet", "unit", "none"])
def test_round_trip_through_json(word):
    spec = Preprocess.parse(word, shape=IMAGE)
    assert Preprocess.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_unknown_word():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("imgnet", shape=IMAGE)
    assert str(raised.value) == (
        "there is no preprocessing called 'imgnet'\n"
        "  measured: words: imagenet (shorter edge to 256/224 of the input, centre crop, RGB, ImageNet mean and std "
        "(square inputs)); imagenet:A/B (the same with A/B instead of 256/224); unit (stretched to the input, divided by "
        "255); none (stretched to the input, 0..255 as they are)\n"
        "  do:       use one of these words, or the path of a .json or .toml file"
    )
    with pytest.raises(PreprocessError, match="there is no preprocessing called"):
        Preprocess.parse("imagenet:0/224", shape=IMAGE)


@pytest.mark.parametrize("shape", [(1, 77), (1, 4, 8, 8), (), (1, 3, 8, 8, 8)])
def test_inputs_that_take_no_pictures(shape):
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("unit", shape=shape)
    assert str(raised.value) == (
        "a preprocessing needs an input that takes pictures\n"
        f"  measured: the input has shape {'×'.join(map(str, shape)) or '()'}, not batch×3×height×width or "
        "batch×1×height×width\n"
        "  do:       leave --preprocess out: deploy.py then takes .npy arrays"
    )


def test_imagenet_needs_three_channels():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("imagenet", shape=(1, 1, 28, 28))
    assert raised.value.measured == "the network takes 1"


BAD = [
    ({"color": "HSV"}, "color must be one of RGB, BGR, GRAY"),
    ({"color": "GRAY"}, "channels must be 1 for GRAY"),
    ({"interpolation": "area"}, "interpolation must be one of nearest, box, bilinear, hamming, bicubic, lanczos"),
    ({"antialias": False}, "antialias must be one of True"),
    ({"resize": "longest"}, "resize must be one of shortest, stretch, None"),
    ({"dtype": "float16"}, "dtype must be one of float32"),
    ({"layout": "NHWC"}, "layout must be one of NCHW"),
    ({"pillow": 11}, "pillow must be one of 12, 13"),
    ({"scale": 0}, "scale must be a finite number that is not 0"),
    ({"scale": float("nan")}, "scale must be a finite number that is not 0"),
    ({"mean": (0.5,)}, "mean must be 3 finite number(s), one a channel"),
    ({"mean": 0.5}, "mean must be 3 finite number(s), one a channel"),
    ({"std": ("a", 1.0, 1.0)}, "std must be 3 finite number(s), one a channel"),
    ({"std": (0.0, 1.0, 1.0)}, "std must be positive"),
    ({"size": (0, 4)}, "size must be two positive integers (height, width)"),
    ({"size": 4}, "size must be two positive integers (height, width)"),
    ({"crop": (3, 3)}, "crop must be the size (4, 4) or None"),
    ({"resize_size": 4}, "resize_size must be None where resize is None"),
    ({"resize": "shortest"}, "resize_size must be one positive integer where resize is shortest"),
    ({"resize": "stretch", "resize_size": 4}, "resize_size must be two positive integers where resize is stretch"),
    ({"resize": "stretch", "resize_size": (5, 5)}, "resize_size must be the size (4, 4) where nothing is cropped"),
    (
        {"resize": "shortest", "resize_size": 5},
        "crop must be (4, 4) where resize is shortest (else every picture has its own size)",
    ),
]


@pytest.mark.parametrize(("values", "measured"), BAD)
def test_refuses(values, measured):
    with pytest.raises(PreprocessError) as raised:
        Preprocess(**{"size": (4, 4), **values})
    assert raised.value.measured == measured


def test_from_dict_refuses():
    with pytest.raises(PreprocessError, match="has no size"):
        Preprocess.from_dict({})
    with pytest.raises(PreprocessError) as raised:
        Preprocess.from_dict({"size": [4, 4], "means": [0, 0, 0]})
    assert raised.value.measured.startswith("unknown: means; known: size, color, ")


def test_files(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('base = "imagenet"\ninterpolation = "bicubic"\nresize_size = 248\n', encoding="utf-8")
    spec = Preprocess.parse(str(file), shape=IMAGE)
    assert (spec.interpolation, spec.resize_size, spec.mean[0]) == ("bicubic", 248, 0.485)
    file = tmp_path / "own.json"
    file.write_text('{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}', encoding="utf-8")
    spec = Preprocess.parse(str(file), shape=IMAGE)
    assert (spec.resize, spec.mean, spec.scale) == ("stretch", (0.5, 0.5, 0.5), 1 / 255)
    file.write_text(json.dumps(spec.to_dict()), encoding="utf-8")
    assert Preprocess.parse(str(file), shape=IMAGE) == spec


def test_a_file_for_bgr_turns_the_statistics_of_its_base_round(tmp_path):
    file = tmp_path / "bgr.json"
    file.write_text('{"base": "imagenet", "color": "BGR"}', encoding="utf-8")
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    rgb = Preprocess.parse("imagenet", shape=(1, 3, 16, 16)).apply(picture)
    np.testing.assert_array_equal(Preprocess.parse(str(file), shape=(1, 3, 16, 16)).apply(picture), rgb[:, ::-1])


@pytest.mark.parametrize(
    ("name", "text", "what", "measured"),
    [
        ("a.json", "{", "the preprocessing file {} cannot be read", "JSONDecodeError: "),
        ("a.toml", "=", "the preprocessing file {} cannot be read", "TOMLDecodeError: "),
        ("a.json", "[]", "the preprocessing file {} does not hold a preprocessing", "it is not a table of keys"),
        ("a.json", '{"base": "x"}', "the preprocessing file {} does not hold a preprocessing", "base is 'x', not imagenet"),
        ("a.json", '{"size": [8, 8], "resize_size": [8, 8]}', "the preprocessing file {} does not fit the network",
         "it makes 3×8×8 (channels, height, width), the network takes 3×224×224"),
    ],
)  # fmt: skip
def test_bad_files(tmp_path, name, text, what, measured):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse(str(file), shape=IMAGE)
    assert raised.value.what == what.format(file)
    assert raised.value.measured.startswith(measured)


def test_missing_file(tmp_path):
    with pytest.raises(PreprocessError, match="cannot be read"):
        Preprocess.parse(str(tmp_path / "none.json"), shape=IMAGE)


TIMM = [
    {"input_size": (3, 224, 224), "interpolation": "bicubic", "crop_pct": 0.95},
    {"input_size": (3, 97, 97), "crop_pct": 0.875, "crop_mode": "center", "mean": (0.5,) * 3, "std": (0.5,) * 3},
    {"input_size": (3, 64, 96), "crop_pct": 0.9, "crop_mode": "squash", "interpolation": "lanczos"},
    {"input_size": (3, 56, 56)},
]


@pytest.mark.parametrize("config", TIMM)
def test_timm(config):
    """The same floats as timm's own evaluation transform."""
    factory = pytest.importorskip("timm.data.transforms_factory", reason="timm does not import here")
    import PIL
    from PIL import Image

    size = config["input_size"]
    options = {key: config[key] for key in ("crop_pct", "crop_mode", "interpolation", "mean", "std") if key in config}
    theirs = factory.transforms_imagenet_eval(size[1] if size[1] == size[2] else size[1:], **options)
    rgb = np.random.default_rng(1).integers(0, 256, (150, 211, 3), dtype=np.uint8)
    wanted = theirs(Image.fromarray(rgb)).numpy()
    values = {
        **Preprocess.from_timm(config).to_dict(),
        "pillow": 13 if int(PIL.__version__.split(".")[0]) >= 13 else 12,
    }
    found = Preprocess.from_dict(values).apply(np.ascontiguousarray(rgb[:, :, ::-1]))
    np.testing.assert_array_max_ulp(found[0], wanted, maxulp=1)


def test_timm_border_is_refused():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.from_timm({"crop_mode": "border"}, shape=IMAGE)
    assert raised.value.measured == (
        "crop_mode is 'border', the input 224×224; known: squash; center for square inputs"
    )
