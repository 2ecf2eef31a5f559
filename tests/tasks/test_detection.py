"""Objects in boxes: each head on outputs whose objects are known, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from converter.tasks.detection import describe, postprocess

PICTURE = np.zeros((60, 80, 3), np.uint8)
WHOLE = (0.0, 0.0, 80.0, 60.0)
SIZE = (30, 40)
"""The blob is the picture at half its size."""


def rows(*found, classes=3, objectness=False):
    """Rows cx cy w h [objectness] scores for (class, score, left, top, right, bottom) in blob pixels."""
    table = []
    for index, score, left, top, right, bottom in found:
        scores = [0.01] * classes
        scores[index] = score
        table.append([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, *[0.5] * objectness, *scores])
    return np.array(table, np.float32)


OBJECTS = [
    (2, 0.9, 4, 5, 14, 25),
    (2, 0.8, 5, 5, 14, 25),  # the same object again
    (1, 0.7, 5, 5, 14, 25),  # another class on the same spot
    (0, 0.6, 30, -4, 50, 10),  # it reaches outside
    (0, 0.2, 1, 1, 3, 3),  # below the threshold
]
FOUND = [
    {"index": 2, "label": "c", "score": 0.9, "box": [8, 10, 28, 50]},
    {"index": 1, "label": "b", "score": 0.7, "box": [10, 10, 28, 50]},
    {"index": 0, "label": "a", "score": 0.6, "box": [60, 0, 80, 20]},
]


def plain(result):
    """The objects with numbers rounded to five places."""
    return [
        {**thing, "score": round(thing["score"], 5), "box": [round(edge, 5) for edge in thing["box"]]}
        for thing in result["objects"]
    ]


def detect(outputs, image=PICTURE, region=WHOLE, **settings):
    return postprocess(outputs, image, labels="abc", region=region, input_size=SIZE, **settings)


def test_yolov8():
    result = detect({"y": rows(*OBJECTS).T[None]})
    assert plain(result) == FOUND
    assert json.loads(json.dumps(result)) == result
    assert describe(result) == "c 90.0% at 8,10,28,50, b 70.0% at 10,10,28,50, a 60.0% at 60,0,80,20"
    assert describe(detect({"y": np.zeros((1, 7, 0), np.float32)})) == "nothing found"


def test_yolov5():
    result = detect({"y": rows(*OBJECTS, objectness=True)[None]}, head="yolov5", score_threshold=0.125)
    assert plain(result) == [{**thing, "score": round(thing["score"] / 2, 5)} for thing in FOUND]


@pytest.mark.parametrize(
    ("settings", "scores"),
    [
        ({"iou_threshold": 0.95}, [0.9, 0.8, 0.7, 0.6]),
        ({"score_threshold": 0.1}, [0.9, 0.7, 0.6, 0.2]),
        ({"score_threshold": 0.65}, [0.9, 0.7]),
        ({"class_agnostic": True}, [0.9, 0.6]),
        ({"max_objects": 1}, [0.9]),
        ({"use_outputs": "y"}, [0.9, 0.7, 0.6]),
        ({"use_outputs": -1}, [0.9, 0.7, 0.6]),
        ({"score_threshold": 0.005, "multi_label": True, "iou_threshold": 1.0}, None),
    ],
)
def test_settings(settings, scores):
    found = [thing["score"] for thing in detect({"y": rows(*OBJECTS).T[None]}, **settings)["objects"]]
    if scores is None:
        assert len(found) == 15 and found == sorted(found, reverse=True)  # 5 boxes with 3 classes each
    else:
        np.testing.assert_allclose(found, scores, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_crop_and_a_letterbox(seed):
    """Boxes in the picture, put into the blob by hand, come back."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 50, (3, 2))
    boxes = np.concatenate([low, np.minimum(low + rng.uniform(3, 30, (3, 2)), [80, 60])], axis=1)
    left, top = rng.uniform(-40, 5, 2)
    right, bottom = 80 - rng.uniform(-40, 5), 60 - rng.uniform(-40, 5)
    steps = np.array([40 / (right - left), 30 / (bottom - top)] * 2)
    inside = (boxes - [left, top, left, top]) * steps
    found = detect(
        {"y": rows(*((i, 0.9 - i / 10, *box) for i, box in enumerate(inside))).T[None]},
        region=(left, top, right, bottom),
    )
    np.testing.assert_allclose([thing["box"] for thing in found["objects"]], boxes, atol=2e-5)


def test_without_a_picture_boxes_stay_in_the_blob():
    found = postprocess({"y": rows(OBJECTS[0], OBJECTS[3]).T[None]}, None)["objects"]
    np.testing.assert_allclose([thing["box"] for thing in found], [[4, 5, 14, 25], [30, -4, 50, 10]], atol=1e-5)


def test_what_lies_outside_goes():
    assert detect({"y": rows((0, 0.9, 45, 5, 50, 9)).T[None]})["objects"] == []


@pytest.mark.parametrize(
    ("output", "settings", "text"),
    [
        (np.zeros((1, 7)), {}, "output 'y' has shape [1, 7], expected (1, 4 + classes, boxes)"),
        (np.zeros((1, 4, 9)), {}, "output 'y' has shape [1, 4, 9], expected (1, 4 + classes, boxes)"),
        (np.zeros((2, 7, 9)), {}, "output 'y' has shape [2, 7, 9], expected (1, 4 + classes, boxes)"),
        (np.full((1, 7, 9), np.nan), {}, "output 'y' holds NaN"),
        (np.zeros((1, 9, 5)), {"head": "yolov5"}, "output 'y' has shape [1, 9, 5], expected (1, boxes, 5 + classes)"),
        (np.zeros((1, 7, 9)), {"use_outputs": "z"}, "the network has no output 'z'; its outputs, from index 0: y"),
        (
            np.zeros((1, 7, 9)),
            {"use_outputs": [0, 0]},
            "the head yolov8 needs 1 outputs, and use_outputs names 2: [0, 0]",
        ),
    ],
)
def test_refuses(output, settings, text):
    with pytest.raises(ValueError, match=r"output") as raised:
        detect({"y": output}, **settings)
    assert str(raised.value) == text


def test_unknown_head():
    with pytest.raises(
        ValueError, match="head is 'yolov99', not one of yolov8, yolov5, yolox, yunet, end2end, decoded"
    ):
        detect({"y": np.zeros((1, 7, 9))}, head="yolov99")
