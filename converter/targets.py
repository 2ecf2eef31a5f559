"""OpenCV versions as targets: their names, and where an interpreter that has one is found.

Every version lives in a virtual environment of its own (OpenCV's wheels cannot stand side by side in one), in the user's
cache directory. The version that is installed beside us needs none. Any other interpreter with cv2 can be registered by name.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from converter.errors import TargetError
from converter.registered import numbers, python_of, registered

WHEELS: dict[str, tuple[str, str]] = {
    "4.5.5": ("4.5.5.64", "numpy<2"),
    "4.6.0": ("4.6.0.66", "numpy<2"),
    "4.7.0": ("4.7.0.72", "numpy<2"),
    "4.8.1": ("4.8.1.78", "numpy<2"),
    "4.9.0": ("4.9.0.80", "numpy<2"),
    "4.10.0": ("4.10.0.84", "numpy<2.3"),
    "4.11.0": ("4.11.0.86", "numpy<2.3"),
    "4.12.0": ("4.12.0.88", "numpy<2.3"),
    "4.13.0": ("4.13.0.92", "numpy<2.3"),
    "4.14.0": ("4.14.0.94", "numpy<2.3"),
    "5.0.0": ("5.0.0.93", "numpy"),
}
"""Version -> (its wheel's version, a NumPy that it runs beside)."""

DISTRIBUTIONS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


@dataclass(frozen=True)
class Target:
    """One OpenCV and one of its engines.

    `engine` is "classic" for every 4.x. 5.0 has two: "new", its default, and "classic". `custom` is the name under which the
    interpreter was registered; `version` is then what cv2 said of itself there.
    """

    version: str
    engine: str
    custom: str | None = None

    @property
    def name(self) -> str:
        """As the user writes it: 4.10.0, 5.0.0, 5.0.0-classic, debian-4.6.0."""
        base = self.custom or self.version
        return base if self.engine == _default_engine(self.version) else f"{base}-{self.engine}"

    @property
    def key(self) -> str:
        """As files are named after it, the engine always said: 4.10.0-classic, 5.0.0-new, debian-4.6.0-classic."""
        return f"{self.custom or self.version}-{self.engine}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target that `text` names: a version or a registered name, with "-classic" or "-new" for an engine of 5.x.

        Raises TargetError for anything else.
        """
        match = re.fullmatch(r"(.+?)(?:-(classic|new))?", text.strip())
        if match is None:
            raise _unknown(text)
        name, engine = match[1], match[2]
        if name in {*WHEELS, installed_version()}:
            version, custom = name, None
        elif (found := registered().get(name)) is not None:
            version, custom = found.version, name
        else:
            raise _unknown(text)
        default = _default_engine(version)
        if engine == "new" and default == "classic":
            raise _unknown(text)
        return cls(version, engine or default, custom)

    def __str__(self) -> str:
        return f"OpenCV {self.name}"


def _default_engine(version: str) -> str:
    return "classic" if version.startswith("4.") else "new"


def _unknown(text: str) -> TargetError:
    ours = f"; registered: {', '.join(names)}" if (names := registered()) else ""
    return TargetError(
        f"{text!r} is not an OpenCV version that torch2cv knows",
        measured=f"known: {', '.join(WHEELS)} and 5.0.0-classic; installed here: {installed_version() or 'none'}{ours}",
        do=("give one of them: --target 4.10.0", "see which are installed: convert targets"),
    )


@cache
def installed_version() -> str | None:
    """The OpenCV that `import cv2` gives in this interpreter, such as "5.0.0", or None. cv2 is not imported here."""
    for name in DISTRIBUTIONS:
        try:
            return ".".join(importlib.metadata.version(name).split(".")[:3])
        except importlib.metadata.PackageNotFoundError:
            continue
    return _version_of(Path(sys.executable))


def _version_of(python: Path) -> str | None:
    """What cv2 says of itself in that interpreter, or None when it cannot be imported there."""
    code = "import cv2; print(cv2.__version__)"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=60, check=False)
    match = re.match(r"\d+\.\d+\.\d+", done.stdout)
    return match[0] if done.returncode == 0 and match else None


def default_targets() -> tuple[Target, ...]:
    """The installed OpenCV.

    Raises TargetError when there is none.
    """
    version = installed_version()
    if version is None:
        raise TargetError(
            "there is no OpenCV to convert for",
            measured="this Python has no cv2, and no --target was given",
            do=("pip install opencv-python", "or: convert targets install 5.0.0, then --target 5.0.0"),
        )
    return (Target(version, _default_engine(version)),)


def cache_root() -> Path:
    """Where the environments live."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("torch2cv")) / "targets"


def python_for(target: Target, *, root: Path | None = None) -> Path:
    """An interpreter in which `import cv2` gives the target's version.

    Raises TargetError when that version is not installed, or when a registered interpreter is no longer there.
    """
    if target.custom is not None:
        return python_of(target.custom)
    if target.version == installed_version():
        return Path(sys.executable)
    python = _python_in((root or cache_root()) / target.version)
    if not (python.parent.parent / "ready.json").exists():
        raise TargetError(
            f"OpenCV {target.version} is not installed, so nothing can be measured on it",
            measured=f"installed here: {installed_version() or 'none'}; no environment in {root or cache_root()}",
            do=(
                f"convert targets install {target.version}",
                "or leave out --target to convert for the installed OpenCV",
            ),
        )
    return python


def install(version: str, *, root: Path | None = None) -> Path:
    """Make the environment of that version, if it is not there, and return its interpreter.

    It is built beside and renamed, so an interrupted installation leaves nothing half-made.

    Raises TargetError for an unknown version or when pip fails.
    """
    if version not in WHEELS:
        raise _unknown(version)
    folder = (root or cache_root()) / version
    if (folder / "ready.json").exists():
        return _python_in(folder)
    wheel, numpy = WHEELS[version]
    folder.parent.mkdir(parents=True, exist_ok=True)
    # a virtual environment cannot be renamed once pip has written scripts, but python -m works from anywhere
    staged = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=folder.parent))
    try:
        venv.create(staged, with_pip=True, symlinks=os.name != "nt")
        requirements = [f"opencv-python-headless=={wheel}", numpy]
        command = [str(_python_in(staged)), "-m", "pip", "install", "--quiet", *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = _version_of(_python_in(staged)) if done.returncode == 0 else None
        if found != version:
            problem = done.stderr.strip().splitlines() or [f"cv2 there says {found}"]
            raise TargetError(
                f"OpenCV {version} cannot be installed",
                measured=f"pip install {' '.join(requirements)}: {problem[-1]}",
                do=("check the network and this Python's version (old OpenCVs have wheels for old Pythons only)",),
            )
        (staged / "ready.json").write_text(json.dumps({"opencv": wheel}) + "\n")
        with contextlib.suppress(OSError):  # another process was faster: its environment is as good
            staged.rename(folder)
        if not (folder / "ready.json").exists():
            raise TargetError(
                f"OpenCV {version} cannot be installed",
                measured=f"{folder} is in the way: it holds no finished environment",
                do=("remove that folder, then: convert targets install " + version,),
            )
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return _python_in(folder)


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environments(*, root: Path | None = None) -> dict[str, Path | None]:
    """Every known version, with the interpreter that has it, or None."""
    found: dict[str, Path | None] = {}
    for version in dict.fromkeys([*WHEELS, *([installed] if (installed := installed_version()) else [])]):
        try:
            found[version] = python_for(Target(version, "classic"), root=root)
        except TargetError:
            found[version] = None
    return found


def untried(version: str) -> str:
    """What to know before trusting results on a version that is older than all that torch2cv was tried on, or nothing."""
    oldest = min(WHEELS, key=numbers)
    return "" if numbers(version) >= numbers(oldest) else f"older than {oldest}, the oldest that torch2cv was tried on"
