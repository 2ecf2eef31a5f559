"""Where a preprocessing comes from: a word, a file, a timm configuration, an object that the user names."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.errors import PreprocessError
from converter.preprocess.carrying import cannot_carry, fitting, image_input
from converter.preprocess.spec import Preprocess

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures, in units of 0..1
TIMM_CROP = 0.875  # timm's default crop_pct
BASES = ("imagenet", "unit", "none", "letterbox", "yolo")

WORDS = {
    "imagenet": "shorter edge to 256/224 of the input, centre crop, RGB, ImageNet mean and std (square inputs)",
    "imagenet:A/B": "the same with A/B instead of 256/224",
    "unit": "stretched to the input, divided by 255",
    "none": "stretched to the input, 0..255 as they are",
    "letterbox": "Ultralytics' LetterBox: fitted into the input, padded with 114, RGB, divided by 255; also called yolo",
    "timm": "that of the timm architecture",
    "torchvision:WEIGHTS": "that of published weights, such as ResNet50_Weights.IMAGENET1K_V2",
    "fast": "the default with cv2.resize, which gives other pixels; also at the end of another, as in timm+fast",
}
MODIFIERS = {
    "fast": {"fast": True},
    "exif": {"exif": True},
    "torch": {"resampler": "torch"},
    "pillow": {"resampler": "pillow", "antialias": True, "resize_dtype": "uint8"},
    "pillow12": {"resampler": "pillow", "antialias": True, "resize_dtype": "uint8", "pillow": 12},
}
"""Ends of a spec, as in `timm+fast`: cv2.resize, other pixels; pictures turned upright by EXIF; resized as uint8 tensors by
PyTorch; as pictures by Pillow; by a Pillow before 13."""


def read_spec(spec: str | None, shape: tuple[int, ...], hint: Mapping[str, Any] | None = None) -> Preprocess:
    """What `Preprocess.parse` says."""
    spec, modifiers = _split("" if spec is None else spec)
    if not spec:
        found = _default(shape, hint)
    elif spec == "timm":
        if hint is None:
            raise PreprocessError(
                "--preprocess timm needs a timm architecture",
                measured="the architecture is not given as timm:NAME, or it reads another number of colours",
                do=("--arch timm:NAME", "or name the preprocessing: --preprocess imagenet"),
            )
        found = read_timm(hint, shape)
    elif Path(spec).suffix.lower() in (".json", ".toml"):
        found = read_file(Path(spec), shape)
    elif ":" in spec and not spec.startswith("imagenet:"):
        from converter.preprocess.from_objects import read_named

        found = read_named(spec, shape)
    else:
        found = _word(spec, shape)
    for modifier in modifiers:
        found = dataclasses.replace(found, **MODIFIERS[modifier])  # type: ignore[arg-type]
    return found


def _split(spec: str) -> tuple[str, list[str]]:
    """The spec itself and the modifiers at its end; `fast` alone is the default's. File names may hold plus signs."""
    if spec in MODIFIERS:
        return "", [spec]
    modifiers: list[str] = []
    while "+" in spec and not Path(spec).exists():
        spec, _, modifier = spec.rpartition("+")
        if modifier not in MODIFIERS:
            raise PreprocessError(
                f"a preprocessing has no modifier {modifier!r}",
                measured=f"known: {', '.join(MODIFIERS)}",
                do=("write it after a plus sign: --preprocess imagenet+fast",),
            )
        modifiers.insert(0, modifier)
    return spec, modifiers


def _default(shape: tuple[int, ...], hint: Mapping[str, Any] | None) -> Preprocess:
    if hint is not None:
        return read_timm(hint, shape)
    return _word("imagenet" if image_input(shape).channels == 3 else "unit", shape)


def _word(word: str, shape: tuple[int, ...]) -> Preprocess:
    if word in ("unit", "none"):
        return _stretched(shape, 1 / 255 if word == "unit" else 1.0)
    if word in ("letterbox", "yolo"):
        return read_letterbox(shape)
    ratio = re.fullmatch(r"imagenet(?::([1-9]\d{0,4})/([1-9]\d{0,4}))?", word)
    if ratio is None:
        words = "; ".join(f"{known} ({meaning})" for known, meaning in WORDS.items())
        raise PreprocessError(
            f"there is no preprocessing called {word!r}",
            measured=f"words: {words}",
            do=(
                "use one of these words, or the path of a .json or .toml file",
                "or name a transform: --preprocess package.module:transform or path/to/file.py:transform",
            ),
        )
    return _imagenet(shape, int(ratio[1] or 256), int(ratio[2] or 224))


def read_file(path: Path, shape: tuple[int, ...]) -> Preprocess:
    """A file with the keys of `Preprocess.to_dict()`, a Hugging Face preprocessor_config.json, or what Albumentations saved.

    What a file of the first kind leaves out comes from the word under its key `base` (default: `unit`), for an input of
    `shape`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:  # both decoders' errors are ValueErrors, and so is bad UTF-8
        raise PreprocessError(
            f"the preprocessing file {path} cannot be read",
            measured=f"{type(error).__name__}: {error}",
            do=("give a readable .json or .toml file with the keys of a preprocessing",),
        ) from error
    return read_values(values, shape, f"the preprocessing file {path}")


def read_values(values: Any, shape: tuple[int, ...], name: str) -> Preprocess:
    """What a file holds, already parsed; `name` is what errors call it."""
    if isinstance(values, dict):
        from converter.preprocess.from_albumentations import is_albumentations, read_albumentations
        from converter.preprocess.from_huggingface import is_huggingface, read_huggingface

        if isinstance(values.get("image_processor"), dict):
            values = values["image_processor"]  # of a processor_config.json
        if is_huggingface(values):
            return read_huggingface(values, shape, name)
        if is_albumentations(values):
            return read_albumentations(values, shape, name)
        values = dict(values)
    base = values.pop("base", "unit") if isinstance(values, dict) else None
    if base not in BASES:
        raise PreprocessError(
            f"{name} does not hold a preprocessing",
            measured="it is not a table of keys"
            if base is None
            else f"base is {base!r}, not one of {', '.join(BASES)}",
            do=('write keys and values, e.g. {"base": "imagenet", "interpolation": "bicubic"}',),
        )
    defaults = _word(str(base), shape).to_dict()
    if values.get("color") == "BGR":
        defaults.update(mean=defaults["mean"][::-1], std=defaults["std"][::-1])  # they follow the order of `color`
    if values.get("resampler") == "opencv":
        defaults.update(antialias=False)  # it has none
    elif "resampler" in values:
        defaults.update(antialias=True)
    return fitting(Preprocess.from_dict({**defaults, **values}), shape, name)


def read_timm(config: Mapping[str, Any], shape: tuple[int, ...] | None) -> Preprocess:
    """timm's evaluation transform for a pretrained_cfg or a resolved data config (timm.data, transforms_factory).

    Crop mode "center" scales the picture until it covers floor(size / crop_pct) (a square: by its shorter edge),
    "squash" scales both edges to it, "border" until it fits in there; then the centre is cut, padded where it is smaller.
    """
    if shape is None:
        shape = (1, *(config.get("input_size") or (3, 224, 224)))
    base = image_input(shape)
    resized = tuple(math.floor(edge / (config.get("crop_pct") or TIMM_CROP)) for edge in base.size)
    mean = tuple(config.get("mean") or IMAGENET_MEAN)
    mode = config.get("crop_mode") or "center"
    resize: dict[str, Any]
    if mode == "squash":
        resize = {"resize": "stretch", "resize_size": resized}
    elif mode == "border":
        fill = tuple(float(round(255 * number)) for number in mean)
        resize = {"resize": "fit", "resize_size": resized, "rounding": "round", "pad_value": fill}
    elif mode == "center" and resized[0] == resized[1]:
        resize = {"resize": "shortest", "resize_size": resized[0]}
    elif mode == "center":
        resize = {"resize": "cover", "resize_size": resized, "rounding": "round"}
    else:
        raise cannot_carry(
            "timm's preprocessing of this model", f"crop_mode is {mode!r}; known: center, squash, border"
        )
    return dataclasses.replace(
        base,
        resize=resize.pop("resize"),
        interpolation=config.get("interpolation") or "bilinear",
        crop=base.size,
        mean=mean,
        std=tuple(config.get("std") or IMAGENET_STD),
        **resize,
    )


def read_letterbox(shape: tuple[int, ...]) -> Preprocess:
    """Ultralytics' LetterBox with auto=False: the picture is fitted into the input by cv2.resize and padded with grey 114.

    With auto=True the blob's size follows the picture's; a network has one size, and `--input 1x3x384x640` is what it
    gives for pictures of 16:9 and stride 32: the same pixels.
    """
    base = image_input(shape)
    return dataclasses.replace(
        base,
        loader="opencv",
        exif=True,
        resize="fit",
        resize_size=base.size,
        rounding="round",
        resampler="opencv",
        antialias=False,
        pad="center",
        pad_value=(114.0,),
    )


def _stretched(shape: tuple[int, ...], scale: float) -> Preprocess:
    base = image_input(shape)
    return dataclasses.replace(base, resize="stretch", resize_size=base.size, scale=scale)


def _imagenet(shape: tuple[int, ...], resized: int, cropped: int) -> Preprocess:
    base = image_input(shape)
    if base.channels != 3:
        raise PreprocessError(
            "ImageNet's preprocessing makes 3 channels",
            measured=f"the network takes {base.channels}",
            do=("use unit or none, or a file with your own mean and std",),
        )
    size = base.size
    resize: dict[str, Any]
    if size[0] != size[1]:  # no convention says which edge the crop follows: whole picture, right statistics
        resize = {"resize": "stretch", "resize_size": size}
    else:
        resize = {"resize": "shortest", "resize_size": size[0] * resized // cropped, "crop": size}
    return dataclasses.replace(base, mean=IMAGENET_MEAN, std=IMAGENET_STD, **resize)
