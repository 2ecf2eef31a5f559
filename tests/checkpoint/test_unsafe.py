"""Nothing that a checkpoint names runs before the user says --trust."""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from converter.checkpoint import inspect, load
from converter.checkpoint.pickles import COMPUTED, globals_inside
from converter.errors import CheckpointError, UnsafeCheckpointError
from tests.checkpoint.files import NET, as_legacy, as_tar, as_zip, attacks, tiny

DO = (
    "  do:       if you know and trust where it comes from: --trust\n"
    "  do:       or save the weights alone where it was made, torch.save(model.state_dict(), 'weights.pth'), "
    "and give --arch"
)
FORMS = {"bare": bytes, "zip": as_zip, "legacy": as_legacy, "tar": as_tar}
ATTACKS = list(attacks(pathlib.Path("x")))
NAMES = {
    "GLOBAL": f"{os.name}.system", "GLOBAL, protocol 0": f"{os.name}.system", "STACK_GLOBAL": "os.system",
    "STACK_GLOBAL, memo": "os.system", "INST": "os.system", "exec": "__builtin__.exec", "eval": "builtins.eval",
    "getattr": "__builtin__.getattr, __builtin__.__import__", "in a dict": "__builtin__.exec",
    "nested": f"_pickle.loads, {os.system.__module__}.system",
    "nested, torch": f"torch.storage._load_from_bytes, {os.system.__module__}.system", "BUILD": "os.system",
}  # fmt: skip


@pytest.fixture
def arch(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NET)
    return f"{path}:net"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused_by_name(form, attack, arch, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "model.pth"
    path.write_bytes(FORMS[form](attacks(marker)[attack]))

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path, arch=arch)

    assert not marker.exists()
    assert str(caught.value) == (
        f"{path} cannot be loaded as tensors alone, and any other way runs code that it names\n"
        f"  measured: unpickling it would import {NAMES[attack]}\n"
        f"{DO}"
    )


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "nested, torch"])
def test_attacks_would_work(attack, tmp_path):
    """The corpus is real: unpickled, each of them leaves its mark."""
    marker = tmp_path / "marker"
    pickle.loads(attacks(marker)[attack])
    assert marker.exists()


def test_all_names_are_told(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"net": tiny(), "when": datetime.date(2020, 1, 1)}, path)

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path)

    assert caught.value.measured == (
        "unpickling it would import torch.nn.modules.container.Sequential, torch.nn.modules.conv.Conv2d, "
        "torch.nn.modules.batchnorm.BatchNorm2d, datetime.date"
    )


@pytest.mark.parametrize(
    ("data", "names"),
    [
        pytest.param(b"\x80\x04N\x8c\x06system\x93.", (COMPUTED,), id="computed"),
        pytest.param(b"\x80\x04\x93.", (COMPUTED,), id="underflow"),
        pytest.param(b"\x80\x04\x8c\x02os2\x93.", ("os.os",), id="dup"),
        pytest.param(b"\x80\x04\x8c\x02os(\x8c\x01a1\x8c\x06system\x93.", ("os.system",), id="pop_mark"),
        pytest.param(b"\x80\x04\x8c\x02osN0\x8c\x06system\x93.", ("os.system",), id="pop"),
        pytest.param(b"\x80\x02\x82\x07.", ("(copyreg extension 7)",), id="extension"),
        pytest.param(b"\x80\x04\x8c\x02os\x94p9\n0g9\n\x8c\x06system\x93.", ("os.system",), id="put and get"),
        pytest.param(b"\x80\x04C\x0f" + b"\x80\x04\x8c\x01a\x8c\x01b\x93." + bytes(5) + b".", ("a.b",), id="in bytes"),
        pytest.param(b"neither", (), id="no pickle"),
    ],
)
def test_names(data, names):
    assert globals_inside(data) == names


class Nested:
    def __reduce__(self):
        return os.getcwd, ()


def test_deep_nesting_ends():
    data = pickle.dumps(Nested())
    for _ in range(50):
        data = pickle.dumps(data)
    assert globals_inside(data) == ()  # beyond what is followed; a reader would have to unpickle fifty times


def test_harmless_extras_load(arch, tmp_path):
    """A NumPy number, an argparse result and a path beside the weights are no reason to refuse them."""
    path = tmp_path / "model.pth"
    extras = {
        "best": np.float64(0.5), "step": np.int64(3), "curve": np.arange(6.0).reshape(2, 3),
        "words": np.array(["a", None], object),
        "args": argparse.Namespace(lr=0.1), "out": pathlib.Path("x"), "epoch": 3,
    }  # fmt: skip
    torch.save({"state_dict": tiny().state_dict(), **extras}, path)

    loaded = load(path, arch=arch)

    assert loaded.notes == ("weights found under 'state_dict'",)


def test_numpy_weights_load(arch, tmp_path):
    net, path = tiny(), tmp_path / "model.pth"
    torch.save({key: np.array(value.numpy(), order="F") for key, value in net.state_dict().items()}, path)

    loaded = load(path, arch=arch)

    for key, value in loaded.module.state_dict().items():
        torch.testing.assert_close(value, net.state_dict()[key], rtol=0, atol=0)


def test_numpy_lies_are_refused(tmp_path):
    """A dtype with forged flags makes NumPy read pointers from the file; here it makes nothing."""
    path = tmp_path / "model.pth"
    torch.save(np.zeros(2, np.dtype([("a", "O")])), path)
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert caught.value.measured == "its content is a NoneType, expected a state dict (a mapping of names to tensors)"

    torch.save(np.zeros(2), path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"K\x02\x85", b"K\x03\x85"))  # says three numbers where there are two
    with pytest.raises(CheckpointError):
        load(path)


class Writer(torch.nn.Module):
    """A module that writes a file when it is loaded."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.zeros(1), self.path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_needs_trust(tmp_path):
    """TorchScript runs __setstate__ while it is loaded, and can write files: shown, so that nobody calls it safe."""
    marker, path = tmp_path / "marker", tmp_path / "model.pt"
    torch.jit.script(Writer(str(marker))).save(str(path))

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path)

    assert not marker.exists()
    (member,) = caught.value.measured.removeprefix("it carries ").split(", ")
    assert str(caught.value) == (
        f"{path} is a TorchScript archive: a program that can run, and write files, while it is loaded\n"
        f"  measured: it carries {member}\n"
        f"{DO}"
    )
    assert load(path, trust=True).kind == "torchscript"
    assert marker.exists()


def test_export_archive_needs_trust(tmp_path):
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(tiny().eval(), (torch.zeros(1, 1, 8, 8),)), path)

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path)

    assert str(caught.value) == (
        f"{path} is a torch.export archive: loading one evaluates expressions and unpickles objects\n"
        "  measured: its pickles name nothing but tensors, "
        "its expressions cannot be told from code without running them\n"
        f"{DO}"
    )


def test_other_pickle_protocol(arch, tmp_path):
    path = tmp_path / "model.pth"
    torch.save(OrderedDict(tiny().state_dict()), path, pickle_protocol=4)

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path, arch=arch)

    assert caught.value.measured == (
        "the reader for tensors stopped: Unsupported operand 149; it knows what torch.save writes with its default "
        "pickle_protocol, 2"
    )
    assert load(path, arch=arch, trust=True).arch == arch


def test_plain_pickle(arch, tmp_path):
    net, path = tiny(), tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {key: value.numpy() for key, value in net.state_dict().items()}}))

    with pytest.raises(UnsafeCheckpointError) as caught:
        load(path, arch=arch)

    assert caught.value.measured == "a pickle, for which there is no reader that knows tensors only"
    assert load(path, arch=arch, trust=True).notes == ("weights found under 'model'",)
    assert inspect(path).kind == "pickle"
