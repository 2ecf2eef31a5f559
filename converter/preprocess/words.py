"""A preprocessing in one line for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.preprocess.spec import Preprocess

FAST_COST = {"box": (2.1, 92), "bilinear": (1.1, 46), "hamming": (0.7, 29), "bicubic": (1.0, 29), "lanczos": (1.5, 39)}
"""Grey levels that the fast mode is off, on average and at most: scikit-learn's two photographs, 640x427 to 336x224, 224x224
and 480x320 (benchmarks/preprocess_truth.py). INTER_LINEAR in place of INTER_AREA would be 2.8 and 102 off. Without antialias,
PyTorch's bilinear is at most 1 level from INTER_LINEAR, its bicubic 15 from INTER_CUBIC."""


def in_words(spec: Preprocess) -> str:
    """What is done to a picture, in the order of execution."""
    return ", ".join([*_picture(spec), *_resize(spec), *_place(spec), *_numbers(spec)])


def _picture(spec: Preprocess) -> list[str]:
    steps: list[str] = [spec.color if spec.color != "GRAY" or spec.channels == 1 else "GRAY in 3 channels"]
    if spec.gray_after_resize:
        steps[0] += " (after the resize)"
    if spec.exif:
        steps.append("turned upright by EXIF")
    if spec.loader == "opencv":
        steps.append("16-bit grey by its upper 8 bits")
    return steps


def _resize(spec: Preprocess) -> list[str]:
    size = spec.resize_size
    if spec.resize == "shortest":
        text = f"shorter edge resized to {size}"
        if spec.max_size is not None:
            text += f", the longer one to at most {spec.max_size}"
    elif spec.resize == "longest":
        text = f"longer edge resized to {size}"
    elif isinstance(size, tuple):
        text = {
            "stretch": f"stretched to {_by(size)}",
            "fit": f"resized to fit into {_by(size)}",
            "cover": f"resized to cover {_by(size)}",
            "bounds": f"resized to edges of at most {size[0]} (short) and {size[1]} (long)",
        }[str(spec.resize)]
    else:
        return []
    how = {"pillow": "Pillow's", "torch": "PyTorch's", "opencv": "OpenCV's"}[spec.resampler]
    if spec.resampler == "torch":
        how += (" with antialias" if spec.antialias else " without antialias") * (
            not spec.interpolation.startswith("near")
        )
        how += {"uint8": "", "float32": " in float32", "float32_rounded": " in float32, rounded"}[spec.resize_dtype]
    steps = [f"{text} ({spec.interpolation}, {how})"]
    if not spec.upscale:
        steps.append("smaller pictures left as they are")
    if spec.fast:
        steps.append(_fast(spec))
    return steps


def _fast(spec: Preprocess) -> str:
    text = "FAST: with cv2.resize instead of that"
    if not spec.antialias:
        return f"{text}, off by at most {1 if spec.interpolation == 'bilinear' else 15} grey levels"
    mean, most = FAST_COST[spec.interpolation]
    return f"{text}, off by {mean:g} grey levels on average and {most} at most where photographs shrink 2 to 3 times"


def _place(spec: Preprocess) -> list[str]:
    steps = []
    if spec.crop is not None:
        steps.append(f"centre {_by(spec.crop)} cropped")
    if spec.pad is not None or (spec.crop is not None and any(spec.pad_value)):
        values = f"{spec.pad_value[0]:g}" if len(set(spec.pad_value)) == 1 else _listed(spec.pad_value)
        where = "around it" if spec.pad == "center" or spec.crop is not None else "right and below"
        stage = " after normalisation" if spec.pad_in == "blob" else ""
        steps.append(f"padded {where} with {values}{stage} to {_by(spec.size)}")
    if spec.resize is None and not steps:
        steps.append(f"taken as it is, {_by(spec.size)}")
    return steps


def _numbers(spec: Preprocess) -> list[str]:
    steps = []
    if spec.scale != 1:
        steps.append("divided by 255" if math.isclose(spec.scale, 1 / 255) else f"times {spec.scale:g}")
    if any(spec.mean):
        steps.append(f"minus mean {_listed(spec.mean)}")
    if any(number != 1 for number in spec.std):
        steps.append(f"divided by std {_listed(spec.std)}")
    return [*steps, f"{spec.dtype} {spec.layout}"]


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _listed(numbers: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"
