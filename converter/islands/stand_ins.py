"""Other names for the operators of islands, of equal length: where they stand in the bytes of a model, and which are free."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class StandIn:
    """One island's operator under another name. patches: (offset, bytes there, as many bytes in their place)."""

    node: str
    name: str
    patches: tuple[tuple[int, bytes, bytes], ...]


NO_INPUT = b"\x0a\x00"
"""An input without a name in a serialized NodeProto: one that is left out."""

NOTHING = b"\x78\x00"
"""A field of two bytes that NodeProto does not have (15, a number), which every reader passes over."""


def stand_ins_of(serialized: bytes, names: Collection[str]) -> tuple[StandIn, ...]:
    """For each of these nodes of a serialized ModelProto what is to be changed in its bytes, in graph order.

    Inputs that are left out go as well: 4.5 to 4.8 look for them among the constants.
    """
    counts: dict[int, int] = {}
    found = []
    for start, end in _nodes(serialized):
        places: dict[int, list[tuple[int, int]]] = {}
        for number, *place in _fields(serialized, start, end):
            places.setdefault(number, []).append((place[0], place[1]))
        node = serialized[slice(*places[3][0])].decode() if 3 in places else ""
        if node in names:
            offset, after = places[4][0]
            size = after - offset
            counts[size] = counts.get(size, -1) + 1
            name = stand_in(counts[size], size)
            left_out = [(first - 2, NO_INPUT, NOTHING) for first, last in places.get(1, ()) if first == last]
            found.append(StandIn(node, name, ((offset, serialized[offset:after], name.encode()), *left_out)))
    return tuple(found)


def stand_in(number: int, size: int) -> str:
    """The name of that number: Q and digits of base 36. No operator is called so: a digit never follows its first letter.

    Raises ValueError where there are more islands of one operator than names.
    """
    digits, rest = "", number
    for _ in range(size - 1):
        rest, digit = divmod(rest, 36)
        digits = (string.digits + string.ascii_lowercase)[digit] + digits
    if rest or size < 2:
        raise ValueError(f"no {number + 1} names of {size} letters")
    return f"Q{digits}"


def _nodes(serialized: bytes) -> Iterator[tuple[int, int]]:
    """Where each node of the main graph lies."""
    for graph, start, end in _fields(serialized, 0, len(serialized)):
        if graph == 7:
            yield from ((first, last) for node, first, last in _fields(serialized, start, end) if node == 1)


def _fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of each field with a length in a message of protobuf's wire format; others are passed over."""
    while start < end:
        key, start = _varint(data, start)
        kind = key & 7
        if kind == 0:
            _, start = _varint(data, start)
        elif kind == 2:
            size, start = _varint(data, start)
            yield key >> 3, start, start + size
            start += size
        else:
            start += {1: 8, 5: 4}[kind]


def _varint(data: bytes, start: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[start]
        value |= (byte & 127) << shift
        start, shift = start + 1, shift + 7
        if byte < 128:
            return value, start
