"""Text on pictures, shared by the tasks. Pasted into deploy.py: numpy, and cv2 inside the functions."""

from __future__ import annotations

import numpy as np

SMALLEST_EDGE = 320  # a picture below that is enlarged, or nobody could read the text


def one_line(text: str) -> str:
    """`text` as something that a terminal and a picture show on one line."""
    return text if text.isprintable() else repr(text)[1:-1]


def canvas(image_bgr: np.ndarray) -> np.ndarray:
    """A three-channel copy of an 8-bit picture, enlarged by a whole number where it is small."""
    if image_bgr.ndim == 2:
        image_bgr = image_bgr[:, :, np.newaxis]
    picture = np.repeat(image_bgr, 3, axis=2) if image_bgr.shape[2] == 1 else image_bgr[:, :, :3].copy()
    factor = max(1, -(-SMALLEST_EDGE // max(picture.shape[:2])))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def caption(picture: np.ndarray, lines: list[str], bars: list[float] | None = None) -> np.ndarray:
    """The picture with a dark strip of text below it; `bars` (0 to 1) shade each line's background to that length.

    cv2 draws ASCII only: accents are dropped, other letters become question marks.
    """
    import unicodedata

    import cv2

    picture = np.pad(picture, [(0, 0), (0, max(0, SMALLEST_EDGE - picture.shape[1])), (0, 0)])  # text needs some width
    font, width = cv2.FONT_HERSHEY_SIMPLEX, picture.shape[1]
    scale = min(max(width / 800, 0.45), 3.0)
    step = round(34 * scale)
    strip = np.full((step * len(lines) + step // 3, width, 3), 32, np.uint8)
    for number, line in enumerate(lines):
        text = unicodedata.normalize("NFKD", one_line(line))
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
        text = text.encode("ascii", "replace").decode()
        top = number * step + step // 6
        if bars is not None:
            cv2.rectangle(strip, (0, top), (round(width * bars[number]), top + step - 2), (96, 64, 24), cv2.FILLED)
        room = width - step
        while len(text) > 4 and cv2.getTextSize(text, font, scale, 1)[0][0] > room:
            text = text[:-4] + "..." if text.endswith("...") else text[:-3] + "..."
        place = (step // 3, top + round(step * 0.7))
        cv2.putText(strip, text, place, font, scale, (255, 255, 255), max(1, round(scale)), cv2.LINE_AA)
    return np.concatenate([picture, strip])
