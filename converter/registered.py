"""Interpreters that the user registered as targets: a distribution's own OpenCV, a board's build, one with CUDA.

Each is known by a name, kept in the user's configuration directory with what cv2 said of itself when it was registered.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from converter.errors import TargetError

_LOOK = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]  # what lies in the current folder is not that interpreter's
import json
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
print(json.dumps(found))
sys.stdout.flush()
try:
    import numpy, cv2
    found["numpy"], found["opencv"] = numpy.__version__, cv2.__version__
    found["reads"] = hasattr(cv2.dnn, "readNetFromONNX")
except Exception as error:
    found["error"] = "%s: %s" % (type(error).__name__, str(error).strip().split(chr(10))[0])
print(json.dumps(found))
"""
"""Answers twice, so that a death while importing shows. In old Python's syntax: old ones are told what they are."""


@dataclass(frozen=True)
class Registered:
    """An interpreter that the user registered. `opencv` and `numpy`: what cv2 and numpy said of themselves there."""

    name: str
    python: Path
    opencv: str
    numpy: str

    @property
    def version(self) -> str:
        """Three numbers, also for a build that calls itself 4.11.0-dev."""
        return ".".join(re.findall(r"\d+", self.opencv)[:3])


def config_file() -> Path:
    """Where registered interpreters are kept."""
    import platformdirs

    return Path(platformdirs.user_config_dir("torch2cv")) / "targets.json"


def tables_folder() -> Path:
    """Where the measured tables of registered interpreters are kept: theirs, and gone with them."""
    return config_file().parent / "tables"


def _forget_tables(name: str) -> None:
    for engine in ("classic", "new"):
        (tables_folder() / f"{name}-{engine}.json").unlink(missing_ok=True)


def registered() -> dict[str, Registered]:
    """Every registered interpreter by its name. Raises TargetError when the file that holds them is damaged."""
    file = config_file()
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {
            name: Registered(name, Path(entry["python"]), str(entry["opencv"]), str(entry["numpy"]))
            for name, entry in entries.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TargetError(
            f"the registered targets cannot be read from {file}",
            measured=f"{type(error).__name__}: {error}",
            do=("repair that file, or remove it and register again: convert targets add NAME --python PATH",),
        ) from error


def add(name: str, python: str | Path) -> Registered:
    """Register an interpreter with cv2 as the target `name`, replacing one of that name.

    name: letters, digits, dots and dashes, beginning with a letter. python: a path, or a program's name on PATH.
    Raises TargetError when the name cannot be one, or when cv2.dnn cannot be used there.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]{0,63}", name) or name == "all" or name.endswith(("-classic", "-new")):
        raise TargetError(
            f"{name!r} cannot be the name of a target",
            measured="expected letters, digits, dots and dashes, a letter first; not 'all', nor -classic or -new at its end",
            do=("choose another, such as debian-4.6.0 or board",),
        )
    path = _executable(python)
    opencv, numpy = look(path)
    known = registered()
    before, known[name] = known.get(name), Registered(name, path, opencv, numpy)
    if before != known[name]:
        _forget_tables(name)  # of whatever had that name
    _store(known)
    return known[name]


def remove(name: str) -> None:
    """Forget a registered interpreter and what was measured of it; nothing of its own is touched.

    Raises TargetError when there is none of that name.
    """
    known = registered()
    if known.pop(name, None) is None:
        raise _unregistered(name)
    _forget_tables(name)
    _store(known)


def look(python: Path) -> tuple[str, str]:
    """What cv2 and numpy say of themselves in that interpreter. Raises TargetError when cv2.dnn cannot be used there."""
    try:
        done = subprocess.run([str(python), "-c", _LOOK], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
        raise _no_python(python, str(error)) from error
    answers = [line for line in done.stdout.splitlines() if line.startswith('{"python"')]
    if not answers:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise _no_python(python, f"exit code {done.returncode}, and it says: {said}")
    found = json.loads(answers[-1])
    if len(answers) == 1:  # it did not come back from importing them
        problem = f"Python {found['python']}: importing cv2 ends the process, exit code {done.returncode}"
    elif numbers(found["python"]) < (3, 8):
        problem = f"Python {found['python']}, expected 3.8 or later"
    elif "error" in found:
        problem = f"Python {found['python']}: {found['error']}"
    elif not found["reads"] or numbers(found["opencv"]) < (4,):
        problem = f"OpenCV {found['opencv']}; expected 4.0 or later with its dnn module"
    else:
        return found["opencv"], found["numpy"]
    raise TargetError(
        f"cv2.dnn cannot be used in {python}",
        measured=problem,
        do=(f"{python} -m pip install opencv-python-headless", "or give an interpreter that has cv2 and numpy"),
    )


def python_of(name: str) -> Path:
    """The interpreter registered under that name. Raises TargetError when there is none, or it is not there any more."""
    found = registered().get(name)
    if found is None:
        raise _unregistered(name)
    if not found.python.exists():
        raise TargetError(
            f"the Python of {name} is gone",
            measured=f"registered with OpenCV {found.opencv}: {found.python}, which does not exist",
            do=(f"convert targets add {name} --python PATH", f"or: convert targets remove {name}"),
        )
    return found.python


def numbers(version: str) -> tuple[int, ...]:
    """Up to three numbers, to compare versions by."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _executable(python: str | Path) -> Path:
    """The program as an absolute path. Links stay: a virtual environment's python is one, and knows its packages by it."""
    path = Path(python).expanduser()
    if path.is_dir():
        raise _no_python(path, "that is a folder; a virtual environment's interpreter is its bin/python")
    found = shutil.which(str(path))
    if found is None:
        raise _no_python(
            path, "that file is not executable" if path.exists() else "no such file, and no such program on PATH"
        )
    return Path(os.path.abspath(found))  # noqa: PTH100 (resolve() would follow links)


def _no_python(path: Path, problem: str) -> TargetError:
    return TargetError(
        f"{path} is no Python that can be started",
        measured=problem,
        do=("give the interpreter that has cv2, for example: --python /usr/bin/python3",),
    )


def _unregistered(name: str) -> TargetError:
    return TargetError(
        f"no target is registered as {name!r}",
        measured=f"registered: {', '.join(registered()) or 'none'}",
        do=("see them: convert targets", f"register it: convert targets add {name} --python PATH"),
    )


def _store(targets: dict[str, Registered]) -> None:
    """Write beside, then rename: whoever reads meanwhile sees the old file or the new one."""
    file = config_file()
    entries = {
        name: {"python": str(target.python), "opencv": target.opencv, "numpy": target.numpy}
        for name, target in sorted(targets.items())
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".targets-", dir=file.parent) as beside:
            part = Path(beside) / file.name
            part.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
            part.replace(file)
    except OSError as error:
        raise TargetError(
            f"the registered targets cannot be written to {file}",
            measured=str(error),
            do=("make that folder writable",),
        ) from error
