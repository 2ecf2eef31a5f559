"""What a file is, without running it and without torch.

A name says nothing (.pth is used for nearly everything), so only the bytes are asked. The same bytes tell which modules
and names unpickling would import.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

from converter.checkpoint import pickles, signatures

Kind = Literal[
    "zip-checkpoint", "legacy-checkpoint", "tar-checkpoint", "pickle", "safetensors", "torchscript", "torch-export",
    "onnx", "torch7", "numpy", "keras", "tensorflow", "other-framework",
    "missing", "unreadable", "directory", "special", "empty",
    "text", "html", "lfs-pointer", "image", "archive", "other", "unknown",
    "truncated-zip", "truncated-pickle", "truncated-safetensors", "truncated-onnx",
]  # fmt: skip

_LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa850192e")
"""torch.save's first pickle before 1.6: LONG1, ten bytes of its magic number 0x1950a86a20f9469cfc6c, STOP."""

_LOADABLE = {".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".pt2", ".tar", ".pkl", ".onnx"}


@dataclass(frozen=True)
class CheckpointInfo:
    """What `path` is. `detail` says what was seen, for people; `globals` is what unpickling would import."""

    path: Path
    kind: Kind
    size: int
    globals: tuple[str, ...] = ()
    detail: str = ""

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes, in hexadecimal; read when first asked for. Raises OSError."""
        digest = hashlib.sha256()
        with self.path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class _Seen:
    kind: Kind
    detail: str = ""
    globals: tuple[str, ...] = ()


def inspect(path: str | Path) -> CheckpointInfo:
    """Say what a file is. Never raises for what the file holds; a path that is no file is a kind of its own."""
    path = Path(path)
    try:
        if not path.exists():
            return CheckpointInfo(path, "missing", 0, detail=_nearby(path))
        if path.is_dir():
            return CheckpointInfo(path, "directory", 0, detail=_folder(path))
        if not path.is_file():
            return CheckpointInfo(path, "special", 0)
        size = path.stat().st_size
        if size == 0:
            return CheckpointInfo(path, "empty", 0)
        with path.open("rb") as stream:
            seen = _look(path, stream, size)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        return CheckpointInfo(path, "unreadable", 0, detail=str(getattr(error, "strerror", None) or error))
    return CheckpointInfo(path, seen.kind, size, seen.globals, seen.detail)


def _look(path: Path, stream: IO[bytes], size: int) -> _Seen:
    head = stream.read(signatures.HEAD)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(stream)
    if name := signatures.image(head):
        return _Seen("image", name)
    if _LEGACY_MAGIC in head[:24]:
        return _legacy(stream)
    if (seen := _safetensors(stream, head, size)) is not None:
        return seen
    if (held := signatures.torch7(head)) is not None:
        return _Seen("torch7", held)
    if (known := signatures.other(head)) is not None:
        return _Seen(known[0], known[1])  # type: ignore[arg-type]
    if name := signatures.packed(head):
        return _Seen("archive", name)
    if head[257:262] == b"ustar":
        return _tar(path)
    if (state := signatures.onnx(stream, size)) is not None:
        return _Seen("truncated-onnx" if state else "onnx")
    if (seen := _pickle(stream, head)) is not None:
        return seen
    return _text(head)


def _zip(stream: IO[bytes]) -> _Seen:
    """The kinds that are zip archives, told by the names of their members."""
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        return _Seen("truncated-zip", "" if str(error) == "File is not a zip file" else str(error))
    names = archive.namelist()
    code = [name for name in names if re.search(r"(^|/)code/.*\.py$", name)]
    data = [name for name in names if re.search(r"(^|/)data\.pkl$", name)]
    if code and any(name.endswith("constants.pkl") for name in names):
        return _Seen("torchscript", ", ".join(code[:3]) + (f" and {len(code) - 3} more" if len(code) > 3 else ""))
    if any(re.search(r"(^|/)(models/[^/]+\.json|serialized_exported_program\.json)$", name) for name in names):
        return _exported(archive)
    if data:
        try:
            return _Seen("zip-checkpoint", globals=pickles.globals_of_zip(archive, data[0]))
        except (pickles.TruncatedError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            return _Seen("truncated-pickle", f"{data[0]}: {error}")
    if names and all(name.endswith(".npy") for name in names):
        return _Seen("numpy", f".npz with {len(names)} arrays")
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        return _Seen("keras", ".keras")
    inside = [name for name in names if Path(name).suffix in _LOADABLE]
    return _Seen("archive", "zip" + (f" that holds {', '.join(inside[:3])}" if inside else ""))


def _exported(archive: zipfile.ZipFile) -> _Seen:
    """A torch.export archive: a program in JSON, beside members that its reader unpickles."""
    found: dict[str, None] = {}
    try:
        for member in archive.infolist():
            with pickles.open_member(archive, member) as stream:
                start = stream.read(2)
                if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
                    found.update(dict.fromkeys(pickles.globals_inside(start + stream.read())))
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        return _Seen("truncated-zip", str(error))
    return _Seen("torch-export", globals=tuple(found))


def _legacy(stream: IO[bytes]) -> _Seen:
    """Magic number, protocol, system, object, keys of the storages: five pickles; then the storages, as raw bytes."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        try:
            return _Seen("legacy-checkpoint", globals=pickles.globals_of(view, pickles=5))  # type: ignore[arg-type]
        except pickles.TruncatedError as error:
            return _Seen("truncated-pickle", str(error))


def _tar(path: Path) -> _Seen:
    """torch.save before 0.2 wrote a tar archive with a member called `pickle`."""
    try:
        with tarfile.open(path, "r:") as archive:
            names = archive.getnames()
            member = archive.extractfile("pickle") if {"pickle", "storages", "tensors"} <= set(names) else None
            if member is not None:
                return _Seen("tar-checkpoint", globals=pickles.globals_of(member, pickles=1))
    except (tarfile.TarError, pickles.TruncatedError) as error:
        return _Seen("archive", f"tar, damaged: {error}")
    inside = [name for name in names if Path(name).suffix in _LOADABLE]
    return _Seen("archive", "tar" + (f" that holds {', '.join(inside[:3])}" if inside else ""))


def _safetensors(stream: IO[bytes], head: bytes, size: int) -> _Seen | None:
    """Eight bytes of length, a JSON header of that length, then the tensors at the offsets that the header gives."""
    if len(head) < 10 or head[8:9] != b"{" or head[9:10] not in (b'"', b"}", b" ", b"\n"):
        return None
    (length,) = struct.unpack_from("<Q", head)
    if length > 100_000_000:  # the format's own limit
        return None
    stream.seek(8)
    try:
        header = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        wanted = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError):
        return _Seen("truncated-safetensors", "its header is cut off or damaged")
    if size < wanted:
        return _Seen("truncated-safetensors", f"{size:,} bytes where its header speaks of {wanted:,}")
    return _Seen("safetensors", f"{len(ends)} tensors")


def _pickle(stream: IO[bytes], head: bytes) -> _Seen | None:
    binary = head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5
    stream.seek(0)
    if not binary and not (pickles.is_whole(stream) and not stream.read().strip()):
        return None  # protocol 0 is text: only a complete one, to the file's last byte, is told from prose
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        try:
            return _Seen("pickle", globals=pickles.globals_of(view))  # type: ignore[arg-type]
        except pickles.TruncatedError as error:
            return _Seen("truncated-pickle", str(error))


def _text(head: bytes) -> _Seen:
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        size = re.search(rb"^size (\d+)", head, re.MULTILINE)
        return _Seen("lfs-pointer", f"the real file has {int(size.group(1)):,} bytes" if size else "")
    decoded = signatures.text(head)
    if decoded is None:
        return _Seen("unknown", f"it begins with the bytes {head[:8].hex(' ')}")
    if re.match(r"\s*(<!--.*?-->\s*)?<(!doctype|html|head|\?xml)", decoded, re.IGNORECASE | re.DOTALL):
        title = re.search(r"<(title|message)>\s*(.*?)\s*</", decoded, re.IGNORECASE | re.DOTALL)
        return _Seen("html", f'its title is "{title.group(2)[:80]}"' if title else "")
    first = next((line.strip() for line in decoded.splitlines() if line.strip()), "")
    return _Seen("text", f'its first line is "{first[:80]}"')


def _folder(path: Path) -> str:
    """What a folder that was given for a file holds."""
    names = sorted(entry.name for entry in path.iterdir())
    if "data.pkl" in names and "data" in names:
        return "it looks like a checkpoint that something unpacked: it holds data.pkl and data/"
    if "saved_model.pb" in names:
        return "it is a TensorFlow SavedModel"
    inside = [name for name in names if Path(name).suffix in _LOADABLE]
    return (
        f"it holds {', '.join(inside[:5])}" + (" ..." if len(inside) > 5 else "")
        if inside
        else "it holds no checkpoint"
    )


def _nearby(path: Path) -> str:
    """Files beside a missing one that may have been meant."""
    folder = path.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist either"
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if Path(entry.name).suffix in _LOADABLE)
    except OSError as error:
        return f"the folder {folder} cannot be listed: {error.strerror}"
    return f"checkpoints in that folder: {', '.join(names[:5])}" + (" ..." if len(names) > 5 else "") if names else ""
