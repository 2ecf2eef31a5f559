"""What the network is fed with: input shapes from the user, and the real photographs that it is proven on."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.backends import Arrays
from converter.errors import InputError
from converter.export import Input
from converter.preprocess import Preprocess
from converter.resources import resource

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "float64", "float16", "int64", "int32", "uint8", "bool")


def parse_shape(text: str) -> tuple[tuple[int, ...], str]:
    """Shape and dtype of "1x3x224x224" or "1x77:int64". Raises InputError for anything else."""
    match = re.fullmatch(r"(\d+(?:[x,]\d+)*)(?::(\w+))?", text.strip().lower().replace(" ", ""))
    shape = tuple(int(size) for size in re.split("[x,]", match[1])) if match else ()
    dtype = (match[2] or "float32") if match else ""
    if match is None or 0 in shape or dtype not in DTYPES or math.prod(shape) > 2**31:
        raise InputError(
            f"{text!r} is not an input shape",
            measured="expected sizes joined by x, batch first, all above zero, with a dtype where it is not float32",
            do=("for an image: --input 1x3x224x224", "for token ids: --input 1x77:int64"),
        )
    return shape, dtype


def read_example(
    example: Any, module: torch.nn.Module, hint: Sequence[int] | None = None
) -> tuple[tuple[Input, ...], dict[str, np.ndarray]]:
    """The network's inputs, and the arrays that the user gave for them (empty when only shapes were given).

    `example`: None, a shape as text or as integers, a tensor or an array; or a list of such, one per input. None takes
    `hint`, or an image of 224x224 with as many channels as the first convolution reads.
    """
    if example is None:
        example = [tuple(hint) if hint else (1, _channels(module), 224, 224)]
    elif isinstance(example, str) or hasattr(example, "shape") or _is_shape(example):
        example = [example]
    names = _names(module, len(example))
    inputs: list[Input] = []
    arrays: dict[str, np.ndarray] = {}
    for name, given in zip(names, example, strict=True):
        if isinstance(given, str):
            inputs.append(Input(name, *parse_shape(given)))
        elif hasattr(given, "shape"):
            arrays[name] = np.asarray(given.detach().cpu().numpy() if hasattr(given, "detach") else given)
            inputs.append(Input(name, tuple(arrays[name].shape), arrays[name].dtype.name))
        elif _is_shape(given):
            inputs.append(Input(name, tuple(int(size) for size in given)))
        else:
            raise InputError(
                f"{given!r} is not an example input",
                measured=f"found {type(given).__name__}; expected a shape, a tensor or an array",
                do=("example=(1, 3, 224, 224)", "example=torch.randn(1, 3, 224, 224)"),
            )
    return tuple(inputs), arrays if len(arrays) == len(inputs) else {}


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(size, int) for size in value)


def _channels(module: torch.nn.Module) -> int:
    """The channels that the first convolution reads; 3 when there is none."""
    for part in module.modules():
        channels = getattr(part, "in_channels", None)
        if isinstance(channels, int):
            return channels
    return 3


def _names(module: torch.nn.Module, count: int) -> list[str]:
    """ "input" for one, forward()'s own parameter names for several."""
    if count == 1:
        return ["input"]
    parameters = [
        name
        for name, parameter in inspect.signature(module.forward).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return parameters[:count] if len(parameters) >= count else [f"input_{i}" for i in range(count)]


def picture_input(inputs: Sequence[Input]) -> Input | None:
    """The one input that is a picture, or None when the network reads something else.

    A picture is float32 or uint8, batch x 1 or 3 channels x height x width, or batch x height x width x 3.
    """
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].dtype not in ("float32", "uint8"):
        return None
    return inputs[0] if inputs[0].shape[1] in (1, 3) or inputs[0].shape[3] == 3 else None


def photos(inputs: Sequence[Input], preprocess: Preprocess | None) -> dict[str, Arrays]:
    """Real photographs as the deployment will see them: through the preprocessing, or as plain numbers without one."""
    pictures = {
        path.stem: read_picture(path.read_bytes()) for path in sorted(resource("model_zoo").glob("photos/*.png"))
    }
    if not pictures:
        raise FileNotFoundError(f"no photograph in {resource('model_zoo')}/photos: the installation is damaged")
    found: dict[str, Arrays] = {}
    for name, picture in pictures.items():
        for title, image in ((name, picture), (f"{name} mirrored", np.ascontiguousarray(picture[:, ::-1]))):
            if preprocess is not None:
                blob = preprocess.apply(image)
                found[title] = {inputs[0].name: np.repeat(blob, inputs[0].shape[0], axis=0)}
            else:
                found[title] = {given.name: _as_numbers(image, given) for given in inputs}
    return found


def _as_numbers(image: np.ndarray, given: Input) -> np.ndarray:
    """The picture's pixels, normalised and repeated to fill an input that is no image."""
    if np.dtype(given.dtype).kind != "f":
        return given.draw(13)
    pixels = image.astype(np.float64)
    filled = np.resize((pixels - pixels.mean()) / pixels.std(), given.shape)
    return filled.astype(given.dtype)


def read_picture(data: bytes) -> np.ndarray:
    """uint8 HxWx3 BGR of an encoded picture."""
    import cv2

    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


def read_labels(labels: Any) -> list[str] | None:
    """Labels from a list, a text file (one a line) or a JSON file (a list, or an object from index to label).

    Raises InputError when the file cannot be read as such.
    """
    import json
    from pathlib import Path

    if labels is None:
        return None
    if not isinstance(labels, str | Path):
        return [str(label) for label in labels]
    path = Path(labels)
    problem = "a text file with one label a line, or a JSON list"
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() != ".json":
            return text.splitlines()
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the labels cannot be read from {path}",
            measured=f"{type(error).__name__}: {error}; expected {problem}",
            do=("give another file: --labels labels.txt",),
        ) from error
    if isinstance(found, Mapping) and sorted(found, key=str) == sorted((str(i) for i in range(len(found))), key=str):
        return [str(found[str(i)]) for i in range(len(found))]
    if isinstance(found, list):
        return [str(label) for label in found]
    raise InputError(
        f"the labels cannot be read from {path}",
        measured=f"found a JSON {type(found).__name__}; expected {problem}",
        do=('write ["cat", "dog"], or {"0": "cat", "1": "dog"}',),
    )
