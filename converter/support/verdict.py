"""The answer of the support table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "wrong", "fails", "crashes", "timeout", "unmeasured"]


@dataclass(frozen=True)
class Verdict:
    """What a target does with a region. Only "ok" is true: "wrong" runs, and gives other numbers.

    `error` is max |difference| over max |reference| where the region ran, else None.
    """

    status: Status
    evidence: str
    error: float | None = None

    def __bool__(self) -> bool:
        return self.status == "ok"

    def __str__(self) -> str:
        return self.status if not self.evidence else f"{self.status}: {self.evidence}"
