"""Albumentations: what A.save and A.to_dict write, and the objects themselves by their to_dict; nothing is imported.

Its pictures come from cv2.imread, turned to RGB; its resizes are cv2.resize.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from converter.preprocess.carrying import cannot_carry, fitting, image_input
from converter.preprocess.spec import Preprocess

FLAGS = {0: "nearest", 1: "bilinear", 2: "bicubic", 3: "area", 4: "lanczos"}  # cv2's numbers
NOTHING_DONE = {"ToTensorV2", "ToTensor3D", "NoOp", "ToRGB"}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # Normalize's defaults
READ = ("Resize", "SmallestMaxSize", "LongestMaxSize", "LetterBox", "PadIfNeeded", "CenterCrop", "Normalize", "ToFloat")


def is_albumentations(values: Mapping[str, Any]) -> bool:
    """Is this what Albumentations saved?"""
    inner = values.get("transform", values)
    return isinstance(inner, Mapping) and "__class_fullname__" in inner


def read_albumentations(values: Mapping[str, Any], shape: tuple[int, ...], name: str) -> Preprocess:
    """The preprocessing of a serialised pipeline. Raises PreprocessError, naming the step that cannot be carried over."""
    base = image_input(shape)
    inner = values.get("transform", values)
    if "__class_fullname__" not in inner and isinstance(inner.get("transform"), Mapping):
        inner = inner["transform"]
    keys: dict[str, Any] = {"loader": "opencv", "exif": True, "scale": 1.0, "resampler": "opencv", "antialias": False}
    for kind, step in _steps(inner):
        _take(keys, kind, step, base, name)
    made = keys.pop("made", base.size)
    if keys.get("resize") not in (None, "stretch") and "crop" not in keys and "pad" not in keys:
        keys.update(
            resize="stretch", resize_size=base.size, rounding="truncate"
        )  # the whole picture, into a net of one size
    if base.channels == 1:
        raise cannot_carry(name, "the network takes 1 channel; Albumentations' grey is not Pillow's")
    return fitting(dataclasses.replace(base, **{"size": made, **keys}), shape, name)


def _steps(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = str(node.get("__class_fullname__", "")).rsplit(".", 1)[-1]
    if kind in ("Compose", "Sequential"):
        for part in node.get("transforms", ()):
            yield from _steps(part)
    else:
        yield kind, node


def _take(keys: dict[str, Any], kind: str, step: Mapping[str, Any], base: Preprocess, name: str) -> None:
    if kind in NOTHING_DONE:
        return
    if kind not in READ:
        why = "unknown, or an augmentation" if kind else "a step without a name"
        raise cannot_carry(name, f"{kind}: {why}; known are {', '.join([*READ, *sorted(NOTHING_DONE)])}")
    if float(step.get("p", 1.0)) < 1.0 and not step.get("always_apply"):
        raise cannot_carry(name, f"{kind}: it is applied with probability {step['p']}")
    if kind in ("Resize", "SmallestMaxSize", "LongestMaxSize", "LetterBox"):
        if "resize" in keys or "crop" in keys:
            raise cannot_carry(name, f"{kind}: a second resize, or one after a crop")
        _resize(keys, kind, step, base, name)
    elif kind == "PadIfNeeded":
        _pad(keys, step, name)
    elif kind == "CenterCrop":
        keys["crop"] = keys["made"] = (int(step["height"]), int(step["width"]))
        keys["crop_rounding"] = "truncate"
        if keys.get("pad") == "topleft":
            raise cannot_carry(name, "CenterCrop: after a padding at the right and below")
    elif kind == "ToFloat":
        keys["scale"] = 1.0 / float(step.get("max_value") or 255.0)
    else:
        _normalize(keys, step, name)


def _resize(keys: dict[str, Any], kind: str, step: Mapping[str, Any], base: Preprocess, name: str) -> None:
    flag = step.get("interpolation", 1)
    if flag not in FLAGS:
        raise cannot_carry(name, f"{kind}: interpolation {flag}; known: {FLAGS}")
    keys["interpolation"] = FLAGS[flag]
    if kind == "Resize":
        size = (int(step["height"]), int(step["width"]))
        keys.update(resize="stretch", resize_size=size, made=size)
        return
    if kind == "LetterBox":
        size = (int(step["size"][0]), int(step["size"][1]))
        keys.update(resize="fit", resize_size=size, rounding="round", made=size)
        _pad(keys, {**step, "min_height": size[0], "min_width": size[1]}, name)
        return
    edge = step.get("max_size")
    if isinstance(edge, list | tuple) and len(edge) == 1:
        edge = edge[0]
    if not isinstance(edge, int):
        raise cannot_carry(name, f"{kind}: max_size {edge}, of which one is drawn, or max_size_hw; known: one number")
    keys.update(resize="shortest" if kind == "SmallestMaxSize" else "longest", resize_size=edge, rounding="round")


def _pad(keys: dict[str, Any], step: Mapping[str, Any], name: str) -> None:
    if step.get("border_mode", 0 if "fill" in step else 4) != 0:
        raise cannot_carry(name, "PadIfNeeded: border_mode is not 0, a constant")
    if step.get("pad_height_divisor") or step.get("pad_width_divisor"):
        raise cannot_carry(name, "PadIfNeeded: a divisor; the network's input has one size")
    position = str(step.get("position", "center")).rsplit(".", 1)[-1].lower()
    if position not in ("center", "top_left"):
        raise cannot_carry(name, f"PadIfNeeded: position {position}; known: center, top_left")
    fill = step.get("fill", step.get("value"))
    keys["pad"] = "center" if position == "center" else "topleft"
    keys["crop_rounding"] = "truncate"
    keys["pad_value"] = tuple(map(float, fill)) if isinstance(fill, list | tuple) else (float(fill or 0),)
    keys["made"] = (int(step["min_height"]), int(step["min_width"]))


def _normalize(keys: dict[str, Any], step: Mapping[str, Any], name: str) -> None:
    if step.get("normalization", "standard") != "standard":
        raise cannot_carry(name, f"Normalize: normalization {step['normalization']}; known: standard")
    for key, default in IMAGENET.items():
        numbers = step.get(key, default)
        found = tuple(map(float, numbers if isinstance(numbers, list | tuple) else [numbers]))
        keys[key] = found * 3 if len(found) == 1 else found
    limit = step.get("max_pixel_value", 255.0)
    keys.update(scale=1.0 / float(limit or 1.0), normalize="levels")
