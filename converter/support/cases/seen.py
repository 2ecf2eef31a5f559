"""Nodes that real architectures have, after our own export and simplification: one case each, in sizes as small as possible.

`seen.json.gz` holds their records, harvested from timm's and torchvision's families and chosen by `benchmarks/seen_corpus.py`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.support.cases import Case
from converter.support.cases._rebuild import case_of
from converter.support.cases._records import Record

DATA = Path(__file__).with_name("seen.json.gz")


def document() -> dict[str, Any]:
    """The data file: "cases", records by the name of their case, and "last", the highest number that each op ever had."""
    found: dict[str, Any] = json.loads(gzip.decompress(DATA.read_bytes()))
    return found


def load() -> dict[str, Record]:
    """Every record by the name of its case."""
    records: dict[str, Record] = document()["cases"]
    return records


def cases() -> Iterator[Case]:
    """The cases, by op and number."""
    for name, record in load().items():
        yield case_of(name, record)
