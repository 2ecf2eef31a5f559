"""torchvision's and timm's transform objects: what they compute and what we compute, bit for bit or within an ulp."""

from __future__ import annotations

import textwrap

import numpy as np
import PIL
import pytest
from PIL import Image

from converter.errors import PreprocessError
from converter.preprocess import Preprocess

PILLOW = 13 if int(PIL.__version__.split(".")[0]) >= 13 else 12
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
T = pytest.importorskip("torchvision.transforms", reason="torchvision does not import here")
V2 = pytest.importorskip("torchvision.transforms.v2", reason="torchvision does not import here")
torch = pytest.importorskip("torch")
SHAPE = (1, 3, 48, 48)


def carried(transform, shape=SHAPE):
    values = Preprocess.from_transform(transform, shape=shape).to_dict()
    return Preprocess.from_dict({**values, "pillow": PILLOW})


def pictures():
    rng = np.random.default_rng(4)
    for height, width in ((70, 101), (101, 70), (48, 48), (40, 77), (200, 150)):
        yield rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_tensor(rgb):
    return torch.from_numpy(rgb.transpose(2, 0, 1).copy())


def floats():
    return V2.ToDtype(torch.float32, scale=True)


ULP = [
    pytest.param([T.Resize(55), T.CenterCrop(48), T.ToTensor(), T.Normalize(MEAN, STD)], False, id="v1"),
    pytest.param([T.Resize((48, 48), T.InterpolationMode.LANCZOS), T.ToTensor()], False, id="v1-stretch"),
    pytest.param([T.Resize(48, max_size=64), T.CenterCrop(48), T.ToTensor()], False, id="v1-max"),
    pytest.param([T.CenterCrop(48), T.PILToTensor(), T.ConvertImageDtype(torch.float32)], False, id="v1-crop"),
    pytest.param([T.Resize(40), T.ToTensor(), T.Normalize(MEAN, STD), T.CenterCrop(48)], False, id="v1-late-crop"),
    pytest.param([V2.Resize(55, V2.InterpolationMode.BICUBIC), V2.CenterCrop(48), V2.ToImage(), floats()], False, id="v2"),
    pytest.param([V2.Resize(None, max_size=60), V2.CenterCrop(48), V2.ToImage(), floats()], False, id="v2-longest"),
    pytest.param([V2.ToImage(), V2.Resize(55), V2.CenterCrop(48), floats(), V2.Normalize(MEAN, STD)], False, id="v2-uint8"),
    pytest.param([V2.Resize(55, antialias=False), V2.CenterCrop(48), floats()], True, id="v2-tensor"),
    pytest.param([T.Resize((48, 48), T.InterpolationMode.NEAREST), T.ConvertImageDtype(torch.float32)], True, id="v1-tensor"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "tensors"), ULP)
def test_compose(steps, tensors):
    transform = (V2 if any("v2" in type(step).__module__ for step in steps) else T).Compose(steps)
    ours = carried(transform)
    for rgb in pictures():
        theirs = transform(as_tensor(rgb) if tensors else Image.fromarray(rgb)).numpy()
        np.testing.assert_array_max_ulp(ours.apply(rgb[:, :, ::-1])[0], theirs, maxulp=1)


def test_floats_are_resized_to_within_some_ulps():
    transform = T.Compose([T.ToTensor(), T.Resize((48, 48), antialias=True), T.Normalize(MEAN, STD)])
    ours = carried(transform)
    assert (ours.resampler, ours.resize_dtype, ours.antialias) == ("torch", "float32", True)
    for rgb in pictures():
        np.testing.assert_allclose(ours.apply(rgb[:, :, ::-1])[0], transform(Image.fromarray(rgb)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("first", [True, False])
def test_grey(first):
    gray, resize = T.Grayscale(), T.Resize((20, 20))
    transform = T.Compose([*([gray, resize] if first else [resize, gray]), T.ToTensor(), T.Normalize(0.1307, 0.3081)])
    ours = carried(transform, (1, 1, 20, 20))
    assert ours.gray_after_resize is not first
    for rgb in pictures():
        theirs = transform(Image.fromarray(rgb)).numpy()
        np.testing.assert_array_max_ulp(ours.apply(rgb[:, :, ::-1])[0], theirs, maxulp=1)


def test_presets_of_weights():
    preset = Preprocess.parse("torchvision:ResNet50_Weights.IMAGENET1K_V2", shape=(1, 3, 224, 224))
    assert (preset.resize, preset.resize_size, preset.crop, preset.mean) == ("shortest", 232, (224, 224), MEAN)
    assert Preprocess.parse("torchvision:resnet50", shape=(1, 3, 224, 224)) == preset
    theirs = T._presets.ImageClassification(crop_size=48, resize_size=55, mean=MEAN, std=STD)
    for rgb in pictures():
        found = carried(theirs).apply(rgb[:, :, ::-1])[0]
        np.testing.assert_array_max_ulp(found, theirs(Image.fromarray(rgb)).numpy(), maxulp=1)
    tensor = Preprocess.parse("torchvision:ResNet50_Weights.IMAGENET1K_V2+torch", shape=(1, 3, 224, 224))
    assert tensor.resampler == "torch"


def test_a_segmentation_preset_is_exact_where_the_sizes_meet():
    """Its resize keeps the aspect ratio; into a net of one size the picture is stretched, which is the same for its like."""
    theirs = T._presets.SemanticSegmentation(resize_size=52)
    rgb = np.random.default_rng(0).integers(0, 256, (100, 150, 3), dtype=np.uint8)
    ours = carried(theirs, (1, 3, 52, 78))
    np.testing.assert_array_max_ulp(ours.apply(rgb[:, :, ::-1])[0], theirs(Image.fromarray(rgb)).numpy(), maxulp=1)


def test_a_detection_preset_fits_the_picture():
    preset = carried(T._presets.ObjectDetection(), (1, 3, 60, 80))
    assert (preset.resize, preset.resize_size, preset.pad, preset.mean) == ("fit", (60, 80), "topleft", (0.0,) * 3)


def test_a_detection_networks_own_transform():
    module = pytest.importorskip("torchvision.models.detection.transform", reason="torchvision does not import here")
    theirs = module.GeneralizedRCNNTransform(40, 70, list(MEAN), list(STD), size_divisible=32)
    for rgb in pictures():
        numbers = as_tensor(rgb).to(torch.float32) / 255
        batch = theirs([numbers])[0].tensors.numpy()
        ours = carried(theirs, batch.shape)
        np.testing.assert_allclose(ours.apply(rgb[:, :, ::-1]), batch, rtol=0, atol=2e-5)


def test_timms_transform_object():
    factory = pytest.importorskip("timm.data.transforms_factory", reason="timm does not import here")
    theirs = factory.transforms_imagenet_eval((40, 56), crop_pct=0.9, crop_mode="border", interpolation="bicubic")
    ours = carried(theirs, (1, 3, 40, 56))
    for rgb in pictures():
        found = ours.apply(rgb[:, :, ::-1])[0]
        np.testing.assert_array_max_ulp(found, theirs(Image.fromarray(rgb)).numpy(), maxulp=1)


def twice(x):
    return x


REFUSED = [
    ([T.RandomHorizontalFlip(), T.ToTensor()], "RandomHorizontalFlip: it is an augmentation for training"),
    ([T.ColorJitter(0.1), T.ToTensor()], "ColorJitter: it is an augmentation for training"),
    ([T.ToTensor(), T.Lambda(twice)], "Lambda: what the function twice does cannot be known"),
    ([twice, T.ToTensor()], "function: what the function twice does cannot be known"),
    ([T.FiveCrop(8)], "FiveCrop: it makes five pictures of one"),
    ([T.Resize(9), T.Resize(8), T.ToTensor()], "Resize: a second resize"),
    ([T.CenterCrop(9), T.Resize(48), T.ToTensor()], "Resize: a resize after a crop"),
    ([T.Resize((48, 48))], "it ends with a picture, not with a tensor: ToTensor() is missing"),
    ([T.ToTensor(), T.Grayscale()], "Grayscale: torchvision's grey of a tensor rounds otherwise than Pillow's"),
    ([T.Grayscale(), T.ToTensor()], "it makes 1 channel(s), the network takes 3"),
    ([T.Resize((40, 40)), T.ToTensor()], "it makes 40×40, the network takes 48×48; give --input"),
    (
        [V2.ToImage(), V2.Resize(48, V2.InterpolationMode.BOX)],
        "Resize: box on tensors (known: nearest, nearest-exact, bilinear, ",
    ),
]


@pytest.mark.parametrize(("steps", "measured"), REFUSED)
def test_refuses(steps, measured):
    with pytest.raises(PreprocessError) as raised:
        Preprocess.from_transform(T.Compose(steps), shape=SHAPE)
    assert raised.value.what == "the preprocessing cannot be carried over"
    assert raised.value.measured.startswith(measured)


def test_an_unknown_step_is_named():
    with pytest.raises(PreprocessError) as raised:
        Preprocess.from_transform(T.Compose([T.Pad(3), T.ToTensor()]), shape=SHAPE)
    assert raised.value.measured.startswith("Pad: unknown; known are CenterCrop, CenterCropOrPad, ")


def test_a_file_names_its_transform(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        textwrap.dedent(
            """
            from torchvision import transforms as T
            evaluation = T.Compose([T.Resize(55), T.CenterCrop(48), T.ToTensor()])
            def factory():
                return evaluation
            table = {"base": "imagenet", "interpolation": "bicubic"}
            broken = 5
            def transform(image):
                return image
            """
        ),
        encoding="utf-8",
    )
    found = Preprocess.parse(f"{file}:evaluation", shape=SHAPE)
    assert (found.resize_size, found.crop) == (55, (48, 48))
    assert Preprocess.parse(f"{file}:factory", shape=SHAPE) == found
    assert Preprocess.parse(f"{file}:table", shape=SHAPE).interpolation == "bicubic"
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse(f"{file}:broken", shape=SHAPE)
    assert raised.value.measured.startswith("it is a builtins.int; known: torchvision's transforms and weights, ")
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse(f"{file}:transform", shape=SHAPE)
    assert raised.value.measured.startswith(
        "it needs arguments (image): what a function does to a picture cannot be known"
    )
    with pytest.raises(PreprocessError, match="cannot be loaded") as raised:
        Preprocess.parse(f"{file}:missing", shape=SHAPE)
    assert "has no attribute 'missing'" in raised.value.measured
    with pytest.raises(PreprocessError, match="there is no such file"):
        Preprocess.parse(f"{tmp_path / 'none.py'}:x", shape=SHAPE)
    with pytest.raises(PreprocessError) as raised:
        Preprocess.parse("no_such_package.here:transform", shape=SHAPE)
    assert raised.value.measured == "ModuleNotFoundError: No module named 'no_such_package'"


def test_unknown_weights_are_told():
    with pytest.raises(PreprocessError, match="torchvision has no weights called") as raised:
        Preprocess.parse("torchvision:ResNet50_Weights.V9", shape=(1, 3, 224, 224))
    assert any("ResNet50_Weights" in step for step in raised.value.do)
