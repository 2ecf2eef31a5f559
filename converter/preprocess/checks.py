"""Which values of a preprocessing are possible, and which together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from converter.errors import PreprocessError
from converter.preprocess.opencv_resize import OPENCV_FLAGS
from converter.preprocess.resampling import FILTERS

if TYPE_CHECKING:
    from converter.preprocess.spec import Preprocess

CHANNELS = {"RGB": (3,), "BGR": (3,), "GRAY": (1, 3)}
INTERPOLATIONS = {
    "pillow": tuple(FILTERS),
    "torch": ("nearest", "nearest-exact", "bilinear", "bicubic"),
    "opencv": tuple(OPENCV_FLAGS),
}
ONE_EDGE, TWO_EDGES = ("shortest", "longest"), ("stretch", "fit", "cover", "bounds")
WORDS: dict[str, tuple[Any, ...]] = {
    "color": tuple(CHANNELS),
    "loader": ("pillow", "opencv"),
    "exif": (True, False),
    "gray_after_resize": (True, False),
    "resize": ("stretch", *ONE_EDGE, "fit", "cover", "bounds", None),
    "rounding": ("truncate", "round", "detr"),
    "upscale": (True, False),
    "resampler": tuple(INTERPOLATIONS),
    "antialias": (True, False),
    "resize_dtype": ("uint8", "float32", "float32_rounded"),
    "pillow": (12, 13),
    "fast": (True, False),
    "crop_rounding": ("half_even", "truncate", "floor"),
    "pad": ("center", "topleft", None),
    "pad_in": ("pixels", "blob"),
    "normalize": ("unit", "single", "levels"),
    "dtype": ("float32", "uint8"),
    "layout": ("NCHW", "NHWC"),
}


def check(spec: Preprocess) -> None:
    """Raise PreprocessError, with the key and what it must be, unless all of it can be carried out."""
    for name, values in WORDS.items():
        value = getattr(spec, name)
        if not any(value is one or (value == one and type(value) is type(one)) for one in values):
            refuse(name, f"one of {', '.join(map(str, values))}", value)
    possible = CHANNELS[spec.color]
    if type(spec.channels) is not int or spec.channels not in possible:
        refuse("channels", f"{' or '.join(map(str, possible))} for {spec.color}", spec.channels)
    if spec.gray_after_resize and spec.color != "GRAY":
        refuse("gray_after_resize", "false unless color is GRAY", True)
    _check_resampler(spec)
    _check_numbers(spec)
    _check_geometry(spec)


def _check_resampler(spec: Preprocess) -> None:
    names = INTERPOLATIONS[spec.resampler]
    if spec.interpolation not in names:
        refuse("interpolation", f"one of {', '.join(names)} where resampler is {spec.resampler}", spec.interpolation)
    if spec.resampler == "pillow" and not spec.antialias:
        refuse(
            "antialias", "true where resampler is pillow, whose filters always widen (resampler torch has both)", False
        )
    if spec.resampler == "opencv" and spec.antialias:
        refuse("antialias", "false where resampler is opencv: cv2.resize has none", True)
    if spec.resampler != "torch" and spec.resize_dtype != "uint8":
        refuse("resize_dtype", f"uint8 where resampler is {spec.resampler}", spec.resize_dtype)
    if spec.resampler == "opencv" and spec.fast:
        refuse("fast", "false where resampler is opencv: that is cv2.resize already", True)
    if spec.fast and spec.interpolation.startswith("nearest"):
        refuse("fast", f"false where interpolation is {spec.interpolation}: the exact one is as fast", True)


def _check_numbers(spec: Preprocess) -> None:
    if not _is_number(spec.scale) or spec.scale == 0:
        refuse("scale", "a finite number that is not 0", spec.scale)
    for name in ("mean", "std"):
        numbers = getattr(spec, name)
        if not isinstance(numbers, tuple) or len(numbers) != spec.channels or not all(map(_is_number, numbers)):
            refuse(name, f"{spec.channels} finite number(s), one a channel", numbers)
    if min(spec.std) <= 0:
        refuse("std", "positive", spec.std)
    pad = spec.pad_value
    if not isinstance(pad, tuple) or len(pad) not in (1, spec.channels) or not all(map(_is_number, pad)):
        refuse("pad_value", "one finite number, or one a channel", pad)
    if spec.dtype == "uint8":
        if spec.scale != 1 or any(spec.mean) or any(number != 1 for number in spec.std):
            refuse("dtype", "float32 unless scale is 1, mean 0 and std 1", "uint8")
        if spec.resize_dtype == "float32" or any(number != int(number) or not 0 <= number <= 255 for number in pad):
            refuse("dtype", "float32 unless the resize is of uint8 and pad_value whole levels", "uint8")
    if spec.resize_dtype == "float32" and spec.normalize == "levels":
        refuse("normalize", "unit or single where resize_dtype is float32: those numbers are scaled already", "levels")
    if spec.resize_dtype == "float32" and spec.gray_after_resize:
        refuse("gray_after_resize", "false where resize_dtype is float32: Pillow's luma is of 8-bit levels", True)


def _check_geometry(spec: Preprocess) -> None:
    if not _is_size(spec.size):
        refuse("size", "two positive integers (height, width)", spec.size)
    if spec.crop is not None and spec.crop != spec.size:
        refuse("crop", f"the size {spec.size} or None", spec.crop)
    if spec.crop is not None and spec.pad == "topleft":
        refuse("pad", "center or None where the centre is cropped", spec.pad)
    if spec.max_size is not None and not (spec.resize == "shortest" and _is_count(spec.max_size)):
        refuse("max_size", "a positive integer where resize is shortest, else None", spec.max_size)
    if spec.max_size is not None and spec.rounding == "round":
        refuse("rounding", "truncate or detr where there is a max_size", spec.rounding)
    if spec.resize is None:
        if spec.resize_size is not None:
            refuse("resize_size", "None where resize is None", spec.resize_size)
    elif spec.resize in ONE_EDGE:
        if not _is_count(spec.resize_size):
            refuse("resize_size", f"one positive integer where resize is {spec.resize}", spec.resize_size)
    elif not _is_size(spec.resize_size):
        refuse("resize_size", f"two positive integers where resize is {spec.resize}", spec.resize_size)
    if spec.crop is None and spec.pad is None:
        if spec.resize == "stretch" and spec.resize_size != spec.size:
            refuse("resize_size", f"the size {spec.size} where nothing is cropped or padded", spec.resize_size)
        if spec.resize not in (None, "stretch"):
            expected = f"{spec.size} where resize is {spec.resize} (else every picture has its own size), or pad given"
            refuse("crop", expected, None)
    elif spec.crop is None and (too_large := _too_large(spec)):
        refuse("resize_size", too_large, spec.resize_size)


def _too_large(spec: Preprocess) -> str | None:
    """What would be right, where no picture, or not every one, fits into the padded size."""
    size, wanted = spec.size, spec.resize_size
    if isinstance(wanted, int) and wanted > min(size) and (spec.resize == "longest" or spec.upscale):
        return f"at most {min(size)}: the padding cannot hold what is larger than the size {size}"
    if spec.resize in ("fit", "stretch") and isinstance(wanted, tuple) and (wanted[0] > size[0] or wanted[1] > size[1]):
        return f"at most the size {size}: the padding cannot hold what is larger"
    return None


def refuse(name: str, expected: str, value: Any) -> NoReturn:
    """Raise PreprocessError for a key."""
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
