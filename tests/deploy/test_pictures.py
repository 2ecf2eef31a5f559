"""Pictures read with NumPy alone: the pixels that Pillow reads, and what a deployment without cv2 can do."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from converter.deploy_runtime import sources
from converter.deploy_runtime.pictures import decode_picture
from tests.deploy_bundle import write_bundle

KINDS = ["RGB", "L", "1", "P", "LA", "RGBA", "I;16"]


def picture(kind, rng, shape=(13, 17)):
    colors = Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    if kind == "I;16":
        return Image.fromarray(rng.integers(0, 65536, shape, dtype=np.uint16))
    if kind == "LA":
        return Image.merge("LA", [colors.convert("L"), colors.getchannel(0)])
    if kind == "RGBA":
        return Image.merge("RGBA", [*colors.split(), colors.getchannel(1)])
    return colors.quantize(16) if kind == "P" else colors.convert(kind)


def encoded(image, suffix, **options):
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


def as_pillow(data):
    """Pillow's pixels in our order."""
    with Image.open(io.BytesIO(data)) as image:
        array = np.asarray(image if image.mode in ("L", "I", "I;16") else image.convert("RGB"))
    return array if array.ndim == 2 else array[:, :, ::-1]


@pytest.mark.parametrize("shape", [(13, 17), (1, 1), (40, 3)])
@pytest.mark.parametrize("suffix", ["PNG", "BMP", "PPM"])
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_pillows(kind, suffix, shape, rng):
    try:
        data = encoded(picture(kind, rng, shape), suffix)
    except OSError as error:
        assert "cannot write mode" in str(error)
        assert (kind, suffix) in {(k, s) for k in ("LA", "RGBA", "P", "I;16") for s in ("BMP", "PPM")}
        return
    found, wanted = decode_picture(data), as_pillow(data)
    found = found if wanted.ndim == 3 or found.ndim == 2 else found[:, :, 0]
    if wanted.ndim == 3 and found.ndim == 2:
        found = np.repeat(found[:, :, np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(found[:, :, :3] if found.ndim == 3 else found, wanted)


def png(pixels, depth, kind, method, interlaced=False, extra=b""):
    """A PNG whose rows all have the filter `method`: written out by the specification, byte by byte."""
    height, width, channels = pixels.shape
    raw = b""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    for top, left, down, right in passes if interlaced else ((0, 0, 1, 1),):
        part = pixels[top::down, left::right]
        if part.size == 0:
            continue
        above = [0] * ((part.shape[1] * channels * depth + 7) // 8)
        step = max(1, channels * depth // 8)
        for row in part:
            bits = "".join(format(int(number), f"0{depth}b") for number in row.ravel())
            bits += "0" * (-len(bits) % 8)
            line = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
            coded = []
            for at, value in enumerate(line):
                a = line[at - step] if at >= step else 0
                b, c = above[at], above[at - step] if at >= step else 0
                distances = [abs(a + b - c - guess) for guess in (a, b, c)]
                paeth = (a, b, c)[distances.index(min(distances))]
                coded.append((value - (0, a, b, (a + b) // 2, paeth)[method]) % 256)
            raw += bytes([method, *coded])
            above = line

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    body = chunk(b"IDAT", zlib.compress(raw)[:9]) + chunk(b"IDAT", zlib.compress(raw)[9:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("method", range(5))
@pytest.mark.parametrize(
    ("depth", "kind"), [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 4), (16, 4), (8, 6), (16, 6)]
)
def test_every_form_of_png(depth, kind, method, interlaced, rng):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    pixels = rng.integers(0, 1 << depth, (11, 13, channels))
    found = decode_picture(png(pixels, depth, kind, method, interlaced))
    assert found.dtype == (np.uint16 if depth == 16 else np.uint8)
    scaled = pixels * (1 if depth >= 8 else 255 // ((1 << depth) - 1))
    order = {1: 0, 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    np.testing.assert_array_equal(found, scaled[:, :, order])


@pytest.mark.parametrize("top", [1, 7, 100, 255, 300, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_levels_of_a_pnm_are_scaled_as_pillow_does(kind, top, rng, tmp_path):
    """cv2.imread leaves the levels of such a file as they are: another picture than the training saw."""
    channels = 3 if kind in (3, 6) else 1
    pixels = rng.integers(0, top + 1, (4, 5, channels))
    text = " ".join(map(str, pixels.ravel())).encode()
    body = text if kind < 4 else pixels.astype("u1" if top < 256 else ">u2").tobytes()
    data = b"P%d # a comment\n# another\n5 4\n%d\n" % (kind, top) + body
    np.testing.assert_array_equal(decode_picture(data), as_pillow(data))
    (tmp_path / "x.pnm").write_bytes(data)
    with Image.open(tmp_path / "x.pnm") as image:
        shown = np.asarray(image.convert("RGB"))[:, :, ::-1]
    np.testing.assert_array_equal(sources.read_image(str(tmp_path / "x.pnm")), shown)


@pytest.mark.parametrize(
    ("bits", "masks"),
    [(16, None), (16, (0xF800, 0x7E0, 0x1F)), (32, None), (32, (0xFF000000, 0xFF0000, 0xFF00))],
)
@pytest.mark.parametrize("upside_down", [False, True])
def test_masks_of_a_bmp(bits, masks, upside_down, rng):
    numbers = rng.integers(0, 1 << bits, (6, 4), dtype=np.uint64).astype("<u2" if bits == 16 else "<u4")
    data = numbers.tobytes()
    table = struct.pack("<III", *masks) if masks else b""
    head = struct.pack(
        "<IiiHHIIiiII", 40, 4, -6 if upside_down else 6, 1, bits, 3 if masks else 0, len(data), 0, 0, 0, 0
    )
    file = b"BM" + struct.pack("<IHHI", 14 + 40 + len(table) + len(data), 0, 0, 54 + len(table)) + head + table + data
    wanted = as_pillow(file)
    np.testing.assert_allclose(decode_picture(file).astype(int), wanted.astype(int), atol=0 if bits == 32 else 1)
    assert (decode_picture(file)[0] != wanted[-1]).any()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xd8\xff\xe0 a JPEG", "not a PNG, BMP or PNM picture"),
        (b"P6\n5 4\n255\nab", "2 of 60 numbers"),
        (b"P2\n2 2\n255\n1 2 3", "3 of 4 numbers"),
        (b"P5\n99999 99999\n255\n", "99999x99999"),
        (b"P5\n1 1\n70000\n\0\0", "levels up to 70000"),
        (b"P5\nxx", "without its sizes"),
        (encoded(Image.new("RGB", (4, 4)), "PNG")[:50], "damaged"),
        (encoded(Image.new("RGB", (4, 4)), "BMP")[:60], "smaller|damaged"),
    ],
)
def test_what_cannot_be_read_is_said(data, words):
    with pytest.raises(ValueError, match=words):
        decode_picture(data)


def test_without_cv2_the_same_pixels(tmp_path, rng, monkeypatch):
    wanted = {}
    for kind in KINDS:
        path = tmp_path / f"{kind.replace(';', '')}.png"
        picture(kind, rng).save(path)
        wanted[path] = sources.read_image(str(path))
    jpeg = tmp_path / "x.jpg"
    cv2.imwrite(str(jpeg), np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "cv2", None)
    for path, pixels in wanted.items():
        np.testing.assert_array_equal(sources.read_image(str(path)), pixels, err_msg=path.name)
    with pytest.raises(ValueError, match="there is no cv2 to read others with"):
        sources.read_image(str(jpeg))


HIDING = """
import runpy, sys
sys.modules["cv2"] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_deployment_without_cv2(tmp_path, rng):
    """deploy.py runs on PNG, BMP and PPM files and on arrays; what needs cv2 is said, and the rest goes on."""
    folder = write_bundle(tmp_path / "bundle", opencv=[])
    pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for suffix in ("png", "bmp", "ppm", "jpg"):
        cv2.imwrite(str(tmp_path / f"x.{suffix}"), pixels)
    files = [str(tmp_path / f"x.{suffix}") for suffix in ("png", "jpg", "bmp", "ppm")]

    def run(*arguments):
        command = [sys.executable, "-c", HIDING, str(folder / "deploy.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run(*files, "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = {entry["source"][-3:]: entry for entry in json.loads(done.stdout)}
    assert found["png"]["result"] == found["bmp"]["result"] == found["ppm"]["result"]
    assert "there is no cv2" in json.dumps(found["jpg"])
    for arguments in ([files[0], "-o", str(tmp_path / "out.png")], [files[0], "--show"], ["x.mp4"]):
        (tmp_path / "x.mp4").touch()
        done = run(*[str(tmp_path / a) if a == "x.mp4" else a for a in arguments])
        assert done.returncode != 0
        assert "needs OpenCV's Python package" in done.stderr
        assert "Traceback" not in done.stderr
