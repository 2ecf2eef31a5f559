"""The preprocessing specification: a frozen, validated dataclass that survives JSON and TOML.

The order of execution is fixed and is that of torchvision's, timm's and Hugging Face's evaluation transforms:
colour, resize, crop or padding, times `scale`, minus `mean`, divided by `std`, layout.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from converter.errors import PreprocessError
from converter.preprocess.checks import check
from converter.preprocess.execute import apply_preprocess
from converter.preprocess.words import in_words

Size = tuple[int, int]


@dataclass(frozen=True)
class Preprocess:
    """From an 8-bit picture to a blob of shape (1, channels, *size), or (1, *size, channels).

    The picture
    -----------
    loader: whose way of opening files the training had, "pillow" or "opencv": what becomes of 16-bit grey ones
        (Pillow cuts them off at 255, OpenCV takes their upper 8 bits).
    exif: whether pictures are turned upright by their EXIF orientation: cv2.imread does that, Image.open does not.
    color: channel order of the blob; "GRAY" is Pillow's luma (ITU-R 601-2). channels: 1 or 3; 3 repeats a grey one.
    gray_after_resize: a "GRAY" blob is resized in colour first.

    The resize
    ----------
    resize: what becomes of the edges, by `resize_size`: "stretch" to (height, width); "shortest" or "longest" edge to one
        number; "fit" into or "cover" a box (height, width); "bounds" (short, long): as large as both admit; None: nothing.
    max_size: with "shortest", the most that the longer edge may become.
    rounding: of the edges that follow: "truncate" (torchvision), "round" (Python's, as timm, Ultralytics, Albumentations),
        "detr" ("truncate", but a short edge that max_size decides is rounded).
    upscale: False leaves smaller pictures as they are.
    resampler: whose resize, to the bit: "pillow", "torch" (tensors), "opencv" (cv2.resize).
    interpolation: pillow: nearest, box, bilinear, hamming, bicubic, lanczos; torch: nearest, nearest-exact, bilinear,
        bicubic; opencv: nearest, bilinear (INTER_LINEAR), bicubic, area, lanczos (INTER_LANCZOS4).
    antialias: True for pillow, whose filters always widen when they shrink a picture; False for opencv; either for torch.
    resize_dtype: of the tensor that torch resizes: "uint8"; "float32" (already scaled); "float32_rounded" (a uint8 tensor
        resized in float32 and rounded: torchvision.transforms' first generation).
    pillow: 13 for the order of passes of Pillow 13, 12 for that of all before (the horizontal one first, always).
    fast: cv2.resize instead, where cv2 is there. Other pixels than in training: `describe` says how far off.

    Crop and padding
    ----------------
    size: (height, width) of the blob. crop: that size, cut from the centre, or None. crop_rounding: of an odd margin:
        "half_even" (torchvision), "truncate" (toward zero: Albumentations, Hugging Face with torchvision), "floor".
    pad: where a smaller picture lies in the blob: "center", "topleft"; None: nothing is padded but by a crop.
    pad_value: one number, or one a channel, in the order of `color`. pad_in: "pixels": a level, normalised like the
        picture's (114 is Ultralytics' grey); "blob": as it is.

    The numbers
    -----------
    scale, mean, std: blob = (level * scale - mean) / std, mean and std one number a channel, in the order of `color`.
    normalize: the order of operations, which shows in the last bits: "unit": as written, level * scale rounded once (the
        division by 255 of ToTensor); "single": with the float32 nearest to scale (torchvision's ToDtype); "levels":
        (level - mean/scale) / (std/scale) (Hugging Face's torchvision processors, Albumentations).
    dtype: float32, or uint8 for networks that normalise by themselves. layout: NCHW or NHWC.

    Raises PreprocessError for values that contradict each other or that nothing was measured for.
    """

    size: Size
    color: Literal["RGB", "BGR", "GRAY"] = "RGB"
    channels: int = 3
    loader: Literal["pillow", "opencv"] = "pillow"
    exif: bool = False
    gray_after_resize: bool = False
    resize: Literal["stretch", "shortest", "longest", "fit", "cover", "bounds"] | None = None
    resize_size: int | Size | None = None
    max_size: int | None = None
    rounding: Literal["truncate", "round", "detr"] = "truncate"
    upscale: bool = True
    resampler: Literal["pillow", "torch", "opencv"] = "pillow"
    interpolation: str = "bilinear"
    antialias: bool = True
    resize_dtype: Literal["uint8", "float32", "float32_rounded"] = "uint8"
    pillow: Literal[12, 13] = 13
    fast: bool = False
    crop: Size | None = None
    crop_rounding: Literal["half_even", "truncate", "floor"] = "half_even"
    pad: Literal["center", "topleft"] | None = None
    pad_value: tuple[float, ...] = (0.0,)
    pad_in: Literal["pixels", "blob"] = "pixels"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    normalize: Literal["unit", "single", "levels"] = "unit"
    dtype: Literal["float32", "uint8"] = "float32"
    layout: Literal["NCHW", "NHWC"] = "NCHW"

    def __post_init__(self) -> None:
        for name in ("size", "crop", "resize_size", "mean", "std", "pad_value"):
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))  # JSON and TOML know lists only
        if isinstance(self.pad_value, int | float) and not isinstance(self.pad_value, bool):
            object.__setattr__(self, "pad_value", (self.pad_value,))
        for name in ("mean", "std", "pad_value"):
            if isinstance(value := getattr(self, name), tuple) and all(
                type(number) in (int, float) for number in value
            ):
                object.__setattr__(self, name, tuple(float(number) for number in value))
        check(self)

    @classmethod
    def parse(cls, spec: str | None, *, shape: tuple[int, ...], hint: Mapping[str, Any] | None = None) -> Preprocess:
        """The preprocessing that `spec` names, for a network whose input has `shape` (1, channels, height, width).

        `spec` is a word (`imagenet`, `imagenet:A/B`, `unit`, `none`, `letterbox`, `timm`), the path of a .json or .toml
        file, `torchvision:WEIGHTS`, `package.module:transform` or `file.py:transform` (both run that code), or None for
        the default: `imagenet` for 3 channels, `unit` for 1; each may end in modifiers, as in `imagenet+fast`.
        `hint` is timm's data config, where the network is timm's. Raises PreprocessError for anything else.
        """
        from converter.preprocess.readers import read_spec

        return read_spec(spec, shape, hint)

    @classmethod
    def from_timm(cls, config: Mapping[str, Any], *, shape: tuple[int, ...] | None = None) -> Preprocess:
        """What timm's evaluation transform does for `config` (a pretrained_cfg or a resolved data config).

        `shape`, where given, is the network's input and wins over the config's `input_size`. Raises PreprocessError
        for what cannot be carried over.
        """
        from converter.preprocess.readers import read_timm

        return read_timm(config, shape)

    @classmethod
    def from_transform(cls, transform: Any, *, shape: tuple[int, ...]) -> Preprocess:
        """What a transform object does: torchvision's (either generation, and weights' presets), Albumentations',
        a Hugging Face image processor. Raises PreprocessError, with the step's name, for what cannot be carried over.
        """
        from converter.preprocess.from_objects import read_object

        return read_object(transform, shape)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """The inverse of `to_dict`. Raises PreprocessError for unknown keys, a missing size or bad values."""
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise PreprocessError(
                "a preprocessing has keys that mean nothing here",
                measured=f"unknown: {', '.join(unknown)}; known: {', '.join(known)}",
                do=("remove or rename them",),
            )
        if "size" not in values:
            raise PreprocessError(
                "a preprocessing has no size",
                measured=f"keys: {', '.join(sorted(values)) or 'none'}",
                do=('add the (height, width) of the network\'s input, e.g. "size": [224, 224]',),
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers: JSON holds it, and `from_dict` makes an equal Preprocess of it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def to_toml(self) -> str:
        """The text of a .toml file that `parse` reads; what is None is left out, because TOML has no such value."""
        # JSON's booleans, strings, numbers and lists of numbers are TOML's
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.to_dict().items() if value is not None)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """uint8 image, (H, W), (H, W, 3) in BGR or (H, W, 4) in BGRA, to a blob (1, channels, *size)."""
        return apply_preprocess(image, self.to_dict())

    def describe(self) -> str:
        """One line for people."""
        return in_words(self)
