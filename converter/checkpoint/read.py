"""From a file to the object in it: tensors by readers that know tensors only; anything else when the user trusts it."""

from __future__ import annotations

import pickle
import re
import types
import warnings
import zipfile
from typing import Any

from converter.checkpoint.inspect import CheckpointInfo
from converter.checkpoint.pickles import open_member
from converter.checkpoint.refuse import AGAIN
from converter.checkpoint.standins import STANDINS, Array, harmless
from converter.errors import CheckpointError, UnsafeCheckpointError

TRUST = "if you know and trust where it comes from: --trust"
WEIGHTS = "or save the weights alone where it was made, torch.save(model.state_dict(), 'weights.pth'), and give --arch"
_SHOWN = 12


def read(info: CheckpointInfo, *, trust: bool, main: types.ModuleType | None = None) -> Any:
    """The object that a loadable file holds: a mapping, a torch.nn.Module, a torch.export.ExportedProgram.

    `main` stands in for the training script when a trusted pickle asks for classes of `__main__`.
    Raises UnsafeCheckpointError for a file that needs code without trust, CheckpointError for a damaged one.
    """
    if info.kind in ("zip-checkpoint", "torchscript", "torch-export"):
        _check_sums(info)
    reader = {"safetensors": _safetensors, "torchscript": _torchscript, "torch-export": _exported}.get(info.kind)
    if reader is not None:
        return reader(info, trust)
    if trust:
        return _pickled(info, main)
    if info.kind in ("zip-checkpoint", "legacy-checkpoint"):
        return _tensors(info)
    raise unsafe(info, f"a {info.kind}, for which there is no reader that knows tensors only")


def _check_sums(info: CheckpointInfo) -> None:
    """Compare every member of the archive with its checksum: torch does not, and would load damaged weights."""
    wrong = []
    with zipfile.ZipFile(info.path) as archive:
        members = archive.infolist()
        for member in members:
            try:
                with open_member(archive, member) as stream:
                    while stream.read(1 << 20):
                        pass
            except Exception as error:  # zipfile has many words for a damaged archive
                wrong.append(f"{member.filename} ({type(error).__name__}: {_reason(error)})")
    if wrong:
        raise CheckpointError(
            f"{info.path} is damaged",
            measured=f"{len(wrong)} of {len(members)} parts of the archive fail their checksum: {', '.join(wrong[:3])}",
            do=(AGAIN,),
        )


def unsafe(info: CheckpointInfo, reason: str) -> UnsafeCheckpointError:
    """The refusal of a file that needs code, with the names that it would import; `reason` where none is telling."""
    names = [name for name in info.globals if not harmless(name)]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return UnsafeCheckpointError(
        f"{info.path} cannot be loaded as tensors alone, and any other way runs code that it names",
        measured=f"unpickling it would import {shown}" if names else reason,
        do=(TRUST, WEIGHTS),
    )


def _tensors(info: CheckpointInfo) -> Any:
    """What torch.load reads with weights_only: tensors, numbers, strings, containers, and our stand-ins."""
    import torch

    allowed: list[Any] = [(standin, name) for name, standin in STANDINS.items()]
    try:
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about the pickle protocol: an error follows when it matters
            loaded = torch.load(
                info.path, map_location="cpu", weights_only=True, mmap=True if info.kind == "zip-checkpoint" else None
            )
    except pickle.UnpicklingError as error:
        reason = f"the reader for tensors stopped: {_reason(error)}"
        if "Unsupported operand" in reason:
            reason += "; it knows what torch.save writes with its default pickle_protocol, 2"
        raise unsafe(info, reason) from error
    except Exception as error:
        raise damaged(info, error) from error
    return _arrays_as_tensors(loaded)


def _pickled(info: CheckpointInfo, main: types.ModuleType | None) -> Any:
    """Anything that unpickling gives. The user said that the file is trusted."""
    import torch

    try:
        if info.kind == "pickle":
            with info.path.open("rb") as stream:
                return _arrays_as_tensors(_unpickler(main).Unpickler(stream).load())
        return torch.load(info.path, map_location="cpu", weights_only=False, pickle_module=_unpickler(main))
    except (ImportError, AttributeError) as error:
        raise _unknown_class(info, error) from error
    except Exception as error:
        raise damaged(info, error) from error


def _unpickler(main: types.ModuleType | None) -> Any:
    """A pickle module for torch.load that finds the classes of `__main__` in `main`."""

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if module == "__main__" and main is not None and hasattr(main, name):
                return getattr(main, name)
            return super().find_class(module, name)

    module: Any = types.ModuleType("converter_pickle")
    module.Unpickler = Unpickler
    module.load = lambda stream, **options: Unpickler(stream, **options).load()
    module.UnpicklingError = pickle.UnpicklingError
    return module


def _safetensors(info: CheckpointInfo, trust: bool) -> Any:
    import safetensors.torch

    try:
        return safetensors.torch.load_file(info.path, device="cpu")
    except Exception as error:
        raise damaged(info, error) from error


def _torchscript(info: CheckpointInfo, trust: bool) -> Any:
    """torch.jit.load runs the archive's __setstate__ methods, and TorchScript reaches torch.save and torch.from_file:
    an archive can overwrite files of this user while it is loaded (measured with torch 2.13). So it needs trust.
    """
    import torch

    if not trust:
        raise UnsafeCheckpointError(
            f"{info.path} is a TorchScript archive: a program that can run, and write files, while it is loaded",
            measured=f"it carries {info.detail}",
            do=(TRUST, WEIGHTS),
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's advice to those who write such archives
            return torch.jit.load(str(info.path), map_location="cpu")
    except Exception as error:
        raise damaged(info, error) from error


def _exported(info: CheckpointInfo, trust: bool) -> Any:
    """torch.export.load unpickles members without weights_only and evaluates expressions: it needs trust as well."""
    import torch

    if not trust:
        names = [name for name in info.globals if not harmless(name)]
        raise UnsafeCheckpointError(
            f"{info.path} is a torch.export archive: loading one evaluates expressions and unpickles objects",
            measured=f"it would import {', '.join(names[:_SHOWN])}"
            if names
            else "its pickles name nothing but tensors, its expressions cannot be told from code without running them",
            do=(TRUST, WEIGHTS),
        )
    try:
        return torch.export.load(info.path)
    except Exception as error:
        raise damaged(info, error) from error


def damaged(info: CheckpointInfo, error: Exception) -> CheckpointError:
    """A file that is of a known kind, and that its own reader gives up on."""
    return CheckpointError(
        f"{info.path} cannot be read: it is damaged or incomplete",
        measured=f"{info.kind}, {info.size:,} bytes; {type(error).__name__}: {_reason(error)}",
        do=(AGAIN,),
    )


def _unknown_class(info: CheckpointInfo, error: Exception) -> CheckpointError:
    main = [name for name in info.globals if name.startswith("__main__.")]
    return CheckpointError(
        f"{info.path} holds objects of classes that cannot be imported here",
        measured=f"{type(error).__name__}: {_reason(error)}",
        do=(
            f"name the script that defines {', '.join(main)}: --arch path/to/script.py:{main[0].split('.', 1)[1]}"
            if main
            else "install the package that defines them, or run in the folder where it was trained",
            WEIGHTS,
        ),
    )


def _reason(error: Exception) -> str:
    """The part of an error's text that says why: torch wraps one line in twenty of advice."""
    text = str(error)
    told = re.search(r"WeightsUnpickler error:\s*(.+)", text) or re.search(r"(\S.*)", text)
    return told.group(1).split(" Please use `torch.serialization")[0] if told else "no reason given"


def _arrays_as_tensors(value: Any) -> Any:
    """The same mappings, with NumPy arrays (real ones or stand-ins) as tensors."""
    import numpy as np
    import torch

    if isinstance(value, Array):
        value = value.array
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("=")))
    if isinstance(value, dict):
        return {key: _arrays_as_tensors(entry) for key, entry in value.items()}
    return value
