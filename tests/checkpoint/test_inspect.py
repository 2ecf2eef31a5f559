from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch

from converter.checkpoint import inspect
from converter.resources import resource
from tests.checkpoint.files import as_legacy, as_tar, tiny, torch7, torch7_table


def _saved(**options: object) -> bytes:
    stream = io.BytesIO()
    torch.save(tiny().state_dict(), stream, **options)
    return stream.getvalue()


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return stream.getvalue()


def _tar(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


def _onnx() -> bytes:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 20]> g (float[2] x) => (float[2] y) { y = Relu(x) }'
    )
    return model.SerializeToString()


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(2), b=np.ones(3))
    return stream.getvalue()


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(2))
    return stream.getvalue()


STATE = safetensors.torch.save(tiny().state_dict())
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 46830571\n"
S3 = b"""<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""
TENSORS = ("torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict", "torch.LongStorage")
GRAPHDEF = b"\n\x1a\n\x05input\x12\x0bPlaceholder" + bytes(4)

FILES = {
    "zip": (lambda: _saved(), "zip-checkpoint", ""),
    "legacy": (lambda: _saved(_use_new_zipfile_serialization=False), "legacy-checkpoint", ""),
    "legacy, protocol 4": (
        lambda: _saved(_use_new_zipfile_serialization=False, pickle_protocol=4), "legacy-checkpoint", ""),
    "tar": (lambda: as_tar(pickle.dumps({"a": 1})), "tar-checkpoint", ""),
    "pickle": (lambda: pickle.dumps({"a": [1, 2]}), "pickle", ""),
    "pickle, protocol 0": (lambda: pickle.dumps({"a": [1, 2]}, protocol=0), "pickle", ""),
    "safetensors": (lambda: STATE, "safetensors", "9 tensors"),
    "onnx": (_onnx, "onnx", ""),
    "torch7": (torch7, "torch7", "nn.Sequential"),
    "torch7 table": (torch7_table, "torch7", "a table"),
    "torch7 text": (lambda: b"4\n1\n3\nV 1\n13\nnn.Sequential\n3\n2\n1\n", "torch7", "nn.Sequential"),
    "npz": (_npz, "numpy", ".npz with 2 arrays"),
    "npy": (_npy, "numpy", ".npy"),
    "h5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "keras", "HDF5"),
    "keras": (lambda: _zip("metadata.json", "config.json", "model.weights.h5"), "keras", ".keras"),
    "tflite": (lambda: struct.pack("<I", 28) + b"TFL3" + bytes(99), "other-framework", "TensorFlow Lite"),
    "graphdef": (lambda: GRAPHDEF, "tensorflow", "a frozen GraphDef"),
    "gguf": (lambda: b"GGUF" + bytes(99), "other-framework", "GGUF (llama.cpp)"),
    "empty": (lambda: b"", "empty", ""),
    "text": (lambda: b"\n  hello world\nmore", "text", 'its first line is "hello world"'),
    "text, cut inside a character": (
        lambda: ("x" * 4095 + "\N{EURO SIGN}").encode(), "text", f'its first line is "{"x" * 80}"'),
    "a full stop": (lambda: b".", "text", 'its first line is "."'),
    "html": (
        lambda: b"<!DOCTYPE html>\n<title>Google Drive - Virus scan</title>", "html",
        'its title is "Google Drive - Virus scan"'),
    "bucket": (lambda: S3, "html", 'its title is "Access Denied"'),
    "lfs": (lambda: LFS, "lfs-pointer", "the real file has 46,830,571 bytes"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(20), "image", "PNG"),
    "jpeg": (lambda: b"\xff\xd8\xff\xe0" + bytes(20), "image", "JPEG"),
    "bmp": (lambda: b"BM" + struct.pack("<IHHI", 66, 0, 0, 54) + bytes(40), "image", "BMP"),
    "webp": (lambda: b"RIFF" + bytes(4) + b"WEBPVP8 ", "image", "WebP"),
    "gzip": (lambda: gzip.compress(b"x"), "archive", "gzip"),
    "zip of a checkpoint": (lambda: _zip("models/best.pth", "readme.txt"), "archive", "zip that holds models/best.pth"),
    "zip of anything": (lambda: _zip("readme.txt"), "archive", "zip"),
    "tar of a checkpoint": (lambda: _tar("best.pth"), "archive", "tar that holds best.pth"),
    "pdf": (lambda: b"%PDF-1.7", "other", "a PDF document"),
    "noise": (
        lambda: b"\x00\x01\x02\x03\xff\xfe\xfd\xfc\xfb", "unknown",
        "it begins with the bytes 00 01 02 03 ff fe fd fc"),
    "half a zip": (lambda: _saved()[:1500], "truncated-zip", ""),
    "half a legacy pickle": (
        lambda: _saved(_use_new_zipfile_serialization=False)[:200], "truncated-pickle",
        "no newline found when trying to read stringnl"),
    "half a pickle": (lambda: pickle.dumps(list(range(300)))[:-9], "truncated-pickle", None),
    "half a safetensors": (
        lambda: STATE[:-10], "truncated-safetensors",
        f"{len(STATE) - 10:,} bytes where its header speaks of {len(STATE):,}"),
    "a safetensors header, cut": (lambda: STATE[:50], "truncated-safetensors", "its header is cut off or damaged"),
    "half an onnx": (lambda: _onnx()[:-5], "truncated-onnx", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_kind(name, tmp_path):
    content, kind, detail = FILES[name]
    data = content()
    path = tmp_path / "model.pth"  # the name says nothing
    path.write_bytes(data)

    info = inspect(path)

    assert (info.path, info.kind, info.size) == (path, kind, len(data))
    assert detail is None or info.detail == detail


def test_archives_of_programs(tmp_path):
    script, exported = tmp_path / "a", tmp_path / "b.pt2"
    module = tiny().eval()
    torch.jit.trace(module, torch.zeros(1, 1, 8, 8)).save(str(script))
    torch.export.save(torch.export.export(module, (torch.zeros(1, 1, 8, 8),)), exported)

    assert inspect(script).kind == "torchscript"
    # TorchScript gives the second class of a name in a process another one
    assert re.match(r"a/code/__torch__/torch/nn/modules/container(/___torch_mangle_\d+)?\.py, ", inspect(script).detail)
    assert inspect(exported).kind == "torch-export"


def test_missing(tmp_path):
    (tmp_path / "best.pth").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")

    assert inspect(tmp_path / "last.pth").kind == "missing"
    assert inspect(tmp_path / "last.pth").detail == "checkpoints in that folder: best.pth"
    assert inspect(tmp_path / "no" / "last.pth").detail == f"the folder {tmp_path / 'no'} does not exist either"
    assert inspect("a\x00b").kind in ("missing", "unreadable")


@pytest.mark.parametrize(
    ("names", "detail"),
    [
        ([], "it holds no checkpoint"),
        (["b.pth", "a.safetensors", "c.txt"], "it holds a.safetensors, b.pth"),
        (
            ["data.pkl", "data", "version"],
            "it looks like a checkpoint that something unpacked: it holds data.pkl and data/",
        ),
        (["saved_model.pb"], "it is a TensorFlow SavedModel"),
    ],
)
def test_directory(names, detail, tmp_path):
    for name in names:
        (tmp_path / name).touch()

    assert (inspect(tmp_path).kind, inspect(tmp_path).detail) == ("directory", detail)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no device files")
def test_device():
    assert inspect("/dev/null").kind == "special"


def test_unreadable(tmp_path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied", str(self))

    path = tmp_path / "secret.pth"
    path.write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)  # root may open every file, so no mode would do
    assert (inspect(path).kind, inspect(path).detail) == ("unreadable", "Permission denied")


def test_globals(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(_saved())
    assert sorted(inspect(path).globals) == sorted(TENSORS)
    path.write_bytes(_saved(_use_new_zipfile_serialization=False))
    assert sorted(inspect(path).globals) == sorted(TENSORS)
    path.write_bytes(as_legacy(pickle.dumps(Path("x"), 2)))
    assert inspect(path).globals == (f"{Path.__module__}.{type(Path()).__name__}",)


def test_sha256(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"abc" * 1000)
    assert inspect(path).sha256 == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_real_picture():
    assert inspect(next(resource("model_zoo").glob("photos/*.png"))).kind == "image"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_drawn(seed, tmp_path):
    """Bytes flipped and ends cut off at random: inspect says something and never raises."""
    rng = np.random.default_rng(seed)
    names = [name for name in FILES if name != "empty"]
    data = bytearray(FILES[names[seed % len(names)]][0]())
    for position in rng.integers(0, len(data), 5):
        data[position] = rng.integers(0, 256)
    path = tmp_path / "model.pth"
    path.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)]))

    assert inspect(path).size == path.stat().st_size


def test_needs_no_torch():
    """Sniffing is quick: it does not wait for torch."""
    code = "import sys, converter.checkpoint as c; c.inspect('.'); print('torch' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert run.stdout == "False\n"
