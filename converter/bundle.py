"""The folder that is handed over: written beside, then renamed; its manifest; its hashes.

On any failure nothing half-written is left, and a bundle that was there stays as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import OutputError

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """A finished bundle: where it is, and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> Bundle:
        """The bundle in `folder`, every file checked against its hash.

        Raises OutputError when it is no bundle, one of a newer format, or one that was changed.
        """
        folder = Path(folder)
        file = folder / MANIFEST
        if not file.is_file():
            raise OutputError(
                f"{folder} is not a bundle",
                measured="it is missing" if not folder.exists() else f"there is no {MANIFEST} in it",
                do=("give the folder that convert wrote",),
            )
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OutputError(
                f"{file} is damaged", measured=f"not JSON: {error}", do=("convert the model again",)
            ) from error
        if manifest.get("format") != FORMAT:
            raise OutputError(
                f"{folder} has a format that this version does not know",
                measured=f"format {manifest.get('format')!r}, expected {FORMAT}",
                do=("convert the model again, or use the version of torch2cv that wrote it",),
            )
        changed = [name for name, entry in manifest["files"].items() if not _intact(folder / name, entry["sha256"])]
        if changed:
            raise OutputError(
                f"{folder} was changed after it was proven",
                measured=f"missing, or with another SHA-256 than in {MANIFEST}: {', '.join(changed)}",
                do=("convert the model again",),
            )
        return cls(folder, manifest)

    def __str__(self) -> str:
        return str(self.folder)


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _intact(path: Path, expected: str) -> bool:
    return path.is_file() and sha256(path) == expected


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into. It becomes `out` when the block ends well, and is gone when it does not.

    Raises OutputError, before any work is done, when `out` cannot be written or holds something that is not a bundle.
    """
    out = Path(out).absolute()
    _refuse_foreign(out)
    made = _missing_parents(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        _remove(made)
        raise OutputError(
            f"{out} cannot be written",
            measured=f"{type(error).__name__}: {error.strerror or error}",
            do=("choose another place: -o DIR",),
        ) from error
    try:
        yield folder
        folder.chmod(0o755)
        _swap(folder, out)
        made = []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _remove(made)


def _refuse_foreign(out: Path) -> None:
    """Never replace what is not ours."""
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        found = ", ".join(sorted(entry.name for entry in out.iterdir())[:5])
        raise OutputError(
            f"{out} is there already and is not a bundle, so it is left alone",
            measured=f"it holds {found}",
            do=("choose another place: -o DIR", "or remove it yourself"),
        )
    if out.exists() and not out.is_dir():
        raise OutputError(
            f"{out} is a file; a bundle is a folder",
            measured="a file of that name exists",
            do=("choose another place: -o DIR",),
        )


def _missing_parents(out: Path) -> list[Path]:
    """The folders above `out` that do not exist yet, innermost first."""
    return [parent for parent in out.parents if not parent.exists()]


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # somebody else may have put something there since
            folder.rmdir()


def _swap(folder: Path, out: Path) -> None:
    """Put `folder` in the place of `out`; what was there is kept until the new one stands."""
    if not out.exists():
        folder.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    old.rmdir()
    out.rename(old)
    try:
        folder.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write manifest.json with the hash and size of every other file in the folder. Returns what was written."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    complete = {
        "format": FORMAT,
        **manifest,
        "files": {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size} for path in files},
    }
    text = json.dumps(complete, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return complete
