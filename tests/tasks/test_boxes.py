"""Overlaps, suppression and the way back onto the picture, against slow and obvious code, and against cv2.dnn's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from converter.tasks._boxes import from_centers, onto_picture, overlaps, suppress


def slow_overlap(a, b):
    """By counting: of a grid of 8 x 8 points in each unit square, those in both over those in either."""
    spots = (np.arange(0, 40 * 8) + 0.5) / 8
    inside = [
        ((spots > box[1]) & (spots < box[3]))[:, None] & ((spots > box[0]) & (spots < box[2]))[None] for box in (a, b)
    ]
    either = (inside[0] | inside[1]).sum()
    return (inside[0] & inside[1]).sum() / either if either else 0.0


def slow_suppress(boxes, scores, groups, threshold, most):
    """One box at a time, best first, against all that were taken."""
    taken = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(groups[i] != groups[j] or slow_overlap(boxes[i], boxes[j]) <= threshold for j in taken):
            taken.append(i)
    return taken[:most]


def draw_boxes(rng, count):
    """Whole coordinates below 40, so that counting is exact; some are empty."""
    low = rng.integers(0, 30, (count, 2))
    return np.concatenate([low, low + rng.integers(0, 11, (count, 2))], axis=1).astype(np.float64)


@pytest.mark.parametrize("seed", range(8))
def test_overlaps(seed):
    boxes = draw_boxes(np.random.default_rng(seed), 12)
    for box in boxes:
        np.testing.assert_allclose(overlaps(box, boxes), [slow_overlap(box, other) for other in boxes], atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("most", [3, 1000])
def test_suppress(seed, most):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 40))
    boxes, groups = draw_boxes(rng, count), rng.integers(0, int(rng.integers(1, 4)), count)
    scores = rng.integers(0, 15, count) / 15  # with ties
    threshold = float(rng.choice([0.0, 0.3, 0.5, 1.0]))
    found = suppress(boxes, scores, groups, threshold, most)
    assert found.tolist() == slow_suppress(boxes, scores, groups, threshold, most)


@pytest.mark.parametrize("seed", range(8))
def test_suppress_is_opencvs(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = draw_boxes(rng, 60), rng.permutation(60) / 60  # no ties: cv2 sorts them otherwise
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    wanted = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, 0.4)
    found = suppress(boxes, scores, np.zeros(60, int), 0.4, 60)
    assert found[scores[found] > 0].tolist() == np.ravel(wanted).tolist()


def test_equal_to_the_threshold_stays():
    boxes = np.array([[0, 0, 2, 1], [1, 0, 3, 1], [0, 0, 2, 1]])
    scores, groups = np.array([0.9, 0.8, 0.7]), np.zeros(3, int)
    assert suppress(boxes, scores, groups, 1 / 3, 9).tolist() == [0, 1]
    assert suppress(boxes, scores, groups, 0.33, 9).tolist() == [0]
    assert suppress(boxes, scores, np.arange(3), 0.0, 9).tolist() == [0, 1, 2]


def test_from_centers():
    assert from_centers(np.array([[5, 6, 4, 2]], np.float32)).tolist() == [[3, 5, 7, 7]]


@pytest.mark.parametrize("seed", range(10))
def test_onto_picture(seed):
    """A crop or a letterbox is undone: a place of the picture, put into the blob by its region, comes back."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(20, 200, 2)
    left, top = rng.uniform(-30, 10, 2)
    right, bottom = left + rng.uniform(15, 150), top + rng.uniform(15, 150)
    size = rng.integers(8, 64, 2)
    places = rng.uniform(0, 1, (7, 4)) * [width, height, width, height]
    blob = (places - [left, top, left, top]) / np.tile([right - left, bottom - top], 2) * np.tile(size[::-1], 2)
    np.testing.assert_allclose(
        onto_picture(blob, (left, top, right, bottom), size, None), places, rtol=1e-12, atol=1e-9
    )
    np.testing.assert_allclose(
        onto_picture(blob[:, :2], (left, top, right, bottom), size, (height, width)),
        places[:, :2],
        rtol=1e-12,
        atol=1e-9,
    )


def test_onto_picture_clips():
    places = np.array([[-5.0, 2.0, 50.0, 90.0]])
    assert onto_picture(places, None, None, (30, 40)).tolist() == [[0, 2, 40, 30]]
    assert places.tolist() == [[-5, 2, 50, 90]]
    with pytest.raises(ValueError, match="input_size is not known"):
        onto_picture(places, (0, 0, 40, 30), None, None)
