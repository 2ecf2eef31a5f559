"""A conversion as a recipe of the zoo says: its architecture, input, preprocessing, task and labels, a checkpoint of yours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter import zoo
from converter.bundle import Bundle
from converter.errors import ConversionError, InputError
from converter.pipeline import convert
from converter.progress import Progress
from converter.targets import Target


def convert_recipe(
    recipe: str | zoo.Recipe,
    checkpoint: str | Path | None = None,
    *,
    targets: Sequence[str | Target] = (),
    out: str | Path | None = None,
    trust: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    **other: Any,
) -> Bundle:
    """Convert `checkpoint` with a recipe, by default the checkpoint that comes with the recipe.

    `other` keywords are those of `convert`. The bundle goes to `out`, by default the recipe's name with "-opencv".
    Raises InputError for an unknown recipe and where no checkpoint is given and none comes with it, ConversionError for a
    network that the recipe says cannot be converted, and what `convert` raises.
    """
    tell = progress or Progress()
    known = zoo.recipe(recipe) if isinstance(recipe, str) else recipe
    weights = Path(checkpoint) if checkpoint is not None else known.checkpoint
    if known.refused is not None:
        raise ConversionError(
            f"{known.name} cannot be converted",
            measured=known.refused,
            do=("take another model of the same task: convert zoo",),
        )
    if weights is None:
        raise InputError(
            f"the recipe {known.name} holds no weights",
            measured=f"they are published at {known.source.page}"
            + (f" as {known.source.file}" * bool(known.source.file)),
            do=(f"download them, and: convert zoo {known.name} {known.source.file or 'CHECKPOINT'}",),
        )
    if weights.is_file() and known.source.published(weights) is False:
        tell.note(f"{weights.name} is not the published file, whose SHA-256 begins with {known.source.sha256}")
    return convert(
        weights,
        arch=known.arch,
        arch_args=known.arch_args,
        example=known.input,
        targets=targets,
        preprocess=known.preprocess,
        task=known.task,
        task_settings=dict(known.settings),
        labels=known.labels,
        trust=trust,
        strict=strict,
        out=out if out is not None else f"{known.name}-opencv",
        progress=progress,
        **other,
    )
