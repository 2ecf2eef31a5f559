"""The preprocessing specification: a frozen, validated dataclass that survives JSON.

The order of execution is fixed and is that of torchvision's and timm's evaluation transforms:
colour, resize, centre crop, times `scale`, minus `mean`, divided by `std`, NCHW.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np

from converter.errors import PreprocessError
from converter.preprocess.execute import FILTERS, apply_preprocess

Size = tuple[int, int]

CHANNELS = {"RGB": 3, "BGR": 3, "GRAY": 1}
INTERPOLATIONS = tuple(FILTERS)


@dataclass(frozen=True)
class Preprocess:
    """From an 8-bit picture to a float32 blob of shape (1, channels, *size).

    color: channel order of the blob; "GRAY" is Pillow's luma (ITU-R 601-2).
    size: (height, width) of the blob.
    resize: "shortest" scales the shorter edge to `resize_size` and keeps the aspect ratio, "stretch" scales to exactly
        `resize_size` (height, width), None leaves the picture as it is.
    interpolation: Pillow's filter of that name, bit for bit. antialias: always True, because Pillow's filters widen
        their window when they shrink a picture.
    crop: (height, width) cut from the centre, rounded as torchvision does; black where the picture is smaller.
    pillow: 13 for the order of passes of Pillow 13, 12 for that of all before (the horizontal one first, always).
    scale, mean, std: blob = (pixel * scale - mean) / std, mean and std one number a channel, in the order of `color`.

    Raises PreprocessError for values that contradict each other or that nothing was measured for.
    """

    size: Size
    color: Literal["RGB", "BGR", "GRAY"] = "RGB"
    channels: int = 3
    resize: Literal["shortest", "stretch"] | None = None
    resize_size: int | Size | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    pillow: Literal[12, 13] = 13
    crop: Size | None = None
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    dtype: Literal["float32"] = "float32"
    layout: Literal["NCHW"] = "NCHW"

    def __post_init__(self) -> None:
        for name in ("size", "crop", "resize_size", "mean", "std"):
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))  # JSON and TOML know lists only
        for name in ("mean", "std"):
            if isinstance(value := getattr(self, name), tuple) and all(_is_number(number) for number in value):
                object.__setattr__(self, name, tuple(float(number) for number in value))
        self._check_words()
        self._check_numbers()
        self._check_geometry()

    @classmethod
    def parse(cls, spec: str | None, *, shape: tuple[int, ...]) -> Preprocess:
        """The preprocessing that `spec` names, for a network whose input has `shape` (1, channels, height, width).

        `spec` is a word (`imagenet`, `imagenet:A/B`, `unit`, `none`), the path of a .json or .toml file, or None for
        the default: `imagenet` for 3 channels, `unit` for 1. Raises PreprocessError for anything else.
        """
        from converter.preprocess.readers import read_spec

        return read_spec(spec, shape)

    @classmethod
    def from_timm(cls, config: Mapping[str, Any], *, shape: tuple[int, ...] | None = None) -> Preprocess:
        """What timm's evaluation transform does for `config` (a pretrained_cfg or a resolved data config).

        `shape`, where given, is the network's input and wins over the config's `input_size`. Raises PreprocessError
        for what cannot be carried over (crop mode "border", non-square crops that keep the aspect ratio).
        """
        from converter.preprocess.readers import read_timm

        return read_timm(config, shape)

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

    def apply(self, image: np.ndarray) -> np.ndarray:
        """uint8 image, (H, W), (H, W, 3) in BGR or (H, W, 4) in BGRA, to a float32 blob (1, channels, *size)."""
        return apply_preprocess(image, self.to_dict())

    def describe(self) -> str:
        """One line for people."""
        how = f"{self.interpolation}, Pillow's"
        steps: list[str] = [self.color]
        if self.resize == "shortest":
            steps.append(f"shorter edge resized to {self.resize_size} ({how})")
        elif isinstance(self.resize_size, tuple):
            steps.append(f"stretched to {_by(self.resize_size)} ({how})")
        if self.crop is not None:
            steps.append(f"centre {_by(self.crop)} cropped")
        if self.resize is None and self.crop is None:
            steps.append(f"taken as it is, {_by(self.size)}")
        if self.scale != 1:
            steps.append("divided by 255" if math.isclose(self.scale, 1 / 255) else f"times {self.scale:g}")
        if any(self.mean):
            steps.append(f"minus mean {_numbers(self.mean)}")
        if any(number != 1 for number in self.std):
            steps.append(f"divided by std {_numbers(self.std)}")
        return ", ".join([*steps, f"{self.dtype} {self.layout}"])

    def _check_words(self) -> None:
        allowed: dict[str, tuple[Any, ...]] = {
            "color": tuple(CHANNELS), "resize": ("shortest", "stretch", None), "interpolation": INTERPOLATIONS,
            "antialias": (True,), "dtype": ("float32",), "layout": ("NCHW",), "channels": (1, 3), "pillow": (12, 13),
        }  # fmt: skip
        for name, values in allowed.items():
            if (value := getattr(self, name)) not in values:
                self._refuse(name, f"one of {', '.join(map(str, values))}", value)
        if CHANNELS[self.color] != self.channels:
            self._refuse("channels", f"{CHANNELS[self.color]} for {self.color}", self.channels)

    def _check_numbers(self) -> None:
        if not _is_number(self.scale) or self.scale == 0:
            self._refuse("scale", "a finite number that is not 0", self.scale)
        for name in ("mean", "std"):
            numbers = getattr(self, name)
            if not isinstance(numbers, tuple) or len(numbers) != self.channels or not all(map(_is_number, numbers)):
                self._refuse(name, f"{self.channels} finite number(s), one a channel", numbers)
        if min(self.std) <= 0:
            self._refuse("std", "positive", self.std)

    def _check_geometry(self) -> None:
        if not _is_size(self.size):
            self._refuse("size", "two positive integers (height, width)", self.size)
        if self.crop is not None and self.crop != self.size:
            self._refuse("crop", f"the size {self.size} or None", self.crop)
        if self.resize is None and self.resize_size is not None:
            self._refuse("resize_size", "None where resize is None", self.resize_size)
        if self.resize == "shortest":
            if not _is_count(self.resize_size):
                self._refuse("resize_size", "one positive integer where resize is shortest", self.resize_size)
            if self.crop is None:
                self._refuse(
                    "crop", f"{self.size} where resize is shortest (else every picture has its own size)", None
                )
        if self.resize == "stretch":
            if not _is_size(self.resize_size):
                self._refuse("resize_size", "two positive integers where resize is stretch", self.resize_size)
            if self.crop is None and self.resize_size != self.size:
                self._refuse("resize_size", f"the size {self.size} where nothing is cropped", self.resize_size)

    def _refuse(self, name: str, expected: str, value: Any) -> NoReturn:
        raise PreprocessError(
            f"a preprocessing cannot have {name} = {value!r}",
            measured=f"{name} must be {expected}",
            do=(f"correct {name}", "or leave preprocessing to your program: feed .npy arrays"),
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_size(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_count, value))


def _by(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def _numbers(numbers: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"
