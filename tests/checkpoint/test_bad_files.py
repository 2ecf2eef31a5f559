"""Checkpoints that cannot be loaded: each with one clear message."""

from __future__ import annotations

import contextlib
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from converter.checkpoint import load
from converter.errors import CheckpointError, InputError
from tests.checkpoint.files import as_legacy, same, torch7

AGAIN = "copy or download it again, and compare its size and checksum with the original"
GIVE = "give the checkpoint itself: a .pth, .pt, .ckpt, .bin or .safetensors file"
NAME_IT = "name the network that was trained, with the arguments that it was built with: --arch and --arch-args"
X = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)


def _half(net):
    torch.save(net.state_dict(), "whole.pth")
    return Path("whole.pth").read_bytes()[:1200]


BAD = {
    "empty": (lambda net: b"", "is empty", "0 bytes", (AGAIN,)),
    "text": (
        lambda net: b"lr: 0.1\nepochs: 3\n", "is a text file, not a checkpoint",
        'text: its first line is "lr: 0.1", 18 bytes', (GIVE,)),
    "image": (
        lambda net: b"\x89PNG\r\n\x1a\n" + bytes(92), "is an image, not a checkpoint", "a picture: PNG, 100 bytes",
        (GIVE, "pictures are for deploy.py, after the conversion")),
    "torch7": (
        lambda net: torch7(), "is a Lua Torch7 file, not a PyTorch checkpoint",
        "Lua Torch7's own format: nn.Sequential, 71 bytes",
        ("run it in OpenCV 4.x as it is: cv2.dnn.readNetFromTorch reads it there; OpenCV 5.0 has no such function",
         "give a PyTorch version of the model; converting Torch7 files is not possible yet")),
    "truncated": (
        _half, "is cut off: the end of the file is missing", "a zip archive without an end, 1,200 bytes", (AGAIN,)),
    "page": (
        lambda net: b"<html><title>Sign in</title></html>", "is a web page, not a checkpoint: the download went wrong",
        'HTML or XML: its title is "Sign in", 35 bytes',
        ("download the file itself: its page has a link of its own for that; then check the size",)),
    "lfs": (
        lambda net: b"version https://git-lfs.github.com/spec/v1\nsize 1000\n",
        "is a Git LFS pointer: a note where the checkpoint is, not the checkpoint",
        "a pointer of Git LFS: the real file has 1,000 bytes, 53 bytes",
        ("fetch the file in its repository: git lfs install, then git lfs pull",)),
    "noise": (
        lambda net: b"\x01\x00\x02\x03\xff\xfe\xfd\xfc\xfb", "is in no format that is known here",
        "unknown bytes: it begins with the bytes 01 00 02 03 ff fe fd fc, 9 bytes", (GIVE, AGAIN)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name, net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, what, measured, do = BAD[name]
    (tmp_path / "model.pth").write_bytes(content(net))

    with pytest.raises(CheckpointError) as caught:
        load("model.pth", arch="timm:resnet18", trust=True)

    assert str(caught.value) == "\n".join(
        [f"model.pth {what}", f"  measured: {measured}", *(f"  do:       {step}" for step in do)]
    )
    assert caught.value.exit_code == 2


def test_missing(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "model.pth")
    assert str(caught.value) == (
        f"{tmp_path / 'model.pth'} does not exist\n"
        "  measured: there is no file of that name\n"
        "  do:       check the path and the folder you are in"
    )


def test_directory(tmp_path):
    (tmp_path / "best.pth").touch()
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is a folder, not a checkpoint\n  measured: a folder; it holds best.pth\n  do:       {GIVE}"
    )


def test_onnx(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x09\x12\x07pytorch\x3a\x00\x42\x02\x10\x14")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "model.onnx")
    assert str(caught.value) == (
        f"{tmp_path / 'model.onnx'} is an ONNX model already, not a PyTorch checkpoint\n"
        "  measured: an ONNX model, 17 bytes\n"
        f"  do:       ask which nodes OpenCV runs: convert check {tmp_path / 'model.onnx'}\n"
        "  do:       or give the checkpoint that it came from"
    )


def test_legacy_without_its_end(net, tmp_path):
    path = tmp_path / "a"
    torch.save(net.state_dict(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert caught.value.what == f"{path} cannot be read: it is damaged or incomplete"
    assert caught.value.measured.startswith("legacy-checkpoint, ")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("content", "measured"),
    [
        ([torch.ones(1)], "its content is a list, expected a state dict (a mapping of names to tensors)"),
        ({"epoch": 3, "lr": 0.1}, "a dict with epoch (int), lr (float); no tensors under "),
        ({}, "a dict with no entries; no tensors under "),
    ],
)
def test_no_weights(content, measured, tmp_path):
    torch.save(content, tmp_path / "a")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "a", arch="torch.nn:Identity")
    assert caught.value.what == f"{tmp_path / 'a'} holds no weights"
    assert caught.value.measured.startswith(measured)


def test_several_networks(net, tmp_path):
    torch.save({"generator": net.state_dict(), "critic": net.state_dict()}, tmp_path / "a")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "a", arch="torch.nn:Identity")
    assert str(caught.value) == (
        f"{tmp_path / 'a'} holds the weights of several networks\n"
        "  measured: tensors under generator, critic\n"
        "  do:       save one of them alone: torch.save(torch.load(PATH)['generator'], 'weights.pth')"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_finite(value, net, arch, tmp_path):
    net[0].weight.data[0, 0, 1] = value
    net[1].running_var[2] = value
    torch.save(net.state_dict(), tmp_path / "a")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "a", arch=arch)
    assert str(caught.value) == (
        f"{tmp_path / 'a'} holds weights that are not numbers\n"
        "  measured: NaN or infinity in 2 tensors: 0.weight (3 of 27), 1.running_var (1 of 3)\n"
        "  do:       take a checkpoint from before the training diverged"
    )


def test_mask_of_minus_infinity():
    net = torch.nn.Linear(2, 2)
    net.register_buffer("mask", torch.full((2, 2), -torch.inf))
    assert load(net).kind == "module"


def test_trusted_and_damaged(tmp_path):
    (tmp_path / "a").write_bytes(as_legacy(pickle.dumps({"a": 1}, 2)) + b"rest")
    with pytest.raises(CheckpointError, match="holds no weights"):
        load(tmp_path / "a", trust=True)


def _files(net):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(net, X).save("script.pt")
    torch.save({"model": net.state_dict()}, "zip.pth")
    torch.save(net.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(net, "module.pth")
    safetensors.torch.save_file(net.state_dict(), "a.safetensors")
    return "zip.pth", "legacy.pth", "module.pth", "a.safetensors", "script.pt"


def test_flipped_bit(net, arch, tmp_path):
    """torch reads weights without looking at the archive's checksums."""
    path = tmp_path / "a.pth"
    torch.save(net.state_dict(), path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        parts = len(archive.namelist())
    position = data.index(net[0].weight.detach().numpy().tobytes())
    data[position + 5] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(CheckpointError) as caught:
        load(path, arch=arch)

    assert str(caught.value) == (
        f"{path} is damaged\n"
        f"  measured: 1 of {parts} parts of the archive fail their checksum: "
        "a/data/0 (BadZipFile: Bad CRC-32 for file 'a/data/0')\n"
        f"  do:       {AGAIN}"
    )


def test_without_checksums(net, arch, tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(net.state_dict(), tmp_path / "a")
    finally:
        torch.serialization.set_crc32_options(before)
    same(load(tmp_path / "a", arch=arch), net)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_drawn(seed, net, arch, tmp_path, monkeypatch):
    """A few bytes of a good file changed, or its end cut off: it loads, or it is refused in our words."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    names = _files(net)
    path = Path(names[seed % len(names)])
    data = bytearray(path.read_bytes())
    for position in rng.integers(0, len(data), rng.integers(1, 9)):
        data[position] = rng.integers(0, 256)
    path.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)] if seed % 3 == 0 else data))

    with contextlib.suppress(InputError):
        loaded = load(path, arch=arch)
        if path.suffix == ".pth" and loaded.kind == "zip-checkpoint":  # the only form here that has checksums
            same(loaded, net)
