"""A preprocessing from something in Python: a transform object that the user names, or published weights."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from converter.errors import ConverterError, PreprocessError
from converter.preprocess.carrying import cannot_carry, fitting
from converter.preprocess.from_albumentations import read_albumentations
from converter.preprocess.from_huggingface import read_huggingface
from converter.preprocess.from_torchvision import read_detection, read_torchvision
from converter.preprocess.readers import read_values
from converter.preprocess.spec import Preprocess


def read_named(spec: str, shape: tuple[int, ...]) -> Preprocess:
    """`torchvision:WEIGHTS`, `package.module:name` or `path/to/file.py:name`. The last two run code: the user named it.

    Raises PreprocessError for what does not exist, does not run, or cannot be carried over.
    """
    where, _, name = spec.rpartition(":")
    if where == "torchvision":
        return read_object(_published(name), shape, f"the preprocessing of {name}")
    is_file = where.endswith(".py")
    try:
        found: Any = _run_file(Path(where)) if is_file else _import(where)
        for part in name.split("."):
            found = getattr(found, part)
        if inspect.isfunction(found) or inspect.isclass(found):
            found = _made_by(found, spec)
    except ConverterError:
        raise
    except Exception as error:  # the user's code raises anything
        raise PreprocessError(
            f"--preprocess {spec} cannot be loaded",
            measured=f"{type(error).__name__}: {error}",
            do=(
                "name a transform, or a function that makes one: package.module:transform or path/to/file.py:transform",
            ),
        ) from error
    return read_object(found, shape, f"the preprocessing {spec}")


def read_object(found: Any, shape: tuple[int, ...], name: str = "the preprocessing") -> Preprocess:
    """What `Preprocess.from_transform` says; `name` is what errors call it."""
    if isinstance(found, Preprocess):
        return fitting(found, shape, name)
    if isinstance(found, Mapping):
        return read_values(dict(found), shape, name)
    if callable(getattr(found, "transforms", None)) and hasattr(found, "url"):
        found = found.transforms()  # a member of a torchvision weights enumeration
    modules = {kind.__module__.split(".")[0] for kind in type(found).__mro__}
    if "transformers" in modules and hasattr(found, "to_dict"):
        return read_huggingface({**found.to_dict(), "backend": getattr(found, "backend", None)}, shape, name)
    if modules & {"albumentations", "albucore"} and hasattr(found, "to_dict"):
        return read_albumentations({"transform": found.to_dict()}, shape, name)
    if type(found).__name__ == "GeneralizedRCNNTransform":
        return read_detection(found, shape, name)
    if hasattr(found, "transforms") or modules & {"torch", "torchvision", "timm"}:
        return read_torchvision(found, shape, name)
    raise cannot_carry(
        name,
        f"it is a {type(found).__module__}.{type(found).__qualname__}; known: torchvision's transforms and weights, timm's "
        "transforms, Hugging Face's image processors, Albumentations' transforms, dicts of a preprocessing's keys",
    )


def _published(name: str) -> Any:
    """The transform of torchvision's weights: `ResNet50_Weights.IMAGENET1K_V2`, or `resnet50` for its default ones."""
    from converter.checkpoint.architecture import library

    models = library("torchvision").models
    try:
        weights = models.get_weight(name) if "." in name else models.get_model_weights(name).DEFAULT
    except (ValueError, AttributeError, KeyError) as error:
        kinds = [f"{weights}" for builder in models.list_models() for weights in models.get_model_weights(builder)]
        close = difflib.get_close_matches(name, kinds, n=3, cutoff=0.5)
        raise PreprocessError(
            f"torchvision has no weights called {name}",
            measured=str(error) or type(error).__name__,
            do=tuple(f"--preprocess torchvision:{match}" for match in close)
            or ("name them as torchvision does: torchvision:ResNet50_Weights.IMAGENET1K_V2",),
        ) from error
    return weights.transforms()


def _made_by(factory: Any, spec: str) -> Any:
    needed = [
        name
        for name, parameter in inspect.signature(factory).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise cannot_carry(
            f"the preprocessing {spec}",
            f"it needs arguments ({', '.join(needed)}): what a function does to a picture cannot be known, and a function "
            "that makes a transform is called without any",
        )
    return factory()


def _import(name: str) -> ModuleType:
    with _importable(str(Path.cwd())):
        return importlib.import_module(name)


@contextlib.contextmanager
def _importable(folder: str) -> Iterator[None]:
    """The folder stands first on sys.path, as it does for a script that Python runs."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:  # the user's code may have taken it off itself
            sys.path.remove(folder)


def _run_file(path: Path) -> ModuleType:
    name = f"preprocess_{path.stem}_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PreprocessError(
            f"--preprocess {path}: there is no such file",
            measured=f"looked in {path.resolve().parent}",
            do=("give the path from the folder you are in, or an absolute one",),
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling in it look there
    with _importable(str(path.resolve().parent)):
        spec.loader.exec_module(module)
    return module
