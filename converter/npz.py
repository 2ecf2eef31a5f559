"""Writes .npz files whose bytes depend on their arrays alone (numpy.savez writes the time of day into them)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def save_npz(path: Path, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """`arrays` by name, as `numpy.load(path, allow_pickle=False)` reads them. Object arrays raise ValueError.

    Each array that is not compressed begins at a multiple of 64 bytes in the file: it can be used where it lies.
    """
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method, allowZip64=True) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            if not compressed:
                entry.extra = _padding(archive.start_dir + 30 + len(entry.filename.encode()))
            archive.writestr(entry, buffer.getvalue())


_ALIGNMENT, _FIELD = 64, 0xD935
"""The number of the extra field that other tools pad zip archives with."""


def _padding(position: int) -> bytes:
    """An extra field that ends at a multiple of the alignment when it begins at `position`."""
    length = -position % _ALIGNMENT
    length += _ALIGNMENT if length < 4 else 0
    return struct.pack("<HH", _FIELD, length - 4) + bytes(length - 4)
