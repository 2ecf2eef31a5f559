"""The 1,797 scans that scikit-learn carries: as pictures, and parted once and for all into training and test set.

As a program it writes samples/: one held-back picture of each digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HELD_BACK_EVERY = 5


@dataclass(frozen=True)
class Digits:
    """Pictures uint8[N, 8, 8], their digits int64[N], and where each stands in scikit-learn's order, int64[N]."""

    pictures: np.ndarray
    labels: np.ndarray
    positions: np.ndarray


def to_pictures(scans: np.ndarray) -> np.ndarray:
    """Scans with whole values 0..16 to grey pictures uint8 0..255 of the same shape; halves round up (8 becomes 128).

    Raises ValueError for other values.
    """
    whole = scans.astype(np.int64)
    if not np.array_equal(whole, scans) or whole.min() < 0 or whole.max() > 16:
        raise ValueError(f"scans hold whole values 0..16, these go from {scans.min()} to {scans.max()}")
    return ((whole * 255 + 8) // 16).astype(np.uint8)


def split() -> tuple[Digits, Digits]:
    """The training set (1,438 scans) and the held-back test set (359): of each digit, every fifth scan is held back.

    No random numbers are drawn, so the two sets are the same on every machine and with every version.
    """
    digits = load_digits()
    positions = np.arange(len(digits.target))
    # how many scans of the same digit stand before this one
    rank = np.array([np.count_nonzero(digits.target[:position] == digits.target[position]) for position in positions])
    held_back = rank % HELD_BACK_EVERY == HELD_BACK_EVERY // 2
    pictures, labels = to_pictures(digits.images), digits.target.astype(np.int64)
    train, test = (Digits(pictures[part], labels[part], positions[part]) for part in (~held_back, held_back))
    return train, test


def samples(test: Digits) -> dict[int, np.ndarray]:
    """By digit, the first held-back picture of it, uint8[8, 8]: what lies in samples/."""
    return {digit: test.pictures[np.flatnonzero(test.labels == digit)[0]] for digit in range(10)}


def main() -> None:
    from PIL import Image

    folder = Path(__file__).resolve().parent / "samples"
    folder.mkdir(exist_ok=True)
    for digit, picture in samples(split()[1]).items():
        Image.fromarray(picture).save(folder / f"{digit}.png")


if __name__ == "__main__":
    main()
