"""torchvision's transforms, of both generations, its weights' presets, and timm's own transforms of the same kind.

A pipeline is walked step by step with what the picture is by then: a Pillow image, a uint8 tensor, a float tensor. Classes are
known by their names, so that nothing is imported; torchvision's two generations share them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from converter.preprocess.carrying import cannot_carry, fitting, image_input
from converter.preprocess.spec import Preprocess

NOTHING = {"Identity", "RGB", "ToPureTensor", "MaybePILToTensorIdentity", "SanitizeBoundingBoxes"}
ONE_OF_SEVERAL = {"FiveCrop": "five pictures", "TenCrop": "ten pictures"}
AUGMENTS = (
    "Random",
    "Auto",
    "AugMix",
    "TrivialAugment",
    "ColorJitter",
    "Elastic",
    "Gaussian",
    "Jitter",
    "MixUp",
    "CutMix",
)
SUM_OF_LUMA = "torchvision's grey of a tensor rounds otherwise than Pillow's"


@dataclasses.dataclass
class Walk:
    """What was found so far. picture: "pillow", "uint8" or "float32"; keys: those of a Preprocess."""

    name: str
    size: tuple[int, int]
    channels: int
    picture: str = "pillow"
    seen_tensor: bool = False
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)
    free: bool = False  # a resize whose result is as large as the picture makes it
    levels: bool = False  # float numbers of 0..255

    def refuse(self, step: Any, why: str) -> Exception:
        return cannot_carry(self.name, f"{type(step).__name__}: {why}")


def read_torchvision(transform: Any, shape: tuple[int, ...], name: str) -> Preprocess:
    """A Compose, a Sequential, a single transform, or a preset of weights. Raises PreprocessError, naming the step."""
    base = image_input(shape)
    walk = Walk(name, base.size, base.channels, picture=_starts_with(transform))
    for step in _steps(transform):
        _take(walk, step)
    if walk.picture == "pillow":
        raise cannot_carry(name, "it ends with a picture, not with a tensor: ToTensor() is missing")
    if walk.picture == "uint8":
        walk.keys["scale"] = 1.0  # the network is given levels, in whatever dtype it reads
    keys = walk.keys
    channels = 1 if keys.get("color") == "GRAY" and keys.get("channels") == 1 else 3
    if channels != base.channels:
        made = f"it makes {channels} channel(s), the network takes {base.channels}"
        raise cannot_carry(name, made + (" (Grayscale() is missing)" if base.channels == 1 else ""))
    if walk.free and "crop" not in keys:
        _whole(walk)
    for key, neutral in (("mean", 0.0), ("std", 1.0)):
        numbers = tuple(float(number) for number in keys.get(key, (neutral,)))
        keys[key] = numbers * channels if len(numbers) == 1 else numbers
    return fitting(dataclasses.replace(base, **{"size": keys.get("crop", base.size), **keys}), shape, name)


def _starts_with(transform: Any) -> str:
    """A pipeline that turns tensors into no tensor was given tensors."""
    names = [type(step).__name__ for step in _steps(transform)]
    makes = {"ToTensor", "PILToTensor", "ToImage", "ToImageTensor", "MaybeToTensor", "MaybePILToTensor", "ToDtype"}
    presets = {"ImageClassification", "SemanticSegmentation", "ObjectDetection"}
    if makes - {"ToDtype"} & set(names) or presets & set(names) or not {"ToDtype", "ConvertImageDtype"} & set(names):
        return "pillow"
    return "uint8"


def _steps(transform: Any) -> Iterator[Any]:
    parts = getattr(transform, "transforms", None)
    if parts is None and type(transform).__name__ in ("Sequential", "ModuleList"):
        parts = transform
    if isinstance(parts, Iterable) and type(transform).__name__ in ("Compose", "Sequential", "ModuleList"):
        for part in parts:
            yield from _steps(part)
    else:
        yield transform


def _take(walk: Walk, step: Any) -> None:
    name = type(step).__name__
    known = STEPS.get(name)
    if known is not None:
        known(walk, step)
    elif name in ONE_OF_SEVERAL:
        raise walk.refuse(step, f"it makes {ONE_OF_SEVERAL[name]} of one")
    elif name in ("Lambda", "function", "builtin_function_or_method", "method", "partial"):
        called = getattr(getattr(step, "lambd", step), "__name__", "")
        raise walk.refuse(step, f"what the function {called} does cannot be known".replace("  ", " "))
    elif any(name.startswith(word) or word in name for word in AUGMENTS):
        raise walk.refuse(step, "it is an augmentation for training")
    elif name not in NOTHING:
        raise walk.refuse(
            step, f"unknown; known are {', '.join(sorted({*STEPS, *NOTHING} - {'MaybePILToTensorIdentity'}))}"
        )


def _resize(walk: Walk, step: Any) -> None:
    size, most = step.size, getattr(step, "max_size", None)
    edges = [] if size is None else [int(size)] if isinstance(size, int) else [int(edge) for edge in size]
    _before_resize(walk, step)
    if len(edges) == 2:
        resize: dict[str, Any] = {"resize": "stretch", "resize_size": tuple(edges)}
        walk.free = tuple(edges) != walk.size
    elif edges:
        resize, walk.free = {"resize": "shortest", "resize_size": edges[0], "max_size": most}, True
    else:
        resize, walk.free = {"resize": "longest", "resize_size": most}, True
    walk.keys.update(resize, **_filter(walk, step, getattr(step, "antialias", True)))


def _resize_keep_ratio(walk: Walk, step: Any) -> None:
    """timm's."""
    _before_resize(walk, step)
    if step.random_scale_prob or step.random_aspect_prob:
        raise walk.refuse(step, "it scales at random")
    if step.longest not in (0.0, 1.0):
        raise walk.refuse(step, f"longest is {step.longest}, neither 0 nor 1")
    rule = "fit" if step.longest else "cover"
    walk.free = True
    walk.keys.update(resize=rule, resize_size=tuple(step.size), rounding="round", **_filter(walk, step, True))


def _before_resize(walk: Walk, step: Any) -> None:
    if "resize" in walk.keys:
        raise walk.refuse(step, "a second resize")
    if "crop" in walk.keys:
        raise walk.refuse(step, "a resize after a crop")
    if walk.levels:
        raise walk.refuse(step, "a resize of a float tensor of 0..255")


def _filter(walk: Walk, step: Any, antialias: Any) -> dict[str, Any]:
    interpolation = step.interpolation
    word = str(getattr(interpolation, "value", interpolation))
    word = {"0": "nearest", "1": "lanczos", "2": "bilinear", "3": "bicubic", "4": "box", "5": "hamming"}.get(word, word)
    if walk.picture == "pillow":
        return {"resampler": "pillow", "interpolation": "nearest" if word == "nearest-exact" else word}
    if word not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        raise walk.refuse(step, f"{word} on tensors (known: nearest, nearest-exact, bilinear, bicubic)")
    first_generation = ".v2" not in type(step).__module__
    dtype = "float32" if walk.picture == "float32" else "float32_rounded" if first_generation else "uint8"
    return {
        "resampler": "torch",
        "interpolation": word,
        "antialias": bool(antialias) and word in ("bilinear", "bicubic"),
        "resize_dtype": dtype,
    }


def _center_crop(walk: Walk, step: Any) -> None:
    if "crop" in walk.keys:
        raise walk.refuse(step, "a second crop")
    size = step.size
    edges = [int(size)] if isinstance(size, int) else [int(edge) for edge in size]
    walk.keys["crop"] = (edges[0], edges[-1])
    fill = getattr(step, "fill", 0)  # timm's CenterCropOrPad has one
    walk.keys["pad_value"] = tuple(float(v) for v in fill) if isinstance(fill, Sequence) else (float(fill or 0),)
    if "mean" in walk.keys:  # the padding of a smaller picture is zero where the numbers are normalised already
        walk.keys["pad_in"] = "blob"


def _to_tensor(walk: Walk, step: Any) -> None:
    walk.picture = "float32"
    walk.seen_tensor = True


def _to_uint8_tensor(walk: Walk, step: Any) -> None:
    walk.seen_tensor = True
    if walk.picture == "pillow":
        walk.picture = "uint8"


def _to_dtype(walk: Walk, step: Any) -> None:
    dtype = step.dtype
    if isinstance(dtype, dict):
        images = [kind for key, kind in dtype.items() if getattr(key, "__name__", key) in ("Image", "Tensor", "others")]
        dtype = images[0] if images else None
    word = str(dtype).removeprefix("torch.")
    if word == "uint8" and walk.picture == "uint8":
        return
    if word != "float32" or walk.picture == "pillow":
        raise walk.refuse(step, f"to {word}" + " before there is a tensor" * (walk.picture == "pillow"))
    if walk.picture == "uint8" and not getattr(step, "scale", True):
        walk.keys["scale"], walk.levels = 1.0, True
    elif walk.picture == "uint8" and ".v2" in type(step).__module__:
        walk.keys["normalize"] = "single"
    walk.picture = "float32"


def _to_pil(walk: Walk, step: Any) -> None:
    if walk.picture == "float32":
        raise walk.refuse(step, "a float tensor loses its numbers there")
    walk.picture = "pillow"


def _normalize(walk: Walk, step: Any) -> None:
    if walk.picture != "float32":
        raise walk.refuse(step, "before the picture is a float tensor")
    if "mean" in walk.keys:
        raise walk.refuse(step, "a second normalisation")
    for key in ("mean", "std"):
        value = getattr(step, key)
        value = value.flatten().tolist() if hasattr(value, "flatten") else value
        walk.keys[key] = tuple(
            _shortest_decimal(number) for number in (value if isinstance(value, Iterable) else [value])
        )


def _shortest_decimal(number: Any) -> float:
    """timm and torchvision hold 0.485 as the float32 0.48500001430511475; rounded once more it is the same float32."""
    import numpy as np

    single = np.float32(number)
    return float(str(single)) if float(number) == float(single) else float(number)


def _gray(walk: Walk, step: Any) -> None:
    if walk.picture != "pillow":
        raise walk.refuse(step, SUM_OF_LUMA)
    walk.keys.update(color="GRAY", channels=int(step.num_output_channels), gray_after_resize="resize" in walk.keys)


def _classification(walk: Walk, preset: Any) -> None:
    """torchvision's presets take tensors too; given the picture of a file they resize it with Pillow."""
    size = preset.resize_size
    if size is not None:
        edges = tuple(int(edge) for edge in size)
        rule: dict[str, Any] = {"resize": "stretch", "resize_size": edges}
        if len(edges) == 1:
            rule, walk.free = {"resize": "shortest", "resize_size": edges[0]}, True
        walk.keys.update(rule, **_filter(walk, preset, True))
    else:
        walk.free = True
    if crop := getattr(preset, "crop_size", None):
        walk.keys["crop"] = (int(crop[0]), int(crop[-1]))
    walk.picture = "float32"
    _normalize(walk, preset)


def _detection(walk: Walk, preset: Any) -> None:
    """Only numbers: the network itself resizes and normalises. Into a net of one size the whole picture is fitted."""
    walk.picture = "float32"
    walk.keys.update(resize="fit", resize_size=walk.size, rounding="round", pad="topleft")


def _whole(walk: Walk) -> None:
    """A resize that follows the picture's shape, into a net of one size: the whole picture, stretched to that size.

    For pictures whose resize gives just this size it is the same, to the bit.
    """
    wanted = walk.keys.get("resize_size")
    if walk.keys.get("resize") == "stretch":
        made = f"{wanted[0]}×{wanted[1]}" if isinstance(wanted, tuple) else wanted
        raise cannot_carry(walk.name, f"it makes {made}, the network takes {walk.size[0]}×{walk.size[1]}; give --input")
    walk.keys.update(resize="stretch", resize_size=walk.size, max_size=None, rounding="truncate")


STEPS = {
    "Resize": _resize,
    "Scale": _resize,
    "ResizeKeepRatio": _resize_keep_ratio,
    "CenterCrop": _center_crop,
    "CenterCropOrPad": _center_crop,
    "ToTensor": _to_tensor,
    "MaybeToTensor": _to_tensor,
    "PILToTensor": _to_uint8_tensor,
    "MaybePILToTensor": _to_uint8_tensor,
    "ToImage": _to_uint8_tensor,
    "ToImageTensor": _to_uint8_tensor,
    "ToPILImage": _to_pil,
    "ToDtype": _to_dtype,
    "ConvertImageDtype": _to_dtype,
    "ConvertDtype": _to_dtype,
    "Normalize": _normalize,
    "Grayscale": _gray,
    "ImageClassification": _classification,
    "SemanticSegmentation": _classification,
    "ObjectDetection": _detection,
}


def read_detection(transform: Any, shape: tuple[int, ...], name: str) -> Preprocess:
    """A detection network's own GeneralizedRCNNTransform, for a network that was exported without it."""
    base = image_input(shape)
    resize: dict[str, Any] = {"resize": "bounds", "resize_size": (int(transform.min_size[-1]), int(transform.max_size))}
    if fixed := getattr(transform, "fixed_size", None):
        resize = {"resize": "stretch", "resize_size": (int(fixed[1]), int(fixed[0]))}
    found = dataclasses.replace(
        base,
        resampler="torch",
        antialias=False,
        resize_dtype="float32",
        pad="topleft",
        pad_in="blob",
        mean=tuple(float(number) for number in transform.image_mean),
        std=tuple(float(number) for number in transform.image_std),
        **resize,
    )
    return fitting(found, shape, name)
