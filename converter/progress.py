"""What a conversion tells while it runs. Silent by default; the command line's version is in console.py."""

from __future__ import annotations

STEPS = ("load", "export", "simplify", "check", "rewrite", "verify", "weights", "emit")


class Progress:
    """Receives the steps of a conversion. This one keeps quiet; override what should be shown."""

    def start(self, step: str) -> None:
        """A step of `STEPS` begins. A step can begin again when another exporter is tried."""

    def advance(self, done: int, total: int) -> None:
        """The running step has done `done` of `total` pieces."""

    def finish(self, text: str) -> None:
        """The running step ended; `text` says with what result."""

    def note(self, text: str) -> None:
        """Something that the user should know, and that is no error."""
