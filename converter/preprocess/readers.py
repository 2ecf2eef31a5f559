"""Where a preprocessing comes from: a word, a file, a timm configuration."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.errors import PreprocessError
from converter.preprocess.spec import Preprocess

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures, in units of 0..1
TIMM_CROP = 0.875  # timm's default crop_pct

WORDS = {
    "imagenet": "shorter edge to 256/224 of the input, centre crop, RGB, ImageNet mean and std (square inputs)",
    "imagenet:A/B": "the same with A/B instead of 256/224",
    "unit": "stretched to the input, divided by 255",
    "none": "stretched to the input, 0..255 as they are",
}


def read_spec(spec: str | None, shape: tuple[int, ...]) -> Preprocess:
    """A word, the path of a .json or .toml file, or None for the default of an input of this shape."""
    channels, size = image_input(shape)
    if spec is None:
        spec = "imagenet" if channels == 3 else "unit"
    if Path(spec).suffix.lower() in (".json", ".toml"):
        return read_file(Path(spec), shape)
    if spec in ("unit", "none"):
        return _stretched(channels, size, 1 / 255 if spec == "unit" else 1.0)
    ratio = re.fullmatch(r"imagenet(?::([1-9]\d{0,4})/([1-9]\d{0,4}))?", spec)
    if ratio is None:
        words = "; ".join(f"{word} ({meaning})" for word, meaning in WORDS.items())
        raise PreprocessError(
            f"there is no preprocessing called {spec!r}",
            measured=f"words: {words}",
            do=("use one of these words, or the path of a .json or .toml file",),
        )
    return _imagenet(channels, size, int(ratio[1] or 256), int(ratio[2] or 224))


def read_file(path: Path, shape: tuple[int, ...]) -> Preprocess:
    """A file with the keys of `Preprocess.to_dict()`.

    What it leaves out comes from the word under its key `base` (default: `unit`), for an input of `shape`.
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
    base = values.pop("base", "unit") if isinstance(values, dict) else None
    if base not in ("imagenet", "unit", "none"):
        raise PreprocessError(
            f"the preprocessing file {path} does not hold a preprocessing",
            measured="it is not a table of keys" if base is None else f"base is {base!r}, not imagenet, unit or none",
            do=('write keys and values, e.g. {"base": "imagenet", "interpolation": "bicubic"}',),
        )
    defaults = read_spec(base, shape).to_dict()
    if values.get("color") == "BGR":
        defaults.update(mean=defaults["mean"][::-1], std=defaults["std"][::-1])  # they follow the order of `color`
    read = Preprocess.from_dict({**defaults, **values})
    channels, size = image_input(shape)
    if (read.channels, read.size) != (channels, size):
        raise PreprocessError(
            f"the preprocessing file {path} does not fit the network",
            measured=f"it makes {read.channels}×{read.size[0]}×{read.size[1]} (channels, height, width), "
            f"the network takes {channels}×{size[0]}×{size[1]}",
            do=("correct color and size in the file, or leave them out", "or give the right --input"),
        )
    return read


def read_timm(config: Mapping[str, Any], shape: tuple[int, ...] | None) -> Preprocess:
    """timm's evaluation transform for a pretrained_cfg or a resolved data config (timm.data, transforms_factory).

    Crop mode "center" scales the shorter edge to floor(size / crop_pct), "squash" both edges; then the centre is cut.
    """
    if shape is None:
        shape = (1, *(config.get("input_size") or (3, 224, 224)))
    channels, size = image_input(shape)
    resized = tuple(math.floor(edge / (config.get("crop_pct") or TIMM_CROP)) for edge in size)
    mode = config.get("crop_mode") or "center"
    if mode == "squash":
        resize: dict[str, Any] = {"resize": "stretch", "resize_size": resized}
    elif mode == "center" and resized[0] == resized[1]:
        resize = {"resize": "shortest", "resize_size": resized[0]}
    else:
        raise PreprocessError(
            "timm's preprocessing of this model cannot be carried over yet",
            measured=f"crop_mode is {mode!r}, the input {size[0]}×{size[1]}; known: squash; center for square inputs",
            do=("give --preprocess imagenet, unit or a file", "or feed .npy arrays"),
        )
    return Preprocess(
        size=size,
        color="RGB" if channels == 3 else "GRAY",
        channels=channels,
        interpolation=config.get("interpolation") or "bilinear",
        crop=size,
        mean=tuple(config.get("mean") or IMAGENET_MEAN),
        std=tuple(config.get("std") or IMAGENET_STD),
        **resize,
    )


def image_input(shape: tuple[int, ...]) -> tuple[int, tuple[int, int]]:
    """(channels, (height, width)) of an input that takes pictures; PreprocessError where it takes none."""
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise PreprocessError(
            "a preprocessing needs an input that takes pictures",
            measured=f"the input has shape {'×'.join(map(str, shape)) or '()'}, not batch×3×height×width or "
            "batch×1×height×width",
            do=("leave --preprocess out: deploy.py then takes .npy arrays",),
        )
    return shape[1], (shape[2], shape[3])


def _stretched(channels: int, size: tuple[int, int], scale: float) -> Preprocess:
    return Preprocess(
        size=size,
        color="RGB" if channels == 3 else "GRAY",
        channels=channels,
        resize="stretch",
        resize_size=size,
        scale=scale,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
    )


def _imagenet(channels: int, size: tuple[int, int], resized: int, cropped: int) -> Preprocess:
    if channels != 3:
        raise PreprocessError(
            "ImageNet's preprocessing makes 3 channels",
            measured=f"the network takes {channels}",
            do=("use unit or none, or a file with your own mean and std",),
        )
    if size[0] != size[1]:  # no convention says which edge the crop follows: whole picture, right statistics
        resize: dict[str, Any] = {"resize": "stretch", "resize_size": size}
    else:
        resize = {"resize": "shortest", "resize_size": size[0] * resized // cropped, "crop": size}
    return Preprocess(size=size, mean=IMAGENET_MEAN, std=IMAGENET_STD, **resize)
