"""OpenCV versions as targets: their names, and where an interpreter that has one is found.

Every version lives in a virtual environment of its own (OpenCV's wheels cannot stand side by side in one), in the user's
cache directory. The version that is installed beside us needs none. Any other interpreter with cv2 (a distribution's, a board's,
one built with CUDA) can be registered under a name; names are kept in the user's configuration directory.
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
        elif (registered := custom_targets().get(name)) is not None:
            version, custom = registered.version, name
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
    registered = f"; registered: {', '.join(names)}" if (names := custom_targets()) else ""
    return TargetError(
        f"{text!r} is not an OpenCV version that torch2cv knows",
        measured=f"known: {', '.join(WHEELS)} and 5.0.0-classic; installed here: {installed_version() or 'none'}{registered}",
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
        return _python_of(target.custom)
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


# --- interpreters that the user registered --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CustomTarget:
    """An interpreter that the user registered. `opencv` and `numpy`: what cv2 and numpy said of themselves there."""

    name: str
    python: Path
    opencv: str
    numpy: str

    @property
    def version(self) -> str:
        """Three numbers, also for a build that calls itself 4.11.0-dev."""
        return ".".join(re.findall(r"\d+", self.opencv)[:3])

    @property
    def untried(self) -> str:
        """What to know before trusting results on it, or nothing."""
        if _numbers(self.version) >= min(_numbers(version) for version in WHEELS):
            return ""
        return f"OpenCV {self.opencv} is older than every version that torch2cv was tried on ({next(iter(WHEELS))} is the oldest)"


def config_file() -> Path:
    """Where registered interpreters are kept."""
    import platformdirs

    return Path(platformdirs.user_config_dir("torch2cv")) / "targets.json"


def custom_targets() -> dict[str, CustomTarget]:
    """Every registered interpreter by its name. Raises TargetError when the file that holds them is damaged."""
    file = config_file()
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {
            name: CustomTarget(name, Path(entry["python"]), str(entry["opencv"]), str(entry["numpy"]))
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


def add(name: str, python: str | Path) -> CustomTarget:
    """Register an interpreter with cv2 as the target `name`, replacing one of that name.

    name: letters, digits, dots and dashes, beginning with a letter. python: a path, or a program's name on PATH.
    Raises TargetError when the name cannot be one, or when cv2.dnn cannot be used there.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]{0,63}", name) or name == "all" or name.endswith(("-classic", "-new")):
        raise TargetError(
            f"{name!r} cannot be the name of a target",
            measured="expected letters, digits, dots and dashes, a letter first; not 'all', nor an engine (-classic, -new) at its end",
            do=("choose another, such as debian-4.6.0 or board",),
        )
    path = _executable(python)
    opencv, numpy = look(path)
    known = custom_targets()
    known[name] = CustomTarget(name, path, opencv, numpy)
    _store(known)
    return known[name]


def remove(name: str) -> None:
    """Forget a registered interpreter; nothing of it is touched. Raises TargetError when there is none of that name."""
    known = custom_targets()
    if known.pop(name, None) is None:
        raise _unregistered(name)
    _store(known)


def look(python: Path) -> tuple[str, str]:
    """What cv2 and numpy say of themselves in that interpreter. Raises TargetError when cv2.dnn cannot be used there."""
    # what lies in the current folder is not that interpreter's
    code = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import json
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
try:
    import numpy, cv2
    found["numpy"], found["opencv"] = numpy.__version__, cv2.__version__
    found["reads"] = hasattr(cv2.dnn, "readNetFromONNX")
except Exception as error:
    found["error"] = "%s: %s" % (type(error).__name__, str(error).strip().split(chr(10))[0])
print(json.dumps(found))
"""
    try:
        done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
        raise _no_python(python, str(error)) from error
    answers = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not answers:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise _no_python(python, f"exit code {done.returncode}, and it says: {said}")
    found = json.loads(answers[-1])
    if _numbers(found["python"]) < (3, 8):
        problem = f"Python {found['python']}, expected 3.8 or later"
    elif "error" in found:
        problem = f"Python {found['python']}: {found['error']}"
    elif not found["reads"] or _numbers(found["opencv"]) < (4,):
        problem = f"OpenCV {found['opencv']}; expected 4.0 or later with its dnn module"
    else:
        return found["opencv"], found["numpy"]
    raise TargetError(
        f"cv2.dnn cannot be used in {python}",
        measured=problem,
        do=(f"{python} -m pip install opencv-python-headless", "or give an interpreter that has cv2 and numpy"),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _executable(python: str | Path) -> Path:
    """The program as an absolute path. Links stay: a virtual environment's python is one, and knows its packages by it."""
    path = Path(python).expanduser()
    if path.is_dir():
        raise _no_python(path, f"that is a folder; a virtual environment's interpreter is {_python_in(path)}")
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
        measured=f"registered: {', '.join(custom_targets()) or 'none'}",
        do=("see them: convert targets", f"register it: convert targets add {name} --python PATH"),
    )


def _python_of(name: str) -> Path:
    registered = custom_targets().get(name)
    if registered is None:
        raise _unregistered(name)
    if not registered.python.exists():
        raise TargetError(
            f"the Python of {name} is gone",
            measured=f"registered with OpenCV {registered.opencv}: {registered.python}, which does not exist",
            do=(f"convert targets add {name} --python PATH", f"or: convert targets remove {name}"),
        )
    return registered.python


def _store(targets: dict[str, CustomTarget]) -> None:
    """Write beside, then rename: whoever reads meanwhile sees the old file or the new one."""
    file = config_file()
    entries = {
        name: {"python": str(target.python), "opencv": target.opencv, "numpy": target.numpy}
        for name, target in sorted(targets.items())
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix="targets-", dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(entries, indent=2) + "\n")
        Path(part).replace(file)
    except OSError as error:
        raise TargetError(
            f"the registered targets cannot be written to {file}",
            measured=str(error),
            do=("make that folder writable",),
        ) from error
