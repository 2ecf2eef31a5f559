"""Hugging Face's preprocessor_config.json, and image processors themselves.

A processor computes with Pillow ("slow") or with torchvision's tensors ("Fast"; all that do not say otherwise from
transformers 5 on). The file says which by the processor's name: "...Fast" resizes tensors, any other name is taken for
Pillow, which the published weights were made with; `--preprocess preprocessor_config.json+torch` is the other choice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from converter.preprocess.carrying import cannot_carry, fitting, image_input
from converter.preprocess.spec import Preprocess

RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}  # Pillow's numbers
MEANT = {
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize",
    "image_mean", "image_std", "do_pad", "pad_size", "crop_pct", "do_flip_channel_order", "rescale_offset", "max_size",
}  # fmt: skip
"""The keys that say what becomes of the pixels. Other `do_...` keys are refused unless they are false or listed below."""
WITHOUT_EFFECT = {"do_convert_rgb", "do_reduce_labels", "do_convert_annotations", "do_thumbnail", "do_align_long_axis"}
ASKED_OF_SIZE = {"keep_aspect_ratio", "ensure_multiple_of", "size_divisor", "size_divisibility", "patch_size"}
STANDARD = (0.5, 0.5, 0.5)
BILINEAR_BY_DEFAULT = (
    "ViT", "Detr", "Yolos", "Segformer", "Mask2Former", "MaskFormer", "OneFormer", "MobileNet", "Sam", "ConditionalDetr",
    "Deformable", "RTDetr", "RtDetr", "GroundingDino", "Imagegpt", "ImageGPT", "VideoMAE", "Donut",
)  # fmt: skip
BICUBIC_BY_DEFAULT = (
    "CLIP",
    "Beit",
    "Bit",
    "Blip",
    "Deit",
    "DeiT",
    "DPT",
    "Levit",
    "PoolFormer",
    "Siglip",
    "Pvt",
    "OwlViT",
)
"""Processors, by how their names begin, for files that name no filter. What others do then changed between versions."""


def is_huggingface(values: Mapping[str, Any]) -> bool:
    """Is this the content of a preprocessor_config.json?"""
    return bool({"image_processor_type", "feature_extractor_type", "do_normalize", "image_mean"} & set(values))


def read_huggingface(values: Mapping[str, Any], shape: tuple[int, ...], name: str) -> Preprocess:
    """The preprocessing that these keys mean, for an input of `shape`. Raises PreprocessError for what has no counterpart."""
    base = image_input(shape)
    kind = str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
    _check_keys(values, kind, name)
    keys: dict[str, Any] = {}
    tensors = kind.endswith("Fast") or values.get("backend") == "torchvision"
    if values.get("do_resize", True) and values.get("size") is not None:
        keys.update(_resize(values, kind, name, base.size))
        keys.update(_filter(values, kind, tensors, name))
    if values.get("do_center_crop") and "ConvNext" not in kind:
        crop = values.get("crop_size") or values.get("size")
        keys["crop"] = _two(crop, name)
    if "crop" in keys:
        keys["crop_rounding"] = "truncate" if tensors else "floor"
    rescales, normalizes = values.get("do_rescale", True), values.get("do_normalize", True)
    scale = float(values.get("rescale_factor") or 1 / 255) if rescales else 1.0
    keys["scale"] = scale
    offset = bool(rescales and values.get("rescale_offset"))
    if offset and normalizes:
        raise cannot_carry(name, "rescale_offset with do_normalize: two normalisations")
    if normalizes:
        keys["mean"] = _per_channel(values.get("image_mean"), base.channels)
        keys["std"] = _per_channel(values.get("image_std"), base.channels)
    elif offset:
        keys["mean"] = (1.0,) * base.channels
    if tensors and rescales:
        keys["normalize"] = "levels" if normalizes else "single"
    if values.get("do_flip_channel_order"):
        keys["color"] = "BGR"
        for key in ("mean", "std"):  # they are applied before the channels turn round
            if key in keys:
                keys[key] = keys[key][::-1]
    _pad(values, keys, base, name)
    made = keys.get("crop") or (
        keys.get("resize_size") if keys.get("resize") == "stretch" and "pad" not in keys else None
    )
    if made is None and keys.get("resize") not in (None, "stretch") and "pad" not in keys:
        made = base.size
        # the result follows the picture's shape; a net of one size is given the whole picture, stretched
        keys.update(resize="stretch", resize_size=base.size, max_size=None, rounding="truncate")
    found = dataclasses.replace(base, **{"size": made or base.size, **keys})
    return fitting(found, shape, name)


def _check_keys(values: Mapping[str, Any], kind: str, name: str) -> None:
    wrong = [key for key in values if key.startswith("do_") and key not in MEANT | WITHOUT_EFFECT and values[key]]
    if wrong:
        raise cannot_carry(name, f"{', '.join(sorted(wrong))}: nothing here does that")
    if values.get("do_align_long_axis") or values.get("do_thumbnail"):
        raise cannot_carry(name, "do_align_long_axis or do_thumbnail: nothing here does that")
    if values.get("keep_aspect_ratio") and values.get("do_resize", True):
        raise cannot_carry(
            name, "keep_aspect_ratio: the network's input has one size, and this one follows the picture"
        )
    if kind.startswith("GLPN"):
        raise cannot_carry(
            name, "GLPN's size_divisor: the network's input has one size, and this one follows the picture"
        )


def _resize(values: Mapping[str, Any], kind: str, name: str, input_size: tuple[int, int]) -> dict[str, Any]:
    size = values["size"]
    if isinstance(size, int | float):
        size = {"shortest_edge": int(size)} if "crop_size" in values else {"height": int(size), "width": int(size)}
    elif isinstance(size, list | tuple):
        size = {"width": size[0], "height": size[1]}  # as the oldest files had it
    short, long = size.get("shortest_edge"), size.get("longest_edge") or values.get("max_size")
    crop_pct = values.get("crop_pct")
    if "ConvNext" in kind and short:
        if short >= 384:
            return {"resize": "stretch", "resize_size": (short, short)}
        return {"resize": "shortest", "resize_size": int(short / (crop_pct or 224 / 256)), "crop": (short, short)}
    if crop_pct and "PoolFormer" in kind:
        if not short and size["height"] != size["width"]:
            return {
                "resize": "stretch",
                "resize_size": tuple(int(size[edge] / crop_pct) for edge in ("height", "width")),
            }
        short = int((short or size["height"]) / crop_pct)
    elif "Levit" in kind and short:
        short = int(256 / 224 * short)
    if short and long:
        return {"resize": "shortest", "resize_size": int(short), "max_size": int(long), "rounding": "detr"}
    if short:
        return {"resize": "shortest", "resize_size": int(short)}
    if size.get("max_height") and size.get("max_width"):
        return {"resize": "fit", "resize_size": (int(size["max_height"]), int(size["max_width"]))}
    if long:
        return {"resize": "longest", "resize_size": int(long)}
    if size.get("height") and size.get("width"):
        return {"resize": "stretch", "resize_size": (int(size["height"]), int(size["width"]))}
    raise cannot_carry(
        name, f"size is {dict(size)}; known: shortest_edge, longest_edge, height and width, max_height and max_width"
    )


def _filter(values: Mapping[str, Any], kind: str, tensors: bool, name: str) -> dict[str, Any]:
    number = values.get("resample")
    if number is None and kind.startswith(BICUBIC_BY_DEFAULT):
        number = 3
    elif number is None and (not kind or kind.startswith(BILINEAR_BY_DEFAULT)):
        number = 2
    elif number is None:
        raise cannot_carry(
            name, f'it names no filter, and {kind} has no certain one; add "resample": 2 (bilinear) or 3 (bicubic)'
        )
    word = RESAMPLE.get(int(number))
    if word is None:
        raise cannot_carry(name, f"resample is {number}, which is none of Pillow's filters ({RESAMPLE})")
    if not tensors:
        return {"interpolation": word}
    if word not in ("nearest", "bilinear", "bicubic"):
        raise cannot_carry(
            name, f"{word} on tensors (known: nearest, bilinear, bicubic); with Pillow it can be: +pillow"
        )
    if word == "nearest":  # torchvision's NEAREST_EXACT is Pillow's NEAREST
        return {"interpolation": "nearest-exact", "resampler": "torch", "antialias": False}
    return {"interpolation": word, "resampler": "torch", "antialias": True}


def _pad(values: Mapping[str, Any], keys: dict[str, Any], base: Preprocess, name: str) -> None:
    """Detection processors pad the batch with zeros, after normalisation, on the right and below."""
    if not values.get("do_pad") or keys.get("resize") in (None, "stretch"):
        return
    size = values.get("pad_size")
    if size is not None and _two(size, name) != base.size:
        raise cannot_carry(name, f"pad_size is {dict(size)}, the network takes {base.size[0]}×{base.size[1]}")
    keys.update(pad="topleft", pad_in="blob")


def _two(size: Any, name: str) -> tuple[int, int]:
    if isinstance(size, int | float):
        return int(size), int(size)
    if isinstance(size, Mapping) and (edge := size.get("shortest_edge")):
        return int(edge), int(edge)
    if isinstance(size, Mapping) and size.get("height") and size.get("width"):
        return int(size["height"]), int(size["width"])
    raise cannot_carry(name, f"a crop or padding of {size}; expected height and width")


def _per_channel(numbers: Any, channels: int) -> tuple[float, ...]:
    if numbers is None:
        return STANDARD[:channels]
    found = tuple(float(number) for number in (numbers if isinstance(numbers, list | tuple) else [numbers]))
    return found * channels if len(found) == 1 else found
