"""Files that people hand over, written by hand where no program here writes them any more, and a tiny network."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import torch

NET = """
import torch

def net(classes=2, inputs=1):
    return torch.nn.Sequential(torch.nn.Conv2d(inputs, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, classes, 1))
"""


def tiny() -> torch.nn.Sequential:
    """The same as `net()` of NET."""
    return torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 2, 1))


class Attack:
    """Pickles to a call of `function` with `arguments`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def attacks(marker: Path) -> dict[str, bytes]:
    """Pickles that create `marker` when anything obeys them, by what they do it with."""
    touch = f"touch '{marker}'"
    code = f"open({str(marker)!r}, 'w').close()"
    system = f"{os.name}\nsystem\n(V{touch}\ntR.".encode()
    stack_global = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(touch)]) + touch.encode() + b"\x85R."
    memoized = (
        b"\x80\x04\x8c\x06system\x94\x8c\x02os\x940h\x01h\x00\x93\x8c"
        + bytes([len(touch)])
        + touch.encode()
        + b"\x85R."
    )
    in_a_dict = (
        b"\x80\x02}X\x01\x00\x00\x00a" + b"c__builtin__\nexec\n(X" + struct.pack("<I", len(code)) + code.encode()
    )
    return {
        "GLOBAL": b"\x80\x02c" + system,
        "GLOBAL, protocol 0": b"c" + system,
        "STACK_GLOBAL": stack_global,
        "STACK_GLOBAL, memo": memoized,
        "INST": b"(V" + touch.encode() + b"\nios\nsystem\n.",
        "exec": pickle.dumps(Attack(exec, code), protocol=2),
        "eval": pickle.dumps(Attack(eval, f"open({str(marker)!r}, 'w').close()"), protocol=4),
        "getattr": pickle.dumps(Attack(getattr, Attack(__import__, "os"), "system"), protocol=2)[:-1]
        + b"X" + struct.pack("<I", len(touch)) + touch.encode() + b"\x85R.",
        "in a dict": in_a_dict + b"tRs.",
        "nested": pickle.dumps(Attack(pickle.loads, pickle.dumps(Attack(os.system, touch))), protocol=4),
        "nested, torch": pickle.dumps(Attack(torch.storage._load_from_bytes, pickle.dumps(Attack(os.system, touch)))),
        "BUILD": b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00stepscos\nsystem\nX"
        + struct.pack("<I", len(touch)) + touch.encode() + b"\x85Rsb.",
    }  # fmt: skip


def as_zip(data: bytes) -> bytes:
    """A zip checkpoint whose pickle is `data`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return stream.getvalue()


def as_legacy(data: bytes) -> bytes:
    """A checkpoint of torch before 1.6 whose object is `data`, without storages."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    return magic + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + data + pickle.dumps([], 2)


def as_tar(data: bytes) -> bytes:
    """A checkpoint of torch before 0.2 whose object is `data`."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in (("sys_info", b""), ("pickle", data), ("tensors", b""), ("storages", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def torch7(name: str = "nn.Sequential") -> bytes:
    """The beginning of a Lua Torch7 file: an object of class `name` that holds a table."""
    head = struct.pack("<iii", 4, 1, 3) + b"V 1" + struct.pack("<i", len(name)) + name.encode()
    table = struct.pack("<iiii", 3, 2, 1, 2) + struct.pack("<i", 7) + b"modules" + struct.pack("<iii", 3, 3, 0)
    return head + table


def torch7_table() -> bytes:
    """A Lua Torch7 file that holds a table with a name for a key."""
    return struct.pack("<iiii", 3, 1, 1, 2) + struct.pack("<i", 5) + b"model" + struct.pack("<iii", 3, 2, 0)


X = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)


def same(loaded, net: torch.nn.Module) -> None:
    torch.testing.assert_close(loaded.module(X), net(X), rtol=0, atol=0)
    assert not any(parameter.requires_grad for parameter in loaded.module.parameters())
    assert not any(module.training for module in loaded.module.modules())
