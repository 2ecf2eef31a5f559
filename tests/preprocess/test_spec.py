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
        "255); none (stretched to the input, 0..255 as they are); letterbox (Ultralytics' LetterBox: fitted into the input, "
        "padded with 114, RGB, divided by 255; also called yolo); timm (that of the timm architecture); torchvision:WEIGHTS "
        "(that of published weights, such as ResNet50_Weights.IMAGENET1K_V2); fast (the default with cv2.resize, which gives "
        "other pixels; also at the end of another, as in timm+fast)\n"
        "  do:       use one of these words, or the path of a .json or .toml file\n"
        "  do:       or name a transform: --preprocess package.module:transform or path/to/file.py:transform"
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
        "batch×1×height×width (or with the channels last)\n"
        "  do:       leave --preprocess out: deploy.py then takes .npy arrays"
    )


def test_imagenet_needs_three_channels():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("imagenet", shape=(1, 1, 28, 28))
    assert raised.value.measured == "the network takes 1"


BAD = [
    ({"color": "HSV"}, "color must be one of RGB, BGR, GRAY"),
    ({"color": "GRAY", "channels": 2}, "channels must be 1 or 3 for GRAY"),
    (
        {"interpolation": "area"},
        "interpolation must be one of nearest, box, bilinear, hamming, bicubic, lanczos where resampler is pillow",
    ),
    (
        {"antialias": False},
        "antialias must be true where resampler is pillow, whose filters always widen (resampler torch has both)",
    ),
    ({"resize": "widest"}, "resize must be one of stretch, shortest, longest, fit, cover, bounds, None"),
    ({"dtype": "float16"}, "dtype must be one of float32, uint8"),
    ({"layout": "CHWN"}, "layout must be one of NCHW, NHWC"),
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
    (
        {"resize": "stretch", "resize_size": (5, 5)},
        "resize_size must be the size (4, 4) where nothing is cropped or padded",
    ),
    (
        {"resize": "shortest", "resize_size": 5},
        "crop must be (4, 4) where resize is shortest (else every picture has its own size), or pad given",
    ),
    ({"pillow": True}, "pillow must be one of 12, 13"),
    ({"channels": True}, "channels must be 3 for RGB"),
    ({"gray_after_resize": True}, "gray_after_resize must be false unless color is GRAY"),
    ({"resampler": "opencv"}, "antialias must be false where resampler is opencv: cv2.resize has none"),
    (
        {"resampler": "opencv", "antialias": False, "fast": True},
        "fast must be false where resampler is opencv: that is cv2.resize already",
    ),
    (
        {"resampler": "torch", "interpolation": "box"},
        "interpolation must be one of nearest, nearest-exact, bilinear, bicubic where resampler is torch",
    ),
    ({"resize_dtype": "float32"}, "resize_dtype must be uint8 where resampler is pillow"),
    ({"dtype": "uint8"}, "dtype must be float32 unless scale is 1, mean 0 and std 1"),
    (
        {"dtype": "uint8", "scale": 1, "pad_value": 0.5},
        "dtype must be float32 unless the resize is of uint8 and pad_value whole levels",
    ),
    ({"max_size": 9}, "max_size must be a positive integer where resize is shortest, else None"),
    ({"crop": (4, 4), "pad": "topleft"}, "pad must be center or None where the centre is cropped"),
    ({"pad_value": (1, 2)}, "pad_value must be one finite number, or one a channel"),
    (
        {"resize": "fit", "resize_size": 4, "pad": "center"},
        "resize_size must be two positive integers where resize is fit",
    ),
    (
        {"resize": "fit", "resize_size": (4, 5), "pad": "center"},
        "resize_size must be at most the size (4, 4): the padding cannot hold what is larger",
    ),
    (
        {"resize": "longest", "resize_size": 5, "pad": "center"},
        "resize_size must be at most 4: the padding cannot hold what is larger than the size (4, 4)",
    ),
    (
        {"resize": "longest", "resize_size": 4},
        "crop must be (4, 4) where resize is longest (else every picture has its own size), or pad given",
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
        ("a.json", '{"base": "x"}', "the preprocessing file {} does not hold a preprocessing", "base is 'x', not one of "),
        ("a.json", '{"size": [8, 8], "resize_size": [8, 8]}', "the preprocessing file {} does not fit the network",
         "it makes 3×8×8 (channels, height, width; NCHW), the network takes 3×224×224 (NCHW)"),
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
    {"input_size": (3, 64, 96), "crop_pct": 0.9},
    {"input_size": (3, 96, 96), "crop_pct": 1.0, "crop_mode": "border", "mean": (0.5, 0.4, 0.3)},
    {"input_size": (3, 61, 90), "crop_pct": 0.8, "crop_mode": "border", "interpolation": "bicubic"},
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


def test_timm_refuses_other_crops():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.from_timm({"crop_mode": "corner"}, shape=IMAGE)
    assert raised.value.measured == "crop_mode is 'corner'; known: center, squash, border"


def test_modifiers():
    fast = Preprocess.parse("imagenet+fast+exif", shape=IMAGE)
    assert (fast.fast, fast.exif, fast.resampler) == (True, True, "pillow")
    assert "FAST: with cv2.resize instead of that, off by 1.1 grey levels on average and 46 at most" in fast.describe()
    assert Preprocess.parse("fast", shape=IMAGE) == Preprocess.parse("imagenet+fast", shape=IMAGE)
    assert Preprocess.parse("unit+torch", shape=IMAGE).resampler == "torch"
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("imagenet+quick", shape=IMAGE)
    assert raised.value.measured == "known: fast, exif, torch, pillow, pillow12"
    with pytest.raises(PreprocessError, match="--preprocess timm needs a timm architecture"):
        Preprocess.parse("timm", shape=IMAGE)


@pytest.mark.parametrize("word", ["imagenet", "unit", "none", "letterbox"])
def test_round_trip_through_toml(word, tmp_path):
    spec = Preprocess.parse(word, shape=(1, 3, 32, 48))
    file = tmp_path / "a+b.toml"
    file.write_text(spec.to_toml(), encoding="utf-8")
    assert Preprocess.parse(str(file), shape=(1, 3, 32, 48)) == spec


def test_letterbox_in_words():
    assert Preprocess.parse("yolo", shape=(1, 3, 384, 640)).describe() == (
        "RGB, turned upright by EXIF, 16-bit grey by its upper 8 bits, resized to fit into 384×640 (bilinear, OpenCV's), "
        "padded around it with 114 to 384×640, divided by 255, float32 NCHW"
    )
