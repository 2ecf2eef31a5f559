"""From a checkpoint, or a module in memory, to a torch module that is ready to be exported."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.checkpoint import architecture, state
from converter.checkpoint.inspect import CheckpointInfo, inspect
from converter.checkpoint.read import read
from converter.checkpoint.refuse import refusal
from converter.errors import ArchitectureError, CheckpointError, InputError

if TYPE_CHECKING:
    import torch

_MODULES = ("ema", "model", "module", "net", "network", "generator")
"""Where a trusted checkpoint may hold a whole module; the averaged one is the one to use when there is one."""


@dataclass(frozen=True)
class LoadedModel:
    """A network that is ready to be exported: evaluation mode, float32, on the CPU, no gradients.

    `kind` is inspect.Kind for a file, "module" for a module in memory; `notes` say what was done to the checkpoint.
    `preprocess_hint` is timm's data config (input_size, interpolation, mean, std, crop_pct, crop_mode) for a network of
    timm. `input_hint` is the shape of a batch of one, where the architecture knows it.
    """

    module: torch.nn.Module
    kind: str
    path: Path | None = None
    sha256: str | None = None
    arch: str | None = None
    notes: tuple[str, ...] = ()
    preprocess_hint: dict[str, Any] | None = None
    input_hint: tuple[int, ...] | None = None


def load(
    source: str | os.PathLike[str] | torch.nn.Module,
    *,
    arch: str | None = None,
    arch_args: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> LoadedModel:
    """Load a checkpoint of any kind that `inspect` knows to be loadable, or take a module as it is (a copy of it).

    Without `trust` no code that a file carries runs: tensors are read, anything else is refused. `arch` names the
    network of a state dict and is run, for it is the user's. Raises CheckpointError (UnsafeCheckpointError),
    ArchitectureError, InputError.
    """
    if not isinstance(source, str | os.PathLike):
        return _from_memory(source)
    info = inspect(Path(source))
    if (error := refusal(info)) is not None:
        raise error
    main = _training_script(info, arch) if trust else None
    loaded = read(info, trust=trust, main=main)
    module, notes = _whole_module(loaded)
    if module is None:
        found = state.find(loaded, info.path)
        if arch is None:
            raise _nameless(info, found)
        built = architecture.build(arch, arch_args)
        module = built.module
        notes = state.fit(built, found, arch=arch, arch_args=arch_args or {})
    elif arch is not None:
        used = "gave the classes of the training script" if main is not None else "was not needed"
        notes = (*notes, f"--arch {arch} {used}: the file holds the network itself")
        arch = None
    module, more = _ready(module, str(info.path))
    preprocess, shape = _hints(module, arch)
    return LoadedModel(module, info.kind, info.path, info.sha256, arch, (*notes, *more), preprocess, shape)


def _from_memory(source: Any) -> LoadedModel:
    import torch

    if isinstance(source, torch.export.ExportedProgram):
        module, notes = _whole_module(source)
        assert module is not None
    elif isinstance(source, torch.nn.Module):
        module, notes = _copy(source)
    else:
        raise InputError(
            "there is no model to convert",
            measured=f"got a {type(source).__name__}",
            do=("give a torch.nn.Module, or the path of a checkpoint",),
        )
    module, more = _ready(module, "the module")
    preprocess, shape = _hints(module, None)
    return LoadedModel(module, "module", notes=(*notes, *more), preprocess_hint=preprocess, input_hint=shape)


def _copy(source: torch.nn.Module) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """A copy, so that the caller's module stays in training mode, on its device, with its gradients."""
    try:
        return copy.deepcopy(source), ()
    except Exception as error:  # whatever a layer's __deepcopy__ raises
        return source, (
            f"the module could not be copied ({type(error).__name__}: {error}), so it was itself put in eval mode",
        )


def _training_script(info: CheckpointInfo, arch: str | None) -> Any:
    """The script named by --arch, when the file asks for classes of the script that was run to train it."""
    if arch is None or not any(name.startswith("__main__.") for name in info.globals):
        return None
    return architecture.script(arch)


def _whole_module(loaded: Any) -> tuple[torch.nn.Module | None, tuple[str, ...]]:
    """The module that a checkpoint holds as such, or under a usual key; None when it holds none."""
    import torch

    if isinstance(loaded, torch.export.ExportedProgram):
        _refuse_training_graph(loaded)
        return loaded.module(), ()
    if isinstance(loaded, torch.nn.Module):
        return loaded, ()
    if isinstance(loaded, Mapping):
        held = [key for key in _MODULES if isinstance(loaded.get(key), torch.nn.Module)]
        if held:
            others = f", not the ones under {', '.join(held[1:])}" if held[1:] else ""
            return loaded[held[0]], (f"took the network under '{held[0]}'{others}",)
    return None, ()


def _refuse_training_graph(program: torch.export.ExportedProgram) -> None:
    """An exported program keeps the mode in which it was exported, and nothing can change it afterwards."""
    positions = {"aten.dropout.default": 2, "aten.batch_norm.default": 5, "aten.native_dropout.default": 2}
    for node in program.graph.nodes:
        position = positions.get(str(node.target))
        if position is not None and len(node.args) > position and node.args[position] is True:
            raise CheckpointError(
                "the network was exported in training mode",
                measured=f"{node.target} in its graph has training=True",
                do=("export it again after model.eval()",),
            )


def _nameless(info: CheckpointInfo, found: state.StateDict) -> ArchitectureError:
    return ArchitectureError(
        f"{info.path} holds weights alone: which network they belong to has to be said with --arch",
        measured=f"{len(found.tensors)} tensors: {state.shapes(found.tensors)}",
        do=(
            "--arch timm:NAME or --arch torchvision:NAME, for a network of these libraries",
            "--arch package.module:callable or --arch path/to/file.py:callable, for your own",
        ),
    )


def _ready(module: torch.nn.Module, name: str) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Unwrapped, on the CPU, in evaluation mode, float32, without gradients, every weight a number."""
    import torch

    notes = []
    while isinstance(inner := _wrapped(module), torch.nn.Module):
        notes.append(f"took the network out of {type(module).__name__}")
        module = inner
    _refuse_empty(module, name)
    try:
        module.eval()
    except NotImplementedError:  # torch.export's modules; _refuse_training_graph has looked at those from files
        notes.append("an exported program stays in the mode in which it was exported")
    for parameter in module.parameters():  # TorchScript modules have no requires_grad_
        parameter.requires_grad_(False)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    others = {
        str(t.dtype).removeprefix("torch.")
        for t in tensors.values()
        if t.is_floating_point() and t.dtype != torch.float32
    }
    module.cpu()
    if others:
        module.float()
        notes.append(f"weights of type {', '.join(sorted(others))} were made float32")
    _refuse_not_finite(module, name)
    return module, tuple(notes)


def _wrapped(module: torch.nn.Module) -> Any:
    """What DataParallel, DistributedDataParallel or torch.compile have wrapped, else None."""
    import torch

    if isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        return module.module
    return getattr(module, "_orig_mod", None) if type(module).__name__ == "OptimizedModule" else None


def _refuse_empty(module: torch.nn.Module, name: str) -> None:
    from torch.nn.parameter import is_lazy

    empty = [key for key, value in module.named_parameters() if is_lazy(value) or value.is_meta]
    if empty:
        raise ArchitectureError(
            f"{name} has weights without values",
            measured=f"{len(empty)} parameters are lazy or on the meta device: {', '.join(empty[:5])}",
            do=("run the network once on an example, or load its weights, before it is converted",),
        )


def _refuse_not_finite(module: torch.nn.Module, name: str) -> None:
    """NaN anywhere; infinity in what is trained or counted. An attention mask may hold -inf and be right."""
    import torch

    parameters = {key for key, _ in module.named_parameters()}
    bad = []
    for key, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            continue
        trained = key in parameters or key.endswith(("running_mean", "running_var"))
        wrong = ~torch.isfinite(tensor) if trained else torch.isnan(tensor)
        if count := int(wrong.sum()):
            bad.append(f"{key} ({count:,} of {tensor.numel():,})")
    if bad:
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise CheckpointError(
            f"{name} holds weights that are not numbers",
            measured=f"NaN or infinity in {len(bad)} tensors: {', '.join(bad[:10])}{more}",
            do=("take a checkpoint from before the training diverged",),
        )


def _hints(module: torch.nn.Module, arch: str | None) -> tuple[dict[str, Any] | None, tuple[int, ...] | None]:
    """(preprocess_hint, input_hint). timm's networks carry their own; torchvision's image classifiers are known by the
    crop of their default weights, whose preprocessing is not taken for that of the user's own weights.
    """
    if (arch or "").startswith("timm:") or type(module).__module__.startswith("timm."):
        config = dict(architecture.library("timm").data.resolve_model_data_config(module))
        shape = _timm_input(module, config)
        return (config if shape[0] == config["input_size"][0] else None), (1, *shape)
    if arch is not None and arch.startswith("torchvision:"):
        models = architecture.library("torchvision").models
        weights = getattr(models.get_model_weights(arch.partition(":")[2]), "DEFAULT", None)
        crop = getattr(weights.transforms(), "crop_size", None) if weights is not None else None
        return None, (1, 3, int(crop[0]), int(crop[0])) if crop and len(crop) == 1 else None
    return None, None


def _timm_input(module: torch.nn.Module, config: Mapping[str, Any]) -> tuple[int, ...]:
    """(channels, height, width). timm's config keeps those of the published weights when `in_chans` or `img_size` say
    otherwise, so the first layer is asked. Mean and std of three colours say nothing about other channels.
    """
    channels, *size = (int(number) for number in config["input_size"])
    first = dict(getattr(module, "pretrained_cfg", {})).get("first_conv")
    weight = dict(module.named_parameters()).get(f"{first}.weight")
    if weight is not None and weight.ndim == 4:
        channels = int(weight.shape[1])
        for part in module.modules():  # a stem that first makes channels of squares of pixels
            if type(part).__name__.startswith("SpaceToDepth"):
                channels //= int(getattr(part, "bs", 4)) ** 2
                break
    fixed = getattr(getattr(module, "patch_embed", None), "img_size", None)
    return (channels, *(size if fixed is None else (int(number) for number in fixed)))
