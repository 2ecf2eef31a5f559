"""What the tests of the cases share: every family built once, and a fingerprint of what was built."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from converter.support.cases import Case

DRAWN = (
    "activation",
    "convolution",
    "elementwise",
    "indexing",
    "joining",
    "linear",
    "normalizing",
    "pooling",
    "reduction",
    "resizing",
    "shaping",
)
"""Families of single nodes whose shapes and values are drawn."""

PATTERNS = ("patterns", "patterns_functions", "patterns_maps", "patterns_products", "patterns_tokens")


@cache
def family(module: str) -> tuple[Case, ...]:
    """The cases of one module."""
    return tuple(importlib.import_module(f"converter.support.cases.{module}").cases())


@cache
def drawn() -> tuple[Case, ...]:
    """The drawn single nodes."""
    return tuple(case for module in DRAWN for case in family(module))


@cache
def patterns() -> tuple[Case, ...]:
    """The patterns of several nodes."""
    return tuple(case for module in PATTERNS for case in family(module))


def fingerprint(cases: Iterable[Case]) -> str:
    """A hash of names, models, inputs and right answers."""
    found = hashlib.sha256()
    for case in cases:
        found.update(case.name.encode())
        found.update(case.model.SerializeToString(deterministic=True))
        for arrays in (*case.samples, *case.expected):
            for name, array in arrays.items():
                found.update(f"{name}{array.dtype}{array.shape}".encode())
                found.update(array.tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    for module in sys.argv[1:]:
        print(module, fingerprint(family(module)))
