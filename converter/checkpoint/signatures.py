"""Recognising file formats from their first bytes: those that people hand over by mistake, ONNX and Torch7."""

from __future__ import annotations

import os
import re
import struct
from typing import IO

HEAD = 4096
"""Bytes that the functions here want to see of a file."""

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)  # fmt: skip
_PACKED = (
    (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)  # fmt: skip
_OTHERS = (
    (b"\x93NUMPY", "numpy", ".npy"),
    (b"\x89HDF\r\n\x1a\n", "keras", "HDF5"),
    (b"GGUF", "other-framework", "GGUF (llama.cpp)"),
    (b"%PDF", "other", "a PDF document"),
    (b"\x7fELF", "other", "an ELF program or library"),
)
_TORCH7_SPAN = 1 << 20  # no table of a real network has more entries or longer names


def image(head: bytes) -> str | None:
    """The image format, or None."""
    for magic, name in _IMAGES:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    return None


def packed(head: bytes) -> str | None:
    """The name of the compression, or None."""
    return next((name for magic, name in _PACKED if head.startswith(magic)), None)


def other(head: bytes) -> tuple[str, str] | None:
    """(kind, detail) of formats that are told by their first bytes alone, or None."""
    for magic, kind, detail in _OTHERS:
        if head.startswith(magic):
            return kind, detail
    if head[4:8] == b"TFL3":
        return "other-framework", "TensorFlow Lite"
    if _tensorflow(head):
        return "tensorflow", "a frozen GraphDef"
    return None


def torch7(head: bytes) -> str | None:
    """What a Lua Torch7 file holds at its top ("nn.Sequential", "a table"), or None when it is no such file.

    The format is a tree of tagged objects: an int32 tag (3 table, 4 Torch object), an int32 index, then for a Torch
    object its version string "V 1" and its class, each with an int32 length in front. The text form writes the same,
    a line for each.
    """
    text = re.match(rb"4\n\d+\n\d+\nV \d+\n\d+\n([\w.]+)\n", head)
    if text:
        return text.group(1).decode()
    if re.match(rb"3\n\d+\n\d+\n[1-5]\n", head):
        return "a table"
    if len(head) < 16:
        return None
    tag, index, length = struct.unpack_from("<iii", head)
    if tag == 4 and index >= 1 and length == 3 and re.fullmatch(rb"V \d", head[12:15]):
        (size,) = struct.unpack_from("<i", head, 15)
        name = head[19 : 19 + size] if 0 < size < 200 else b""
        return name.decode() if re.fullmatch(rb"[\w.]+", name) else None
    if tag == 3 and index == 1 and 0 <= length < _TORCH7_SPAN:
        (key,) = struct.unpack_from("<i", head, 12)
        return "a table" if _torch7_key(key, head[16:]) else None
    return None


def _torch7_key(tag: int, rest: bytes) -> bool:
    """True when a table's first key is what Lua programs use: a whole number or a name."""
    if tag == 1 and len(rest) >= 8:
        (number,) = struct.unpack_from("<d", rest)
        return bool(1 <= number < _TORCH7_SPAN and number == int(number))
    if tag == 2 and len(rest) >= 4:
        (size,) = struct.unpack_from("<i", rest)
        return 0 < size < 200 and rest[4 : 4 + size].isascii() and len(rest) >= 4 + size
    return False


def onnx(stream: IO[bytes], size: int) -> str | None:
    """ "" for an ONNX model, "truncated" for the beginning of one, None for anything else.

    Walks the top-level fields of the ModelProto (onnx.proto): ir_version (1) comes first, graph (7) must be there.
    """
    stream.seek(0)
    if stream.read(1) != b"\x08":
        return None
    ir_version = _varint(stream)
    if ir_version is None or not 1 <= ir_version <= 64:
        return None
    graph = False
    while stream.tell() < size:
        tag = _varint(stream)
        if tag is None:
            return "truncated" if graph else None
        field, wire = tag >> 3, tag & 7
        if field not in {2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26} or wire not in {0, 2}:
            return None
        length = _varint(stream)
        if length is None:
            return "truncated" if graph else None
        graph |= field == 7 and wire == 2
        if wire == 2:
            if stream.tell() + length > size:
                return "truncated" if graph else None
            stream.seek(length, os.SEEK_CUR)
    return "" if graph else None


def _varint(stream: IO[bytes]) -> int | None:
    """A protobuf base-128 number, or None at the end of the file."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None


def _tensorflow(head: bytes) -> bool:
    """True when the file begins like a GraphDef: a NodeDef (1) whose name (1) and op (2) are words."""
    return bool(re.match(rb"\n.{1,3}?\n.[\w./\-:]+\x12.[A-Z]\w+", head, re.DOTALL))


def text(head: bytes) -> str | None:
    """The beginning as text, or None when the bytes are none. A character that the cut broke is forgiven."""
    if b"\x00" in head:
        return None
    for cut in range(4):
        try:
            decoded = head[: len(head) - cut].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        printable = sum(character.isprintable() or character in "\r\n\t\f" for character in decoded)
        return decoded if decoded and printable >= 0.99 * len(decoded) else None
    return None
