"""What the command line names: pictures, folders, globs, videos, cameras, arrays; and where results are written."""

from __future__ import annotations

import glob
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import UsageError
from converter.deploy_runtime.backends import brief, require_cv2
from converter.deploy_runtime.pictures import decode_picture, is_pnm

# ruff: noqa: PTH207 - Path.glob takes no absolute pattern

IMAGE_SUFFIXES = {
    ".avif", ".bmp", ".dib", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
}  # fmt: skip
VIDEO_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
ARRAY_SUFFIXES = {".npy", ".npz"}


@dataclass(frozen=True)
class Source:
    """One thing to run on. kind: "image", "video", "camera" or "array"."""

    kind: str
    text: str

    def result_name(self) -> str:
        """The name of the file that shows its result."""
        path = Path(self.text)
        if self.kind == "camera":
            return f"camera{self.text}.mp4"
        if self.kind == "image":
            return (
                path.name if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".webp") else path.stem + ".png"
            )
        return path.stem + {"video": ".mp4", "array": ".npz"}[self.kind]


def find_sources(texts: Sequence[str], pictures: bool) -> list[Source]:
    """The sources that the arguments name, in order; of a folder its pictures (or arrays), sorted by name.

    pictures: whether the network takes pictures. Raises UsageError for what does not exist or cannot be meant.
    """
    found: list[Source] = []
    for text in texts:
        path = Path(text)
        if path.is_dir():
            wanted = IMAGE_SUFFIXES if pictures else ARRAY_SUFFIXES
            inside = sorted(str(entry) for entry in path.iterdir() if entry.suffix.lower() in wanted)
            if not inside:
                raise UsageError(f"the folder {text} holds no {'pictures' if pictures else '.npy or .npz files'}")
            found += [_source(name, pictures) for name in inside]
        elif path.exists():
            found.append(_source(text, pictures))
        elif text.isdecimal() and pictures:
            found.append(Source("camera", text))
        elif glob.has_magic(text):
            names = glob.glob(text, recursive=True)
            matches = sorted(name for name in names if Path(name).is_file())
            if not matches:
                raise UsageError(f"no file matches {text}")
            found += [_source(name, pictures) for name in matches]
        else:
            raise UsageError(f"there is no file {text}")
    return found


def _source(text: str, pictures: bool) -> Source:
    suffix = Path(text).suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        return Source("array", text)
    if not pictures:
        raise UsageError(f"{text} is no .npy or .npz file: this network was converted without preprocessing")
    return Source("video" if suffix in VIDEO_SUFFIXES else "image", text)


def result_paths(out: str | None, sources: Sequence[Source]) -> list[Path | None]:
    """Where each source's result is written: `out` itself for one source, files in the folder `out` for several.

    A folder is made when there is none. Raises UsageError when that fails or a source would be overwritten.
    """
    if out is None:
        return [None] * len(sources)
    folder = Path(out)
    single = len(sources) == 1 and not folder.is_dir() and bool(folder.suffix) and not out.endswith(("/", os.sep))
    try:
        (folder.parent if single else folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"nothing can be written to {out} ({error.strerror or error})") from error
    paths: list[Path | None] = []
    for source in sources:
        path = folder if single else folder / source.result_name()
        number = 1
        while path in paths:  # two sources of one name, from different folders
            number += 1
            path = folder / f"{Path(source.result_name()).stem}_{number}{Path(source.result_name()).suffix}"
        if any(other.kind != "camera" and path.resolve() == Path(other.text).resolve() for other in sources):
            raise UsageError(f"-o {out} would overwrite the input {path}")
        paths.append(path)
    return paths


def read_image(path: str, preprocess: Any = None) -> np.ndarray:
    """uint8 (H, W, 3) BGR, opened as the training opened its pictures; preprocess: Preprocess.to_dict(), None for Pillow's.

    exif: whether the picture is turned upright by its EXIF orientation. loader: 16 bits of grey are cut off at 255 as
    Pillow's convert("RGB") does ("pillow"), or lose their lower 8 bits as in cv2.imread ("opencv"); those of colours lose
    their lower 8 bits in both. Alpha is dropped, not blended; palettes become colours; CMYK becomes RGB within a level of
    Pillow's. PNG and the like are Pillow's pixels; JPEG's too where both were built with the same decoder.
    PNG, BMP and PNM need no cv2. Raises ValueError for what cannot be read, OSError when nobody can.
    """
    opened = preprocess or {"exif": False, "loader": "pillow"}
    data = np.fromfile(path, np.uint8)  # not cv2.imread: that opens other names than ASCII on some systems only
    if not data.size:
        raise ValueError("the file is empty")
    image = _opened(data, bool(opened["exif"]), opened["loader"] == "pillow")
    if image.dtype == np.uint16:
        clips = image.ndim == 2 and opened["loader"] == "pillow"
        image = (np.minimum(image, 255) if clips else image >> 8).astype(np.uint8)
    return image[:, :, :3] if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)


def _opened(data: np.ndarray, exif: bool, pillow: bool) -> np.ndarray:
    """uint8 or uint16, grey, BGR or BGRA. `pillow`: as Pillow reads it, where cv2 does otherwise (PNM of few levels)."""
    if pillow and is_pnm(data[:3].tobytes()):
        return decode_picture(data.tobytes())
    try:
        import cv2
    except ImportError:
        if exif and b"eXIf" in data.tobytes():
            raise ValueError("a picture with an orientation is not read without cv2") from None
        return decode_picture(data.tobytes())
    upright = 0 if exif else cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | upright)
    if image is not None and image.dtype not in (np.uint8, np.uint16):
        image = cv2.imdecode(data, cv2.IMREAD_COLOR | upright)  # numbers of other kinds, as OpenCV makes levels of them
    if image is None:
        raise ValueError("not a picture that OpenCV can read")
    return np.asarray(image)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write the picture, the format by its suffix. Raises ValueError for a suffix without a format, OSError."""
    require_cv2("writing a picture")
    import cv2

    try:
        done, data = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise ValueError(f"OpenCV cannot write {path.suffix or 'a file without a suffix'} ({brief(error)})") from error
    if not done:
        raise ValueError(f"OpenCV cannot write {path}")
    path.write_bytes(data.tobytes())


def read_arrays(path: str) -> Any:
    """The array of an .npy file, or the arrays by name of an .npz file. Raises ValueError or OSError."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except (EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"not an array that NumPy can read ({brief(error)})") from error
