"""PNG, BMP and PNM files read with NumPy alone, for boards without cv2.

Sources: the PNG specification (W3C, third edition), Netpbm's format pages, Microsoft's description of BITMAPINFOHEADER.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

import numpy as np

MOST_PIXELS = 1 << 30  # as cv2.imread: a header may claim anything


def decode_picture(data: bytes) -> np.ndarray:
    """uint8 or uint16: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA. Raises ValueError for what it cannot read."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return decode_png(data)
        if data[:2] == b"BM":
            return decode_bmp(data)
        if is_pnm(data):
            return decode_pnm(data)
    except (struct.error, zlib.error, IndexError) as error:
        raise ValueError(f"the picture is damaged ({error})") from error
    raise ValueError("not a PNG, BMP or PNM picture, and there is no cv2 to read others with")


def _sized(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"a picture of {width}x{height} pixels cannot be read")


def _backwards(colors: np.ndarray) -> np.ndarray:
    """RGB(A) to BGR(A)."""
    return np.ascontiguousarray(colors[..., [2, 1, 0, *range(3, colors.shape[-1])]])


def _unpacked(packed: np.ndarray, bits: int, width: int) -> np.ndarray:
    """(rows, bytes) of 1, 2 or 4 bits a pixel to (rows, width), the highest bits first."""
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return (packed[:, :, np.newaxis] >> shifts & (1 << bits) - 1).reshape(len(packed), -1)[:, :width]


# --- PNG ---------------------------------------------------------------------------------------------------------------

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # Adam7


def decode_png(data: bytes) -> np.ndarray:
    """Every colour type, depth and interlacing. Palettes become colours, their transparency alpha."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    _sized(width, height)
    if kind not in CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise ValueError(f"a PNG of colour type {kind} with {depth} bits does not exist")
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(data) and b"IEND" not in chunks:
        (length,) = struct.unpack(">I", data[place : place + 4])
        name = data[place + 4 : place + 8]
        chunks[name] = chunks.get(name, b"") + data[place + 8 : place + 8 + length]
        place += 12 + length
    raw = np.frombuffer(zlib.decompress(chunks.get(b"IDAT", b"")), np.uint8)
    found = np.zeros((height, width, CHANNELS[kind]), np.uint16 if depth == 16 else np.uint8)
    used = 0
    for top, left, down, right in PASSES if interlaced else ((0, 0, 1, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // right)
        if rows > 0 and columns > 0:
            length = 1 + (columns * CHANNELS[kind] * depth + 7) // 8
            lines = raw[used : used + rows * length].reshape(rows, length)
            used += rows * length
            found[top::down, left::right] = _pixels(_unfiltered(lines, depth, kind), depth, kind, columns)
    return _colored(found, depth, kind, chunks)


def _unfiltered(lines: np.ndarray, depth: int, kind: int) -> np.ndarray:
    """The bytes of the rows, each of which was stored as a difference from its neighbours."""
    step = max(1, CHANNELS[kind] * depth // 8)
    filters, coded = lines[:, 0], lines[:, 1:]
    made = np.zeros_like(coded)
    above = np.zeros(coded.shape[1], np.uint8)
    for number, method in enumerate(filters):
        row = coded[number].copy()
        if method == 1:
            for lane in range(step):
                row[lane::step] = np.cumsum(row[lane::step], dtype=np.uint8)
        elif method == 2:
            row += above
        elif method in (3, 4):
            row = _from_both(row.tolist(), above.tolist(), step, method == 4)
        elif method != 0:
            raise ValueError(f"the picture is damaged (a PNG has no filter {method})")
        made[number] = above = row
    return made


def _from_both(row: list[int], above: list[int], step: int, paeth: bool) -> np.ndarray:
    """Differences from a value that depends on the pixel before, so that it goes byte by byte: the mean, or Paeth's."""
    left, corner = [0] * step + row, [0] * step + above
    for at, up in enumerate(above):
        before = left[at]
        if paeth:
            diagonal = corner[at]
            a, b, c = abs(up - diagonal), abs(before - diagonal), abs(before + up - 2 * diagonal)
            guess = before if a <= b and a <= c else up if b <= c else diagonal
        else:
            guess = (before + up) // 2
        left[at + step] = (row[at] + guess) & 255
    return np.array(left[step:], np.uint8)


def _pixels(rows: np.ndarray, depth: int, kind: int, columns: int) -> np.ndarray:
    if depth < 8:
        return _unpacked(rows, depth, columns)[:, :, np.newaxis]
    if depth == 16:
        rows = rows.reshape(len(rows), -1, 2)
        rows = rows[:, :, 0].astype(np.uint16) << 8 | rows[:, :, 1]
    return rows.reshape(len(rows), columns, CHANNELS[kind])


def _colored(found: np.ndarray, depth: int, kind: int, chunks: dict[bytes, bytes]) -> np.ndarray:
    if kind == 3:
        palette = np.zeros((256, 4), np.uint8)
        colors = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
        palette[: len(colors), :3], palette[:, 3] = colors, 255
        alpha = np.frombuffer(chunks.get(b"tRNS", b""), np.uint8)
        palette[: len(alpha), 3] = alpha
        return _backwards(palette[found[:, :, 0]])
    if depth < 8:
        found = found * np.uint8(255 // ((1 << depth) - 1))
    if kind == 4:
        found = found[:, :, [0, 0, 0, 1]]
    return found[:, :, 0] if found.shape[2] == 1 else _backwards(found)


# --- BMP ---------------------------------------------------------------------------------------------------------------


def decode_bmp(data: bytes) -> np.ndarray:
    """Uncompressed: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, also with masks."""
    start, size = struct.unpack("<II", data[10:18])
    if size < 40:
        raise ValueError("a BMP older than Windows 3 is not read without cv2")
    width, rows, _, bits, packing, _, _, _, used = struct.unpack("<iiHHIIiiI", data[18:50])
    height = abs(rows)
    _sized(width, height)
    if packing not in (0, 3, 6) or bits not in (1, 4, 8, 16, 24, 32):
        raise ValueError(f"a BMP of {bits} bits, packed in way {packing}, is not read without cv2")
    stride = (width * bits + 31) // 32 * 4
    lines = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)
    lines = lines if rows < 0 else lines[::-1]
    if bits <= 8:
        count = used or 1 << bits
        palette = np.zeros((256, 4), np.uint8)
        palette[:count] = np.frombuffer(data, np.uint8, 4 * count, 14 + size).reshape(count, 4)
        return palette[_unpacked(lines, bits, width) if bits < 8 else lines[:, :width]][:, :, :3]
    if bits == 24:
        return np.ascontiguousarray(lines[:, : 3 * width]).reshape(height, width, 3)
    numbers = np.ascontiguousarray(lines[:, : bits // 8 * width]).view("<u2" if bits == 16 else "<u4")
    usual = (0x7C00, 0x3E0, 0x1F) if bits == 16 else (0xFF0000, 0xFF00, 0xFF)
    masks = struct.unpack("<III", data[54:66]) if packing in (3, 6) else usual
    return np.stack([_masked(numbers, mask) for mask in reversed(masks)], axis=2)


def _masked(numbers: np.ndarray, mask: int) -> np.ndarray:
    if mask == 0:
        return np.zeros(numbers.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    return (((numbers & mask) >> shift) * (255 / (mask >> shift))).astype(np.uint8)


# --- PNM ---------------------------------------------------------------------------------------------------------------


def is_pnm(data: bytes) -> bool:
    return re.match(rb"P[1-6]\s", data[:3]) is not None


def decode_pnm(data: bytes) -> np.ndarray:
    """P1 to P6: bits, grey and colours, as text or bytes; levels are scaled to 255 (grey of more than 255 to 65535)."""
    kind = int(data[1:2])
    place = 2
    header: list[int] = []
    while len(header) < (2 if kind in (1, 4) else 3):
        found = re.compile(rb"(?:\s|#[^\n]*\n)*(\d+)").match(data, place)
        if found is None:
            raise ValueError("the picture is damaged (a PNM without its sizes)")
        header.append(int(found[1]))
        place = found.end()
    width, height = header[:2]
    _sized(width, height)
    top = 1 if kind in (1, 4) else header[2]
    if not 0 < top < 65536:
        raise ValueError(f"a PNM with levels up to {top} does not exist")
    channels = 3 if kind in (3, 6) else 1
    numbers = _pnm_numbers(data, place, kind, (height, width, channels), top)
    full = 255 if top < 256 or channels == 3 else 65535
    if top != full:
        numbers = np.rint(np.minimum(numbers, top) / top * full)
    if top == 1 and kind in (1, 4):
        numbers = 255 - numbers  # of bits, 1 is black
    found_levels = numbers.astype(np.uint8 if full == 255 else np.uint16)
    return found_levels[:, :, 0] if channels == 1 else _backwards(found_levels)


def _pnm_numbers(data: bytes, place: int, kind: int, shape: Any, top: int) -> np.ndarray:
    height, width, channels = shape
    count = height * width * channels
    if kind <= 3:
        text = re.sub(rb"#[^\n]*", b"", data[place:])
        words = re.findall(rb"[01]", text) if kind == 1 else text.split()
        if len(words) < count:
            raise ValueError(f"the picture is damaged ({len(words)} of {count} numbers)")
        return np.array(words[:count], np.int64).reshape(shape)
    place += 1  # one white space ends the header
    if kind == 4:
        stride = (width + 7) // 8
        return _unpacked(_taken(data, place, np.uint8, stride * height).reshape(height, stride), 1, width)[
            :, :, np.newaxis
        ]
    return _taken(data, place, np.dtype(np.uint8 if top < 256 else ">u2"), count).reshape(shape)


def _taken(data: bytes, place: int, dtype: Any, count: int) -> np.ndarray:
    there = (len(data) - place) // np.dtype(dtype).itemsize
    if there < count:
        raise ValueError(f"the picture is damaged ({max(there, 0)} of {count} numbers)")
    return np.frombuffer(data, dtype, count, place)
