"""What every reader needs: the network's input, and the refusal of what cannot be carried over."""

from __future__ import annotations

from converter.errors import PreprocessError
from converter.preprocess.spec import Preprocess


def image_input(shape: tuple[int, ...]) -> Preprocess:
    """The plainest preprocessing for an input of this shape: size, colours and layout; divided by 255, nothing resized.

    Raises PreprocessError where the network takes no pictures.
    """
    if len(shape) == 4 and shape[1] in (1, 3):
        channels, size, layout = shape[1], (shape[2], shape[3]), "NCHW"
    elif len(shape) == 4 and shape[3] in (1, 3):
        channels, size, layout = shape[3], (shape[1], shape[2]), "NHWC"
    else:
        raise PreprocessError(
            "a preprocessing needs an input that takes pictures",
            measured=f"the input has shape {'×'.join(map(str, shape)) or '()'}, not batch×3×height×width or "
            "batch×1×height×width (or with the channels last)",
            do=("leave --preprocess out: deploy.py then takes .npy arrays",),
        )
    return Preprocess(
        size=size,
        color="RGB" if channels == 3 else "GRAY",
        channels=channels,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        layout="NCHW" if layout == "NCHW" else "NHWC",
    )


def fitting(found: Preprocess, shape: tuple[int, ...], name: str) -> Preprocess:
    """`found`, if it makes what the network takes. Raises PreprocessError, with `name`, if not."""
    wanted = image_input(shape)
    if (found.channels, found.size, found.layout) != (wanted.channels, wanted.size, wanted.layout):
        raise PreprocessError(
            f"{name} does not fit the network",
            measured=f"it makes {found.channels}×{found.size[0]}×{found.size[1]} (channels, height, width; {found.layout}), "
            f"the network takes {wanted.channels}×{wanted.size[0]}×{wanted.size[1]} ({wanted.layout})",
            do=("correct color and size in the file, or leave them out", "or give the right --input"),
        )
    return found


def cannot_carry(name: str, measured: str) -> PreprocessError:
    """The error for a step that has no counterpart here."""
    return PreprocessError(
        f"{name} cannot be carried over",
        measured=measured,
        do=(
            "give the transform of the evaluation, without augmentation",
            "or write a .json or .toml file with the keys of a preprocessing: --preprocess my.toml",
            "or feed .npy arrays",
        ),
    )
