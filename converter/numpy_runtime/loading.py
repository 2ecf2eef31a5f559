"""Reads weights.npz without copying it. Pasted into numpy_model.py: numpy and the standard library only."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, read-only: pages of the file, which the system reads when they are first used.

    Arrays that cannot be seen so (compressed, in Fortran order, not aligned) are read with numpy.load. No pickles.
    """
    pages = np.asarray(np.memmap(str(path), np.uint8, "r"))
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(str(path)) as archive, np.load(str(path), allow_pickle=False) as arrays:
        for entry in archive.infolist():
            name = entry.filename[: -len(".npy")] if entry.filename.endswith(".npy") else entry.filename
            seen = _seen(pages, entry)
            found[name] = arrays[name] if seen is None else seen
    return found


def _seen(pages: np.ndarray, entry: zipfile.ZipInfo) -> np.ndarray | None:
    """A stored array where it lies in the file."""
    if entry.compress_type != zipfile.ZIP_STORED:
        return None
    head = entry.header_offset + 30  # a local header has 30 bytes, then the name, then extra fields
    name_length, extra_length = struct.unpack("<HH", pages[head - 4 : head].tobytes())
    start = head + name_length + extra_length
    text = io.BytesIO(pages[start : start + min(entry.file_size, 4096)].tobytes())
    if np.lib.format.read_magic(text) != (1, 0):
        return None
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(text)
    data = pages[start + text.tell() : start + entry.file_size]
    if fortran or dtype.hasobject or data.ctypes.data % dtype.alignment:
        return None
    array: np.ndarray = data.view(dtype).reshape(shape)
    return array


def widened(weight: np.ndarray) -> np.ndarray:
    """Weights that are stored in half precision, in the precision that they are used in."""
    return weight.astype(np.float32)
