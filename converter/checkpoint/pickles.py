"""What a pickle would import if somebody unpickled it. The opcodes are read, never obeyed.

This list explains a refusal; the refusal itself never depends on it: files are opened by readers that know tensors.
"""

from __future__ import annotations

import copy
import io
import pickletools
import zipfile
from collections.abc import Iterator
from typing import IO, Any

COMPUTED = "(a name that is computed while unpickling)"
"""Stands for a global whose module or name is not a literal in the file."""

_STRINGS = {
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_BYTES = {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_NEST = 4
"""Pickles inside of pickles are followed this deep; nobody nests deeper for a good reason."""

_LARGEST = 1 << 29
"""Bytes. The pickle of a zip checkpoint names its tensors and does not hold them, so it is small."""


class TruncatedError(ValueError):
    """The bytes stop being a pickle before its end."""


def globals_of(stream: IO[bytes], *, pickles: int = 1) -> tuple[str, ...]:
    """ "module.name" of everything that unpickling `stream` would import, in order of appearance, each once.

    `pickles` is how many pickles stand one after the other (a legacy checkpoint has five). Byte strings that hold a
    pickle or a zip checkpoint themselves are looked into as well. Raises TruncatedError.
    """
    found: dict[str, None] = {}
    for _ in range(pickles):
        found.update(dict.fromkeys(_walk(stream, _NEST)))
    return tuple(found)


def globals_of_zip(archive: zipfile.ZipFile, member: str) -> tuple[str, ...]:
    """The same for one pickle inside of a zip archive. Raises TruncatedError, also for an absurd size."""
    if archive.getinfo(member).file_size > _LARGEST:
        raise TruncatedError(f"{member} claims {archive.getinfo(member).file_size} bytes")
    with open_member(archive, archive.getinfo(member)) as stream:
        return globals_of(io.BytesIO(stream.read()))


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """A member of a zip archive. Where torch left the checksum out (it writes 0 then), none is checked."""
    if info.CRC == 0:
        info = copy.copy(info)
        del info.CRC  # zipfile checks what is there
    return archive.open(info)


def globals_inside(data: bytes) -> tuple[str, ...]:
    """The same for bytes that may hold a pickle, a zip checkpoint or neither."""
    return tuple(dict.fromkeys(_inside(data, _NEST)))


def _walk(stream: IO[bytes], nest: int) -> Iterator[str]:
    """The globals of one pickle. Only strings are followed over the stack: they are what names are made of."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument in _opcodes(stream):
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            yield argument.replace(" ", ".", 1)
        elif name.startswith("EXT"):
            yield f"(copyreg extension {argument})"
        elif name == "STACK_GLOBAL":
            module, attribute = [None, None, *stack][-2:]
            yield f"{module}.{attribute}" if isinstance(module, str) and isinstance(attribute, str) else COMPUTED
        elif nest and (name in _BYTES or name in _STRINGS):
            yield from _inside(argument, nest - 1)
        _move(opcode, argument, stack, memo)


def _opcodes(stream: IO[bytes]) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            yield opcode, argument
    except (ValueError, OverflowError, MemoryError) as error:
        raise TruncatedError(str(error)) from error


def _move(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """What the opcode does to the stack and the memo; values that are not strings are None."""
    name = opcode.name
    if "PUT" in name:
        memo[int(argument)] = stack[-1] if stack else None
        return
    if name == "MEMOIZE":
        memo[len(memo)] = stack[-1] if stack else None
        return
    if name == "DUP":
        stack.append(stack[-1] if stack else None)
        return
    if pickletools.markobject in opcode.stack_before:
        while stack and stack.pop() is not pickletools.markobject:
            pass
        below = opcode.stack_before.index(pickletools.markobject)
    else:
        below = len(opcode.stack_before)
    if below:
        del stack[-below:]
    for pushed in opcode.stack_after:
        if pushed is pickletools.markobject:
            stack.append(pushed)
        elif "GET" in name:
            stack.append(memo.get(int(argument)))
        else:
            stack.append(argument if name in _STRINGS else None)


def _inside(data: bytes | str, nest: int) -> Iterator[str]:
    """The globals of a pickle or zip checkpoint that a byte string holds. Text (protocol 2 spells bytes so) counts."""
    if isinstance(data, str):
        if not data.startswith(("\x80", "PK\x03\x04")):
            return
        data = data.encode("latin-1", errors="replace")
    if data[:4] == b"PK\x03\x04" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                if member.endswith(".pkl") and archive.getinfo(member).file_size <= _LARGEST:
                    yield from _quietly(archive.read(member), nest)
    elif data[:1] == b"\x80":
        yield from _quietly(data, nest)


def _quietly(data: bytes, nest: int) -> Iterator[str]:
    """All pickles that stand in `data`, until something that is none."""
    stream = io.BytesIO(data)
    try:
        while stream.tell() < len(data):
            yield from _walk(stream, nest)
    except TruncatedError:
        return  # plain data after a pickle, or data that only began like one


def is_whole(stream: IO[bytes]) -> bool:
    """True when a complete pickle of more than one opcode stands at the stream's position; reads up to its end."""
    try:
        return sum(1 for _ in _opcodes(stream)) > 1
    except TruncatedError:
        return False
