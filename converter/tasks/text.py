"""A line of text, read by CTC. Pasted into deploy.py: numpy, and cv2 inside `draw`.

Result: {"task": "text", "text": "abc", "score": 0.97, "characters": [{"label": "a", "score": 0.99, "step": 3}, ...]}. `step` is
the place in the network's sequence where the character is surest, `score` its probability there; the text's score is the
product of its characters', None for no text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converter.tasks._drawing import canvas, caption, one_line
from converter.tasks._outputs import ACTIVATIONS, choose_outputs

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

CHOICES = {"activation": ("softmax", "none"), "layout": ("NTC", "NCT")}


def postprocess(
    outputs: Mapping[str, np.ndarray],
    image_bgr: np.ndarray | None,
    *,
    labels: Sequence[str] | None = None,
    region: Sequence[float] | None = None,
    input_size: Sequence[int] | None = None,
    blank: int = 0,
    layout: str = "NTC",
    activation: str = "softmax",
    use_outputs: Any = None,
) -> dict[str, Any]:
    """The best path: the highest class of each step, repetitions merged, then blanks dropped.

    layout: the axes of the output: N the batch of 1, T the steps, C the classes. NTC serves TNC, PyTorch's own order, too.
    blank: the index of CTC's blank, -1 for the last class. labels: the classes' texts, with the blank or without.
    activation: "none" where the network gives probabilities. Raises ValueError for NaN, another shape, or labels that do
    not fit.
    """
    ((name, output),) = choose_outputs(outputs, use_outputs, 1, "the task text")
    batch = 1 if layout != "NCT" and output.ndim == 3 and output.shape[0] != 1 else 0
    if output.ndim != 3 or output.shape[batch] != 1:
        raise ValueError(f"output {name!r} has shape {list(output.shape)}, expected one sample of steps and classes")
    steps = output[0].T if layout == "NCT" else np.take(output, 0, axis=batch)
    if np.isnan(steps).any():
        raise ValueError(f"output {name!r} holds NaN")
    count = steps.shape[1]
    if not -count <= blank < count:
        raise ValueError(f"blank is {blank}, and there are {count} classes")
    blank %= count
    texts = list(labels) if labels is not None else [str(index) for index in range(count)]
    if len(texts) == count - 1:
        texts.insert(blank, "")
    if len(texts) != count:
        raise ValueError(f"there are {len(texts)} labels for {count} classes, one of them the blank")
    chances = ACTIVATIONS[activation](steps)
    path = steps.argmax(axis=1)
    starts = np.flatnonzero(np.concatenate([[True], path[1:] != path[:-1]])) if len(path) else np.zeros(0, np.int64)
    characters: list[dict[str, Any]] = []
    for start, stop in zip(starts, [*starts[1:], len(path)]):
        index = int(path[start])
        if index != blank:
            step = int(start + chances[start:stop, index].argmax())
            characters.append({"label": texts[index], "score": float(chances[step, index]), "step": step})
    return {
        "task": "text",
        "text": "".join(str(found["label"]) for found in characters),
        "score": math.prod(found["score"] for found in characters) if characters else None,
        "characters": characters,
    }


def draw(image_bgr: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
    """The picture with its text in a strip below."""
    return caption(canvas(image_bgr), [describe(result)])


def describe(result: Mapping[str, Any]) -> str:
    """The text, and how sure it is."""
    return "no text" if result["score"] is None else f"{one_line(result['text'])}  {result['score']:.1%}"
