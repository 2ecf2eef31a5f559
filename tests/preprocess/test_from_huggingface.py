"""Hugging Face's preprocessor_config.json: what its keys mean, and the processors' own numbers where transformers is there."""

from __future__ import annotations

import json

import numpy as np
import PIL
import pytest

from converter.errors import PreprocessError
from converter.preprocess import Preprocess

PILLOW = 13 if int(PIL.__version__.split(".")[0]) >= 13 else 12
COMMON = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5] * 3,
    "image_std": [0.25] * 3,
}


def read(config, shape, tmp_path, modifier=""):
    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    return Preprocess.parse(f"{file}{modifier}", shape=shape)


KINDS = [
    # (processor, its keys, (height, width) of the network)
    ("ViTImageProcessor", {"size": {"height": 48, "width": 40}, "resample": 2}, (48, 40)),
    (
        "CLIPImageProcessor",
        {"size": {"shortest_edge": 48}, "resample": 3, "do_center_crop": True, "crop_size": {"height": 48, "width": 48}},
        (48, 48),
    ),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 48}, "crop_pct": 0.875, "resample": 3}, (48, 48)),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}, "resample": 2}, (384, 384)),
    (
        "PoolFormerImageProcessor",
        {"size": {"shortest_edge": 48}, "crop_pct": 0.9, "crop_size": {"height": 48, "width": 48}, "do_center_crop": True},
        (48, 48),
    ),
    (
        "LevitImageProcessor",
        {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}, "do_center_crop": True, "resample": 3},
        (48, 48),
    ),
    (
        "MobileViTImageProcessor",
        {
            "size": {"shortest_edge": 50}, "crop_size": {"height": 48, "width": 48}, "do_center_crop": True,
            "do_flip_channel_order": True, "do_normalize": False, "resample": 2,
        },
        (48, 48),
    ),
    (
        "EfficientNetImageProcessor",
        {"size": {"height": 48, "width": 48}, "rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False,
         "include_top": False, "resample": 0},
        (48, 48),
    ),
    ("SegformerImageProcessor", {"size": {"height": 32, "width": 56}, "do_reduce_labels": True}, (32, 56)),
]  # fmt: skip


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
@pytest.mark.parametrize(("kind", "keys", "size"), KINDS, ids=[f"{kind}-{size[0]}" for kind, _, size in KINDS])
def test_the_processors_numbers(kind, keys, size, backend, tmp_path):
    transformers = pytest.importorskip("transformers", minversion="5", reason="transformers 5 is not installed here")
    name = kind if backend == "torchvision" else kind + "Pil"
    if not hasattr(transformers, name):
        pytest.skip(f"transformers has no {name}")
    config = {**COMMON, **keys, "do_resize": True, "image_processor_type": kind + "Fast" * (backend == "torchvision")}
    theirs = getattr(transformers, name)(
        **{key: value for key, value in config.items() if key != "image_processor_type"}
    )
    spec = read(config, (1, 3, *size), tmp_path)
    spec = Preprocess.from_dict({**spec.to_dict(), "pillow": PILLOW})
    assert spec.resampler == {"pil": "pillow", "torchvision": "torch"}[backend]
    rng = np.random.default_rng(1)
    for height, width in ((90, 131), (131, 90), (64, 49)):
        rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        wanted = np.asarray(theirs(PIL.Image.fromarray(rgb), return_tensors="np")["pixel_values"])
        found = spec.apply(rgb[:, :, ::-1])
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=2e-7, atol=1e-7)


DETR = {
    **COMMON,
    "size": {"shortest_edge": 40, "longest_edge": 64},
    "do_pad": True,
    "image_processor_type": "DetrImageProcessor",
}


def test_detection_pads_after_normalisation(tmp_path):
    spec = read(DETR, (1, 3, 64, 64), tmp_path)
    assert (spec.resize, spec.resize_size, spec.max_size, spec.rounding) == ("shortest", 40, 64, "detr")
    assert (spec.pad, spec.pad_in, spec.interpolation) == ("topleft", "blob", "bilinear")
    blob = spec.apply(np.full((50, 100, 3), 255, np.uint8))
    assert blob[0, 0, 31, 63] == 2.0 and blob[0, 0, 32:].max() == blob[0, 0, 32:].min() == 0.0


def test_which_library_resizes(tmp_path):
    config = {**COMMON, "size": {"height": 8, "width": 8}, "image_processor_type": "ViTImageProcessor"}
    assert read(config, (1, 3, 8, 8), tmp_path).resampler == "pillow"
    fast = read({**config, "image_processor_type": "ViTImageProcessorFast"}, (1, 3, 8, 8), tmp_path)
    assert (fast.resampler, fast.normalize) == ("torch", "levels")
    assert read(config, (1, 3, 8, 8), tmp_path, "+torch").resampler == "torch"
    old = {"do_normalize": True, "do_resize": True, "size": 8, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    assert read(old, (1, 3, 8, 8), tmp_path).resize_size == (8, 8)
    assert read({"image_processor": config}, (1, 3, 8, 8), tmp_path) == read(config, (1, 3, 8, 8), tmp_path)


REFUSED = [
    (
        {"keep_aspect_ratio": True},
        "keep_aspect_ratio: the network's input has one size, and this one follows the picture",
    ),
    ({"do_sharpen": True}, "do_sharpen: nothing here does that"),
    ({"resample": 9}, "resample is 9, which is none of Pillow's filters"),
    ({"size": {"edge": 3}}, "size is {'edge': 3}; known: shortest_edge, "),
    (
        {"image_processor_type": "ConvNextImageProcessor"},
        "it names no filter, and ConvNextImageProcessor has no certain one",
    ),
    ({"rescale_offset": True}, "rescale_offset with do_normalize: two normalisations"),
]


@pytest.mark.parametrize(("keys", "measured"), REFUSED)
def test_refuses(keys, measured, tmp_path):
    with pytest.raises(PreprocessError, match="cannot be carried over") as raised:
        read({**COMMON, "size": {"height": 8, "width": 8}, **keys}, (1, 3, 8, 8), tmp_path)
    assert raised.value.measured.startswith(measured)


def test_another_size_than_the_networks(tmp_path):
    with pytest.raises(PreprocessError, match="does not fit the network") as raised:
        read({**COMMON, "size": {"height": 8, "width": 8}}, (1, 3, 16, 16), tmp_path)
    assert raised.value.measured == ("it makes 3×8×8 (channels, height, width; NCHW), the network takes 3×16×16 (NCHW)")
