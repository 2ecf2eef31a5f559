"""State dicts: finding one in a checkpoint, making its keys fit a module, saying all that does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.checkpoint.architecture import Built
from converter.errors import ArchitectureError, CheckpointError

if TYPE_CHECKING:
    import torch

NESTS = (
    "state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params", "ema", "model_ema",
    "ema_state_dict", "state_dict_ema", "params_ema",
)  # fmt: skip
"""Where training scripts put the weights. The first found wins; averaged weights are taken when there are no others."""

_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_INFIXES = ("_orig_mod.", "module.")
_SHOWN = 10


@dataclass(frozen=True)
class StateDict:
    """Tensors by name, and what was noticed on the way to them."""

    tensors: dict[str, torch.Tensor]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Misfit:
    """How keys and shapes of a state dict (`found`) differ from those of a module (`expected`)."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]  # key, found, expected

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)


def find(loaded: Any, path: object) -> StateDict:
    """The state dict in what a checkpoint holds: the object itself, or nested under a usual key, two levels deep.

    Entries that are no tensors (optimizer, epoch) are left out. Raises CheckpointError when there is none, or several
    under names that say nothing.
    """
    if not isinstance(loaded, Mapping):
        raise CheckpointError(
            f"{path} holds no weights",
            measured=f"its content is a {type(loaded).__name__}, expected a state dict (a mapping of names to tensors)",
            do=("save the weights where it was made: torch.save(model.state_dict(), 'weights.pth')",),
        )
    found = list(_nested(loaded, (), 2))
    if found:
        keys, tensors = found[0]
        others = [" / ".join(other) for other, _ in found[1:] if other[: len(keys)] != keys]
        notes = [f"weights found under '{' / '.join(keys)}'"]
        if others:
            notes.append(f"more weights, not used, under {', '.join(others)}")
        return StateDict(tensors, tuple(notes))
    tensors = _tensors(loaded)
    if tensors:
        return StateDict(tensors)
    return _only_one(loaded, path)


def _nested(
    loaded: Mapping[Any, Any], keys: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """State dicts under the usual keys, in their order, the deeper of two nested ones only."""
    for key in NESTS if depth else ():
        inner = loaded.get(key)
        if not isinstance(inner, Mapping):
            continue
        deeper = list(_nested(inner, (*keys, key), depth - 1))
        yield from deeper
        if not deeper and (tensors := _tensors(inner)):
            yield (*keys, key), tensors


def _tensors(entries: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    import torch

    return {key: value for key, value in entries.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}


def _only_one(loaded: Mapping[Any, Any], path: object) -> StateDict:
    inner = {
        str(key): tensors
        for key, value in loaded.items()
        if isinstance(value, Mapping) and (tensors := _tensors(value))
    }  # fmt: skip
    if len(inner) == 1:
        ((key, tensors),) = inner.items()
        return StateDict(tensors, (f"weights found under '{key}'",))
    entries = ", ".join(f"{key} ({type(value).__name__})" for key, value in list(loaded.items())[:_SHOWN])
    if inner:
        raise CheckpointError(
            f"{path} holds the weights of several networks",
            measured=f"tensors under {', '.join(inner)}",
            do=(f"save one of them alone: torch.save(torch.load(PATH)['{next(iter(inner))}'], 'weights.pth')",),
        )
    raise CheckpointError(
        f"{path} holds no weights",
        measured=f"a dict with {entries or 'no entries'}; no tensors under {', '.join(NESTS)}",
        do=("save the weights where it was made: torch.save(model.state_dict(), 'weights.pth')",),
    )


def shapes(tensors: Mapping[str, torch.Tensor], count: int = 6) -> str:
    """The first keys with their shapes, for messages."""
    shown = ", ".join(f"{key} {shape_text(tuple(value.shape))}" for key, value in list(tensors.items())[:count])
    return shown + (", ..." if len(tensors) > count else "")


def shape_text(shape: tuple[int, ...]) -> str:
    """1x3x8x8, or "scalar"."""
    return "x".join(map(str, shape)) or "scalar"


def rename(state: StateDict, keys: set[str]) -> StateDict:
    """The state dict with wrappers' prefixes taken off its names, when that makes more of them be in `keys`.

    DataParallel writes "module." in front of every name, torch.compile "_orig_mod.", Lightning the attribute's name,
    mostly "model."; they also stack up. Entries outside of such a prefix belong to the wrapper (a loss, a metric) and
    are left out when the rest is complete.
    """
    best: dict[str, torch.Tensor] = state.tensors
    removed: tuple[str, ...] = ()
    queue: list[tuple[dict[str, torch.Tensor], tuple[str, ...]]] = [(best, ())]
    while queue:  # shortest ways first, so that no more is taken off than is needed
        tensors, steps = queue.pop(0)
        if _fitting(tensors, keys) > _fitting(best, keys):
            best, removed = tensors, steps
        if len(steps) < 3:
            queue.extend((shorter, (*steps, step)) for step, shorter in _shorter(tensors))
    if not removed:
        return state
    notes = (*state.notes, f"removed {', '.join(removed)} from the names")
    outside = [key for key in best if key not in keys]
    if outside and keys <= best.keys() and all(key in state.tensors for key in outside):
        best = {key: value for key, value in best.items() if key in keys}
        notes = (*notes, f"left out {len(outside)} of the wrapper's own tensors: {', '.join(outside[:3])}")
    return StateDict(best, notes)


def _fitting(tensors: Mapping[str, Any], keys: set[str]) -> int:
    return sum(key in keys for key in tensors)


def _shorter(tensors: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way to take one prefix off most of the names, or one infix out of any."""
    for prefix in _PREFIXES:
        carrying = sum(key.startswith(prefix) for key in tensors)
        if carrying * 2 > len(tensors):
            yield f"'{prefix}'", {key.removeprefix(prefix): value for key, value in tensors.items()}
    for infix in _INFIXES:
        if any(f".{infix}" in key for key in tensors):
            yield f"'.{infix}' (inside)", {key.replace(f".{infix}", "."): value for key, value in tensors.items()}


def fit(built: Built, state: StateDict, *, arch: str, arch_args: Mapping[str, Any]) -> tuple[str, ...]:
    """Load the state dict into the network, every key and every shape; returns what was noticed.

    Raises ArchitectureError that lists all missing, unexpected and misshapen keys.
    """
    import torch

    module = built.module
    expected = dict(module.state_dict())
    computed = {name: buffer for name, buffer in module.named_buffers() if name not in expected}
    state = rename(state, set(expected))
    tensors, notes = dict(state.tensors), list(state.notes)
    known = [key for key in tensors if key in computed and tensors[key].shape == computed[key].shape]
    for key in known:
        del tensors[key]
    if known:
        notes.append(f"left out {len(known)} tensors that the network computes itself: {', '.join(known[:3])}")
    counters = [key for key in expected if key not in tensors and key.endswith("num_batches_tracked")]
    if counters and any(key in expected for key in tensors):
        notes.append(f"{len(counters)} num_batches_tracked are not in the checkpoint; evaluation never reads them")
        tensors.update({key: expected[key] for key in counters})
    misfit = compare(tensors, expected)
    if misfit:
        raise _unfit(misfit, state, len(expected), arch, _advice(misfit, len(expected), built.parameters, arch_args))
    types = sorted({str(value.dtype).removeprefix("torch.") for value in tensors.values() if value.is_floating_point()})
    if types and types != ["float32"]:
        notes.append(f"weights of type {', '.join(types)} were made float32")
    module.float()  # before the weights come in: a network built in float16 would round them
    with torch.no_grad():
        module.load_state_dict(tensors, strict=True)
    return tuple(notes)


def compare(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> Misfit:
    """What does not fit. A lazy layer's shape is not known before its weights come, so every shape fits it."""
    from torch.nn.parameter import is_lazy

    return Misfit(
        tuple(key for key in expected if key not in tensors),
        tuple(key for key in tensors if key not in expected),
        tuple(
            (key, tuple(tensors[key].shape), tuple(value.shape))
            for key, value in expected.items()
            if key in tensors and not is_lazy(value) and tensors[key].shape != value.shape
        ),
    )


def _unfit(misfit: Misfit, state: StateDict, expected: int, arch: str, do: tuple[str, ...]) -> ArchitectureError:
    lines = [f"{len(state.tensors)} tensors in the checkpoint, {expected} in the network"]
    for word, keys in (("missing", misfit.missing), ("unexpected", misfit.unexpected)):
        if keys:
            lines.append(f"{len(keys)} {word}: {_list(keys)}")
    if misfit.misshapen:
        told = [f"{key} {shape_text(found)}, not {shape_text(wanted)}" for key, found, wanted in misfit.misshapen]
        lines.append(f"{len(told)} of another shape: {_list(told, '; ')}")
    lines.extend(state.notes)
    return ArchitectureError(f"the weights do not fit {arch}", measured="\n".join(lines), do=do)


def _list(items: tuple[str, ...] | list[str], comma: str = ", ") -> str:
    more = f"{comma}and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return comma.join(items[:_SHOWN]) + more


def _advice(
    misfit: Misfit, expected: int, parameters: frozenset[str] | None, arch_args: Mapping[str, Any]
) -> tuple[str, ...]:
    guess = {key: value for key, value in _guess(misfit).items() if parameters is None or key in parameters}
    if guess:
        return (f"build the network as the checkpoint has it: --arch-args '{json.dumps({**arch_args, **guess})}'",)
    if len(misfit.missing) == expected:
        return ("name the network that was trained: not one of its names is the same, so --arch is another family",)
    return ("name the network that was trained, with the arguments that it was built with: --arch and --arch-args",)


def _guess(misfit: Misfit) -> dict[str, Any]:
    """Arguments that would explain the whole misfit: another number of classes or of input channels, another head."""
    guess: dict[str, Any] = {}
    for key, found, wanted in misfit.misshapen:
        if len(found) != len(wanted):
            return {}
        if key.endswith(("weight", "bias")) and found[1:] == wanted[1:]:
            name, value = "num_classes", found[0]
        elif len(found) == 4 and found[:1] + found[2:] == wanted[:1] + wanted[2:]:
            name, value = "in_chans", found[1]
        else:
            return {}
        if guess.setdefault(name, value) != value:
            return {}
    if misfit.unexpected and all(key.startswith("aux_classifier.") for key in misfit.unexpected):
        guess["aux_loss"] = True
    elif misfit.unexpected:
        return {}
    return {} if misfit.missing else guess
