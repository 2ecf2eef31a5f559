"""Drawing that the tasks share: text, boxes, colours. Pasted into deploy.py: numpy, and cv2 inside the functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict

SMALLEST_EDGE = 320  # a picture below that is enlarged, or nobody could read the text


def one_line(text: str) -> str:
    """`text` as something that a terminal and a picture show on one line."""
    return text if text.isprintable() else repr(text)[1:-1]


def drawable(text: str) -> str:
    """`text` as cv2 can draw it, which is ASCII only: accents are dropped, other letters become question marks."""
    import unicodedata

    text = unicodedata.normalize("NFKD", one_line(text))
    return "".join(c for c in text if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def zoom(image: np.ndarray) -> int:
    """The whole number by which `canvas` enlarges a picture: 1 unless it is small."""
    return max(1, -(-SMALLEST_EDGE // int(max(image.shape[:2]))))


def canvas(image_bgr: np.ndarray) -> np.ndarray:
    """A three-channel copy of an 8-bit picture, enlarged by a whole number where it is small."""
    if image_bgr.ndim == 2:
        image_bgr = image_bgr[:, :, np.newaxis]
    picture = np.repeat(image_bgr, 3, axis=2) if image_bgr.shape[2] == 1 else image_bgr[:, :, :3].copy()
    factor = zoom(picture)
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def palette(count: int) -> np.ndarray:
    """`count` colours, uint8 (count, 3): black for class 0, then hues a golden angle apart, in changing brightness."""
    index = np.arange(count)
    hue = (index * 0.6180339887498949) % 1.0 * 6.0
    value = 255.0 - 23.0 * (index % 5)
    pure = 0.20 + 0.16 * (index // 5 % 5)  # of the colour's weakest part: how much white is in it
    ramps = np.stack([np.abs(hue - 3.0) - 1.0, 2.0 - np.abs(hue - 2.0), 2.0 - np.abs(hue - 4.0)], axis=1).clip(0.0, 1.0)
    colors = (value[:, np.newaxis] * (1.0 - (1.0 - ramps) * (1.0 - pure[:, np.newaxis]))).round().astype(np.uint8)
    colors[:1] = 0
    return colors


def color_of(index: int) -> tuple[int, int, int]:
    """The colour of an object of class `index`, 0 or more; that of class index + 1 in `palette`, for 0 is black there."""
    blue, green, red = palette(index + 2)[index + 1]
    return int(blue), int(green), int(red)


def ink_on(color: Sequence[int]) -> tuple[int, int, int]:
    """Black or white, whichever is easier to read on the BGR colour."""
    return (0, 0, 0) if 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2] > 130 else (255, 255, 255)


def line_width(picture: np.ndarray) -> int:
    """How wide lines are drawn, in pixels, for a picture of this size."""
    return max(2, round(int(max(picture.shape[:2])) / 320))


def text_scale(picture: np.ndarray) -> float:
    """cv2's font scale for a picture of this size."""
    return float(min(max(max(picture.shape[:2]) / 1100, 0.42), 3.0))


def outline(picture: np.ndarray, box: Sequence[float], color: Sequence[int]) -> None:
    """Draw a box into the picture, with a dark rim that shows it on any ground."""
    import cv2

    width = line_width(picture)
    corners = tuple(round(edge) for edge in box)
    corners = (corners[0], corners[1], max(corners[0], corners[2] - 1), max(corners[1], corners[3] - 1))
    cv2.rectangle(picture, corners[:2], corners[2:], (0, 0, 0), width + 2)
    cv2.rectangle(picture, corners[:2], corners[2:], tuple(color), width)


def tag(picture: np.ndarray, left: float, top: float, text: str, color: Sequence[int]) -> None:
    """Draw text on a plate of that colour into the picture: above the place, or below it at the picture's upper edge."""
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, text_scale(picture)
    text, thick = drawable(text), max(1, round(1.4 * scale))
    (width, height), base = cv2.getTextSize(text, font, scale, thick)
    rim = max(2, round(5 * scale))
    plate = (width + 2 * rim, height + base + rim)
    x = min(max(0, round(left)), max(0, picture.shape[1] - plate[0]))
    y = round(top) - plate[1]
    y = min(max(0, round(top)), max(0, picture.shape[0] - plate[1])) if y < 0 else y
    cv2.rectangle(picture, (x, y), (x + plate[0] - 1, y + plate[1] - 1), tuple(color), cv2.FILLED)
    cv2.putText(picture, text, (x + rim, y + rim // 2 + height), font, scale, ink_on(color), thick, cv2.LINE_AA)


def draw_objects(image_bgr: np.ndarray, objects: Sequence[Mapping[str, Any]], colors: Any = None) -> np.ndarray:
    """The picture with a box, a label and a score for each object; the best are drawn last, on top.

    colors: BGR for each object; by default its class's.
    """
    picture, factor = canvas(image_bgr), zoom(image_bgr)
    shades = [color_of(thing["index"]) for thing in objects] if colors is None else colors
    drawn = list(zip(objects, shades))[::-1]
    for thing, color in drawn:
        outline(picture, [factor * edge for edge in thing["box"]], color)
    for thing, color in drawn:
        left, top = (factor * edge for edge in thing["box"][:2])
        tag(picture, left, top, f"{thing['label']} {thing['score']:.0%}", color)
    return picture


def caption(picture: np.ndarray, lines: list[str], bars: list[float] | None = None) -> np.ndarray:
    """The picture with a dark strip of text below it; `bars` (0 to 1) shade each line's background to that length."""
    import cv2

    picture = np.pad(picture, [(0, 0), (0, max(0, SMALLEST_EDGE - picture.shape[1])), (0, 0)])  # text needs some width
    font, width = cv2.FONT_HERSHEY_SIMPLEX, picture.shape[1]
    scale = min(max(width / 800, 0.45), 3.0)
    step = round(34 * scale)
    strip = np.full((step * len(lines) + step // 3, width, 3), 32, np.uint8)
    for number, line in enumerate(lines):
        text = drawable(line)
        top = number * step + step // 6
        if bars is not None:
            cv2.rectangle(strip, (0, top), (round(width * bars[number]), top + step - 2), (96, 64, 24), cv2.FILLED)
        room = width - step
        while len(text) > 4 and cv2.getTextSize(text, font, scale, 1)[0][0] > room:
            text = text[:-4] + "..." if text.endswith("...") else text[:-3] + "..."
        place = (step // 3, top + round(step * 0.7))
        cv2.putText(strip, text, place, font, scale, (255, 255, 255), max(1, round(scale)), cv2.LINE_AA)
    return np.concatenate([picture, strip])
