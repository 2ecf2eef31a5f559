"""convert(): the eight steps, top to bottom; `search` goes through the middle ones for each exporter.

checkpoint -> export -> simplify -> check -> rewrite -> verify -> weights -> emit -> bundle
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from converter import checkpoint, manifest
from converter.attempt import Attempt
from converter.bundle import Bundle, staged, write_manifest
from converter.deploy import render_deploy
from converter.errors import ConversionError, InputError, MismatchError, UnsupportedOpError
from converter.export import Input, network
from converter.halving import check_weights, with_half_weights
from converter.inputs import photos, picture_input, read_example, read_labels
from converter.islands import render_islands
from converter.npz import save_npz
from converter.numpy_runtime import TensorInfo
from converter.preprocess import Preprocess
from converter.preprocess.carrying import fitting
from converter.progress import Progress
from converter.render import render
from converter.search import TIME_LIMIT, search
from converter.targets import Target, default_targets, python_for
from converter.tasks import guess_task, task_named
from converter.verification import (
    ARGMAX_TASKS,
    TOLERANCE,
    Sample,
    draw_samples,
)

if TYPE_CHECKING:
    import torch


WHOLE_PICTURE = {"segmentation", "detection", "instance_segmentation", "depth", "keypoints", "image", "text"}
"""Tasks whose results are wanted for all of a picture, not for its middle."""


def convert(
    model: str | Path | torch.nn.Module,
    *,
    arch: str | None = None,
    arch_args: Mapping[str, Any] | None = None,
    example: Any = None,
    targets: Sequence[str | Target] = (),
    preprocess: str | Preprocess | None = None,
    task: str | None = None,
    task_settings: Mapping[str, Any] | Sequence[str] | None = None,
    labels: str | Path | Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
    weights: str = "float32",
    trust: bool = False,
    strict: bool = False,
    time_limit: float = TIME_LIMIT,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Convert a checkpoint, or a module in memory, into a bundle that was proven on every target.

    Parameters
    ----------
    model: a checkpoint file, or a torch.nn.Module.
    arch: what the weights belong to: "timm:NAME", "torchvision:NAME", "package.module:callable" or "file.py:callable".
    arch_args: keyword arguments for it.
    example: the input: a shape such as "1x3x224x224" or (1, 3, 224, 224), a tensor, or a list of these for several inputs.
        Default: what the architecture was made for, else an image of 224x224.
    targets: OpenCV versions such as "4.10.0" or "5.0.0-classic", each installed. Default: the installed one.
    preprocess: how a picture becomes the input: a word ("imagenet", "imagenet:256/224", "unit", "none", "letterbox", "timm"),
        "torchvision:WEIGHTS", a .json or .toml file, "package.module:transform" or "file.py:transform" (these two run that
        code), or a Preprocess; texts may end in "+fast" and other modifiers. Default: the architecture's own, else
        "imagenet" for three channels (the whole picture stretched, for a segmentation) and "unit" otherwise.
    task: what deploy.py makes of the outputs; guessed from their shapes, and the number of labels, by default.
    task_settings: of the task, by name, or as a command line gives them: {"head": "yolov5"}, ["head=yolov5"]. What is not given
        has the task's default; `deploy.py --set` changes them later.
    labels: class names, or a file of them.
    tolerance: the gate: max |difference| over max |PyTorch's output|, per output.
    weights: how weights.npz holds them: "float32", or "float16", which halves the file. NumPy computes in float32 with what
        is left of the weights; the difference is measured, reported, and allowed for in its self-test.
    trust: run the code that a checkpoint names. Only for files whose origin you know.
    strict: refuse when a target's cv2.dnn cannot run the model, instead of falling back to NumPy there.
    time_limit: seconds after which the search tries nothing new; what was found until then is verified and written.
    out: the bundle's folder. Default: the checkpoint's name with "-opencv".

    Returns
    -------
    The bundle, written whole. On any error nothing is written, and what was there stays.

    Raises
    ------
    InputError for something given that cannot be used, ConversionError for a model that cannot be converted as asked.
    """
    tell = progress or Progress()
    asked = tuple(dict.fromkeys(t if isinstance(t, Target) else Target.parse(t) for t in targets)) or default_targets()
    for target in asked:
        python_for(target)  # before any work: a target that is not installed cannot be measured
    if not 0 < tolerance < 1:
        raise InputError(
            f"the tolerance {tolerance} is not usable",
            measured="expected a number above 0 and below 1",
            do=("--tolerance 1e-4",),
        )
    check_weights(weights)
    names = read_labels(labels)

    tell.start("load")
    loaded = checkpoint.load(model, arch=arch, arch_args=dict(arch_args or {}), trust=trust)
    inputs, arrays = read_example(example, loaded.module, loaded.input_hint)
    net = network(loaded.module, inputs)
    output_shapes = dict(zip(net.outputs, net.output_shapes, strict=True))
    job = _task(task, output_shapes, inputs[0].shape, names)
    settings = task_named(job).read(task_settings or {})
    check_labels(names, job, output_shapes, settings)
    recipe = read_preprocess(preprocess, picture_input(inputs), loaded.preprocess_hint, job)
    tell.finish(manifest.describe_source(loaded, net))

    with staged(Path(out) if out is not None else default_out(model)) as folder:
        samples = draw_samples(net, {**photos(inputs, recipe), **({"example": arrays} if arrays else {})})
        best = search(net, samples, asked, tolerance, job, tell, time_limit)
        gate(best, tolerance, strict)

        tell.start("weights")
        numpy_tolerance, halves = tolerance, weights == "float16"
        if halves:
            best, numpy_tolerance = with_half_weights(best, tolerance, job in ARGMAX_TASKS)
        best.program.save(folder)
        size = f"{len(best.program.weights)} arrays, {manifest.megabytes(folder / 'weights.npz')}"
        tell.finish(f"{size} in float16; {best.verification.of('numpy')}" if halves else size)

        tell.start("emit")
        (folder / "model.onnx").write_bytes(best.onnx)
        if best.plans:
            render_islands(best.plans).save(folder)
        _save_golden(folder, best.verification.samples)
        facts = manifest.build(loaded, net, recipe, job, settings, names, asked, best, tolerance, numpy_tolerance)
        if names is not None:
            (folder / "labels.txt").write_text("".join(f"{_one_line(label)}\n" for label in names), encoding="utf-8")
        (folder / "deploy.py").write_text(
            render_deploy(
                name=facts["name"],
                inputs=[TensorInfo(t["name"], tuple(t["shape"]), t["dtype"]) for t in facts["inputs"]],
                outputs=[TensorInfo(t["name"], tuple(t["shape"]), t["dtype"]) for t in facts["outputs"]],
                preprocess=recipe,
                task=job,
                task_settings=settings,
                labels=names,
                opencv=facts["targets"],
                tolerance=tolerance,
                numpy_tolerance=numpy_tolerance,
                tool_version=facts["tool"]["version"],
            ),
            encoding="utf-8",
        )
        (folder / "report.html").write_text(render("report.html", facts=facts), encoding="utf-8")
        complete = write_manifest(folder, facts)
        for target in asked:
            prove(folder, target)
        tell.finish(f"deploy.py passes its self-test on {', '.join(target.name for target in asked)}")
    place = Path(out) if out is not None else default_out(model)
    return Bundle(place, complete)


def gate(found: Attempt, tolerance: float, strict: bool) -> None:
    """Raise MismatchError when a backend gives other numbers, UnsupportedOpError with `strict` when a target cannot run it."""
    if wrong := found.mismatches():
        raise MismatchError(
            "the converted model does not give PyTorch's numbers on "
            f"{', '.join(check.name for check in wrong)}; nothing was written",
            measured="\n".join(f"{check}\n  {check.reason}" for check in wrong) + f"\nallowed: {tolerance:g}",
            do=(
                "leave that target out, if another one is right: --target",
                "report the model: a silent difference in cv2.dnn needs a rewrite rule",
            ),
        )
    if strict and found.plans:
        islands = [f"{plan.target}: {i.op} {i.node!r}" for plan in found.plans for i in plan.islands]
        raise UnsupportedOpError(
            "some nodes run in NumPy only on "
            f"{', '.join(str(plan.target) for plan in found.plans)}, and --strict allows no islands",
            measured="\n".join(islands),
            do=(
                "leave out --strict: deploy.py then runs these nodes in NumPy, and says so",
                "choose another --target",
            ),
        )
    if strict and (unmet := found.unmet()):
        flags = [f"{flag.op_type} {flag.node!r}: {flag.verdict}" for flag in found.flags()]
        raise UnsupportedOpError(
            f"{', '.join(check.name for check in unmet)} cannot run this model, and --strict allows no NumPy there",
            measured="\n".join([*(str(check) for check in unmet), *dict.fromkeys(flags)]),
            do=(
                "leave out --strict: deploy.py then runs NumPy on that version, and says so",
                "choose another --target",
            ),
        )


def prove(folder: Path, target: Target) -> None:
    """Run the finished deploy.py's self-test in the target's interpreter. Raises ConversionError when it does not pass."""
    command = [str(python_for(target)), "-B", "deploy.py", "--self-test"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise ConversionError(
            f"the generated deploy.py does not pass its own self-test on {target}; nothing was written",
            measured=f"exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-1500:]}",
            do=("report this: the network itself passed, so the generated script is at fault",),
        )


def read_preprocess(
    spec: str | Preprocess | None, picture: Input | None, hint: Mapping[str, Any] | None, task: str
) -> Preprocess | None:
    """The preprocessing asked for; None when the network reads no picture. Raises InputError where the two contradict."""
    if picture is None:
        if spec is not None:
            raise InputError(
                "a preprocessing makes an image, and this network does not read one",
                measured="expected one input of float32 or uint8, batch x 1 or 3 channels x height x width, or with 3 "
                "channels last",
                do=("leave out --preprocess: deploy.py then takes .npy arrays",),
            )
        return None
    if isinstance(spec, Preprocess):
        found = fitting(spec, picture.shape, "the preprocessing")
    else:
        found = Preprocess.parse(spec, shape=picture.shape, hint=hint)
        if spec is None and hint is None and task in WHOLE_PICTURE:
            found = dataclasses.replace(found, resize="stretch", resize_size=found.size, crop=None)
    if picture.dtype == found.dtype:
        return found
    return _levels(found, picture.dtype, normalised=spec is not None)


def _levels(found: Preprocess, dtype: str, *, normalised: bool) -> Preprocess:
    """`found` for a network that reads uint8: the same picture in its 256 levels. InputError where more was asked for."""
    zeros, ones = (0.0,) * found.channels, (1.0,) * found.channels
    if dtype != "uint8" or (normalised and (found.scale, found.mean, found.std) != (1, zeros, ones)):
        raise InputError(
            "the preprocessing does not fit the network",
            measured=f"it makes {found.dtype} (times {found.scale:.6g}, minus {found.mean}, divided by {found.std}), the "
            f"network takes {dtype}",
            do=(
                "--preprocess none: a network of uint8 input normalises by itself",
                "or give the right dtype in --input",
            ),
        )
    return dataclasses.replace(found, scale=1.0, mean=zeros, std=ones, dtype="uint8")


def _task(
    name: str | None,
    outputs: Mapping[str, tuple[int, ...]],
    input_shape: tuple[int, ...],
    labels: Sequence[str] | None,
) -> str:
    if name is None:
        return guess_task(outputs, input_shape, None if labels is None else len(labels))
    return task_named(name).name


def check_labels(
    labels: Sequence[str] | None,
    task: str,
    outputs: Mapping[str, tuple[int, ...]],
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Raise InputError when there are more or fewer labels than the task makes of these outputs with these settings."""
    found = task_named(task)
    count = found.class_count(list(outputs.values()), {**found.settings, **settings}) if labels is not None else None
    if labels is not None and count is not None and len(labels) != count:
        shapes = ", ".join(str(list(shape)) for shape in outputs.values())
        raise InputError(
            "the labels do not fit the network",
            measured=f"{len(labels)} labels; the output {shapes} has {count} classes",
            do=("give one label for each class, in the order of training",),
        )


def default_out(model: Any) -> Path:
    """Where the bundle goes when nobody says: the checkpoint's name, in the current folder."""
    name = Path(model).stem if isinstance(model, str | Path) else type(model).__name__.lower()
    return Path(f"{name}-opencv")


def _save_golden(folder: Path, samples: Sequence[Sample]) -> None:
    arrays = {}
    for number, sample in enumerate(samples):
        arrays.update({f"input:{number}:{name}": array for name, array in sample.inputs.items()})
        arrays.update({f"output:{number}:{name}": array for name, array in sample.outputs.items()})
    save_npz(folder / "golden.npz", arrays, compressed=True)


def _one_line(label: str) -> str:
    return label.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
