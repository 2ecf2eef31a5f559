"""--arch: from a name to a torch module with random weights.

timm:NAME, torchvision:NAME, package.module:callable or path/to/file.py:callable. The last two run the user's own code,
as the user asked. What such code raises is told with its last line and its place, chained.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from converter.errors import ArchitectureError

if TYPE_CHECKING:
    import torch

FORMS = "timm:NAME, torchvision:NAME, package.module:callable or path/to/file.py:callable"
_LIBRARIES = ("timm", "torchvision")


def parse_arch_args(text: str) -> dict[str, Any]:
    """--arch-args: a JSON object, the keyword arguments of the architecture. Raises ArchitectureError."""
    example = """write a JSON object in single quotes: --arch-args '{"num_classes": 10}'"""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArchitectureError(
            "--arch-args is not JSON", measured=f"{error.msg} at character {error.pos + 1} of {text}", do=(example,)
        ) from error
    if not isinstance(value, dict):
        raise ArchitectureError(
            "--arch-args is not a JSON object", measured=f"{text} is a {type(value).__name__}", do=(example,)
        )
    return value


@dataclass(frozen=True)
class Built:
    """A network with random weights, and the names of the arguments that its maker takes (None: any)."""

    module: torch.nn.Module
    parameters: frozenset[str] | None


def build(spec: str, args: Mapping[str, Any] | None = None) -> Built:
    """The network that `spec` names, built with `args`. Raises ArchitectureError."""
    kind, target, name = split(spec)
    args = dict(args or {})
    if kind == "timm":
        return _timm(name, args)
    if kind == "torchvision":
        return _torchvision(name, args)
    with _importable(Path(target).resolve().parent if kind == "file" else Path.cwd()):
        module = _run_file(Path(target)) if kind == "file" else _import(target, spec)
        return _call(spec, _member(module, name, spec), args)


def split(spec: str) -> tuple[str, str, str]:
    """(kind, where, name), kind one of "timm", "torchvision", "file", "module". Raises ArchitectureError."""
    where, colon, name = spec.rpartition(":")
    for library in _LIBRARIES:
        if spec.startswith(f"{library}:") and len(spec) > len(library) + 1:
            return library, library, spec[len(library) + 1 :]
    if not colon or not where or not name or where.endswith(("/", "\\")) or name.endswith(".py"):
        path = Path(spec)
        if path.suffix == ".py" and path.is_file():
            _fail_form(
                spec, "it names a file, but not the function or class in it that builds the network", _functions(path)
            )
        _fail_form(spec, "it has no name after a colon", ())
    if where.endswith(".py") or "/" in where or "\\" in where:
        return "file", where, name
    return "module", where, name


def _fail_form(spec: str, measured: str, names: tuple[str, ...]) -> NoReturn:
    do = [f"--arch {spec}:{name}" for name in names[:3]] or [f"--arch takes {FORMS}"]
    if not names and spec.isidentifier():
        do.extend(f"--arch {library}:{spec}" for library in _LIBRARIES)
    raise ArchitectureError(f"--arch {spec} cannot be understood", measured=measured, do=tuple(do))


def _functions(path: Path) -> tuple[str, ...]:
    """Public functions and classes at a file's top level, without running it; none when it does not parse."""
    import ast

    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ()  # the file's own error is told when it is run
    return tuple(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )


# --- libraries ------------------------------------------------------------------------------------------------------


def library(name: str) -> Any:
    """timm or torchvision, imported. Raises ArchitectureError when it is absent or does not work with this torch."""
    import torch

    try:
        return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise ArchitectureError(
                f"--arch {name}: needs the package {name}",
                measured=f"it is not installed in {sys.prefix}",
                do=(f'pip install "torch2cv[{name}]"',),
            ) from error
        raise ArchitectureError(
            f"the installed {name} cannot be imported",
            measured=f"{_last_line(error)} (torch {torch.__version__})",
            do=(
                "install builds that belong together: pip install --upgrade torch torchvision"
                + " timm" * (name == "timm"),
                "or give the network's source: --arch path/to/file.py:callable",
            ),
        ) from error


def _timm(name: str, args: dict[str, Any]) -> Built:
    timm = library("timm")
    if not timm.is_model(name):
        _unknown(name, "timm", timm.list_models())
    return _call(f"timm:{name}", lambda **kw: timm.create_model(name, pretrained=False, **kw), args)


def _torchvision(name: str, args: dict[str, Any]) -> Built:
    models = importlib.import_module(f"{library('torchvision').__name__}.models")
    if name not in models.list_models():
        _unknown(name, "torchvision", models.list_models())
    builder = models.get_model_builder(name)
    accepted = inspect.signature(builder).parameters
    # without these, a segmentation or detection network downloads the weights of its backbone
    none = {key: None for key in ("weights", "weights_backbone") if key in accepted}
    return _call(f"torchvision:{name}", builder, {**none, **args})


def _unknown(name: str, package: str, names: list[str]) -> NoReturn:
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    version = library(package).__version__
    raise ArchitectureError(
        f"{package} has no network called {name}",
        measured=f"not among the {len(names)} names of {package} {version}",
        do=tuple(f"--arch {package}:{match}" for match in close)
        or (f'list them: python -c "import {_LISTS[package]} as m; print(*m.list_models())"',),
    )


_LISTS = {"timm": "timm", "torchvision": "torchvision.models"}


# --- the user's own code ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The folder stands first on sys.path, as it does for a script that Python runs."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the user's code may have taken it off itself
            sys.path.remove(str(folder))


def script(spec: str) -> types.ModuleType | None:
    """The module of `path/to/file.py:callable`, run; None for the other forms."""
    kind, target, _ = split(spec)
    if kind != "file":
        return None
    with _importable(Path(target).resolve().parent):
        return _run_file(Path(target))


def _run_file(path: Path) -> types.ModuleType:
    if not path.is_file():
        near = sorted(entry.name for entry in path.parent.glob("*.py")) if path.parent.is_dir() else []
        raise ArchitectureError(
            f"--arch {path}: there is no such file",
            measured=f"looked in {path.resolve().parent}" + (f", which holds {', '.join(near[:5])}" if near else ""),
            do=("give the path from the folder you are in, or an absolute one",),
        )
    # its own name for each path, so that two files called model.py do not become one module
    name = f"_torch2cv_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    found = importlib.util.spec_from_file_location(
        name, path, loader=importlib.machinery.SourceFileLoader(name, str(path))
    )
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(f"--arch {path}: the file stops with an error", error, path) from error
    return module


def _import(target: str, spec: str) -> types.ModuleType:
    try:
        return importlib.import_module(target)
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and target.startswith(error.name or "?")
        if not missing:
            raise _broken(f"--arch {spec}: {target} stops with an error", error, None) from error
        close = difflib.get_close_matches(target, _LIBRARIES, n=1, cutoff=0.6)
        raise ArchitectureError(
            f"--arch {spec}: there is no module {target}",
            measured=f"{error}; looked in {Path.cwd()} and in {sys.prefix}",
            do=(*(f"--arch {match}:{spec.rpartition(':')[2]}" for match in close), f"--arch takes {FORMS}"),
        ) from error


def _broken(what: str, error: BaseException, path: Path | None) -> ArchitectureError:
    do = "run it in Python alone until it works"
    if isinstance(error, SystemExit):
        do = 'move what the script does behind: if __name__ == "__main__":'
    elif isinstance(error, ImportError) and "relative import" in str(error):
        do = "name it as part of its package: --arch package.module:callable, in the folder that holds the package"
    elif isinstance(error, ModuleNotFoundError):
        do = f"install {error.name}, or run in the folder that holds it"
    return ArchitectureError(what, measured=f"{_last_line(error)}{_place(error, path)}", do=(do,))


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(type(error), error)[-1].strip()


def _place(error: BaseException, path: Path | None) -> str:
    """(file.py, line 3): the deepest line in the user's own file, or else the deepest of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if path is not None and Path(frame.filename).name == path.name]
    own = own or [frame for frame in frames if Path(frame.filename) != Path(__file__)]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _member(module: types.ModuleType, name: str, spec: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    names = [
        key
        for key, value in vars(module).items()
        if callable(value) and not key.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    close = difflib.get_close_matches(name, names, n=3) or names[:3]
    where = spec.rpartition(":")[0]
    raise ArchitectureError(
        f"--arch {spec}: there is nothing to call by that name",
        measured=f"{name} is a {type(found).__name__}"
        if hasattr(module, name)
        else f"{where} defines {', '.join(names) or 'no callable'}",
        do=tuple(f"--arch {where}:{match}" for match in close) or ("write a function there that returns the network",),
    )


def _call(spec: str, make: Callable[..., Any], args: dict[str, Any]) -> Built:
    import torch

    given = {key: value for key, value in args.items() if value is not None}
    try:
        module = make(**args)
    except (Exception, SystemExit) as error:
        signature = _signature(make)
        # timm's lambda passes its arguments on, so its own signature says nothing
        name = getattr(make, "__name__", type(make).__name__)
        told = f"\nit takes {name}{signature}" if signature and name != "<lambda>" else ""
        raise ArchitectureError(
            f"{spec} does not build with {json.dumps(given, default=repr) if given else 'no arguments'}",
            measured=f"{_last_line(error)}{_place(error, None)}{told}",
            do=("""give its arguments: --arch-args '{"name": value}'""",),
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ArchitectureError(
            f"{spec} gives no torch.nn.Module",
            measured=f"it returned a {type(module).__name__}",
            do=("name a function that returns the network, or the network's class",),
        )
    signature = _signature(make)
    kinds = [parameter.kind for parameter in signature.parameters.values()] if signature else []
    names = frozenset(signature.parameters) if signature and inspect.Parameter.VAR_KEYWORD not in kinds else None
    return Built(module, names)


def _signature(make: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(make)
    except (ValueError, TypeError):  # some callables written in C have none
        return None
