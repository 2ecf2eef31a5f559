"""The tasks: what they make of outputs, what they refuse, and that their results are JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from converter.errors import InputError
from converter.tasks import guess_task, task_named, task_names
from converter.tasks.classification import postprocess as classify
from converter.tasks.raw import postprocess as look
from converter.tasks.segmentation import decode_mask, palette
from converter.tasks.segmentation import postprocess as segment
from tests.tasks.outputs import example


def test_every_file_is_a_task():
    assert task_names() == (
        "classification", "depth", "detection", "embedding", "image", "instance_segmentation", "keypoints", "raw",
        "segmentation", "text",
    )  # fmt: skip
    assert dict(task_named("classification").settings) == {"top_k": 5, "activation": "softmax"}


def test_unknown_task_and_setting():
    with pytest.raises(InputError) as raised:
        task_named("pose")
    assert str(raised.value) == (
        "there is no task 'pose'\n"
        f"  measured: known: {', '.join(task_names())}\n"
        "  do:       --task raw gives the outputs as they are"
    )
    with pytest.raises(InputError) as raised:
        task_named("classification").check({"topk": 3})
    assert str(raised.value) == (
        "the task classification has no setting topk\n"
        "  measured: its settings: top_k, activation\n"
        "  do:       use one of its settings"
    )


@pytest.mark.parametrize(
    ("outputs", "input_shape", "task"),
    [
        ({"y": (1, 1000)}, (1, 3, 224, 224), "classification"),
        ({"y": (1, 10)}, (1, 64), "classification"),
        ({"y": (1, 1)}, (1, 64), "raw"),
        ({"y": (1, 21, 224, 224)}, (1, 3, 224, 224), "segmentation"),
        ({"y": (1, 19, 64, 128)}, (1, 3, 256, 512), "segmentation"),
        ({"y": (1, 512, 7, 7)}, (1, 3, 224, 224), "raw"),
        ({"y": (1, 1, 224, 224)}, (1, 3, 224, 224), "raw"),
        ({"y": (1, 1000), "z": (1, 1000)}, (1, 3, 224, 224), "raw"),
        ({"y": (1, 5, 4)}, (1, 3, 8, 8), "raw"),
        ({"y": ()}, (1, 3, 8, 8), "raw"),
        ({"out": (1, 21, 64, 64), "aux": (1, 21, 64, 64)}, (1, 3, 64, 64), "segmentation"),
        ({"a": (1, 21, 64, 64), "b": (1, 21, 64, 64)}, (1, 3, 64, 64), "raw"),
        ({"y": (1, 84, 8400)}, (1, 3, 640, 640), "raw"),
    ],
)
def test_guess(outputs, input_shape, task):
    assert guess_task(outputs, input_shape) == task


@pytest.mark.parametrize(
    ("outputs", "labels", "task"),
    [
        ({"y": (1, 84, 8400)}, 80, "detection"),
        ({"y": (1, 84, 8400)}, 79, "raw"),
        ({"y": (1, 84, 8399)}, 80, "raw"),
        ({"y": (1, 56, 8400)}, 1, "raw"),  # keypoints
        ({"y": (1, 116, 8400), "z": (1, 32, 160, 160)}, 80, "instance_segmentation"),
        ({"y": (1, 116, 8400), "z": (1, 32, 80, 80)}, 80, "raw"),
        ({"y": (1, 80)}, 80, "classification"),
    ],
)
def test_guess_with_labels(outputs, labels, task):
    assert guess_task(outputs, (1, 3, 640, 640), labels) == task


def test_classification():
    outputs = {"y": np.log(np.array([[0.1, 0.6, 0.25, 0.05]], np.float32))}
    result = classify(outputs, None, labels=["a", "b"], top_k=3)
    assert json.loads(json.dumps(result)) == result
    assert [(found["index"], found["label"]) for found in result["classes"]] == [(1, "b"), (2, "2"), (0, "a")]
    np.testing.assert_allclose([found["score"] for found in result["classes"]], [0.6, 0.25, 0.1], atol=1e-7)
    assert task_named("classification").describe(result) == "b 60.00%, 2 25.00%, a 10.00%"


def test_classification_extremes():
    huge = {"y": np.array([[1e30, -1e30, -np.inf, 1e30]], np.float32)}
    assert [(c["index"], c["score"]) for c in classify(huge, None)["classes"]] == [
        (0, 0.5),
        (3, 0.5),
        (1, 0.0),
        (2, 0.0),
    ]
    assert [c["score"] for c in classify(huge, None, activation="sigmoid")["classes"]] == [1.0, 1.0, 0.0, 0.0]
    plain = {"y": np.array([[0.25, 0.75]], np.float32)}
    assert [c["score"] for c in classify(plain, None, activation="none")["classes"]] == [0.75, 0.25]
    assert len(classify({"y": np.zeros((1, 2, 1, 1), np.float32)}, None)["classes"]) == 2


@pytest.mark.parametrize(
    ("output", "settings", "text"),
    [
        ([[np.nan, 1.0]], {}, "output 'y' holds NaN or infinity: its classes cannot be ranked"),
        ([[np.inf, 1.0]], {}, "output 'y' holds NaN or infinity: its classes cannot be ranked"),
        ([[0.0, 1.0], [0.0, 1.0]], {}, "output 'y' holds 2 samples; postprocess takes one at a time"),
        ([[0.0, 1.0]], {"activation": "relu"}, "activation is 'relu', not softmax, sigmoid or none"),
    ],
)
def test_classification_refuses(output, settings, text):
    with pytest.raises(ValueError, match=r"output|activation") as raised:
        classify({"y": np.array(output)}, None, **settings)
    assert str(raised.value) == text


def test_labels_of_any_kind_stay_on_one_line():
    result = classify({"y": np.zeros((1, 1), np.float32)}, None, labels=["two\nlines\t\x1b[31m"])
    assert task_named("classification").describe(result) == "two\\nlines\\t\\x1b[31m 100.00%"


def test_raw():
    outputs = {"a": np.array([[1.0, 2.0, 6.0]], np.float32), "b": np.array([np.nan, np.inf]), "c": np.zeros((0, 2))}
    result = look(outputs, None)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert task_named("raw").describe(result) == (
        "a 1x3 float32 min 1 max 6 mean 3; b 2 float64 (2 not finite); c 0x2 float64"
    )


def test_segmentation_is_put_back_onto_the_picture():
    """Class k in each quarter of the mask; the network saw the middle half of a 12 x 8 picture."""
    scores = np.zeros((1, 4, 2, 2), np.float32)
    for k in range(4):
        scores[0, k, k // 2, k % 2] = 1
    result = segment({"y": scores}, np.zeros((8, 12, 3), np.uint8), region=(3, 2, 9, 6), labels=["sky"])
    mask = decode_mask(result)
    assert json.loads(json.dumps(result)) == result
    assert mask.shape == (8, 12)
    assert mask[2:6, 3:9].tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2
    outside = np.ones((8, 12), bool)
    outside[2:6, 3:9] = False
    assert (mask[outside] == -1).all()
    assert result["classes"][0] == {"index": 0, "label": "sky", "pixels": 6, "share": 0.25}
    assert task_named("segmentation").describe(result) == "sky 25.0%, 1 25.0%, 2 25.0%, 3 25.0%"


@pytest.mark.parametrize("seed", range(10))
def test_masks_survive_their_runs(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(1, int(rng.integers(2, 30)), *rng.integers(1, 20, 2))).astype(np.float32)
    np.testing.assert_array_equal(decode_mask(segment({"y": scores}, None)), scores[0].argmax(axis=0))


def test_segmentation_refuses():
    with pytest.raises(ValueError, match=r"output 'y' has shape \(1, 3\), not \(1, classes, height, width\)"):
        segment({"y": np.zeros((1, 3))}, None)
    with pytest.raises(ValueError, match="output 'y' holds NaN: it has no arg-max"):
        segment({"y": np.full((1, 2, 3, 3), np.nan)}, None)


@pytest.mark.parametrize("count", [1, 2, 21, 150, 1000])
def test_palette_serves_any_number_of_classes(count):
    colors = palette(count)
    assert colors.shape == (count, 3)
    assert colors[0].tolist() == [0, 0, 0]
    assert len(np.unique(colors, axis=0)) == count
    if count == 21:
        apart = np.abs(colors[:, None].astype(int) - colors[None]).sum(axis=2) + 1000 * np.eye(21, dtype=int)
        assert apart.min() > 40


@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 50, 3), (700, 3, 3), (480, 640, 3), (20, 20), (20, 20, 1)])
def test_drawing(task, shape, rng):
    picture = rng.integers(0, 256, shape, dtype=np.uint8)
    before = picture.copy()
    outputs = example(task, rng)
    labels = ["naïve", "日本", "x" * 300, "", "a\nb", "%s {0}"]
    found = task_named(task)
    drawn = found.draw(picture, found.postprocess(outputs, picture, labels=labels, input_size=(32, 32)))
    assert drawn.dtype == np.uint8 and drawn.ndim == 3 and drawn.shape[2] == 3 and drawn.flags.c_contiguous
    assert task == "image" or max(drawn.shape[:2]) >= 320  # legible
    assert task == "image" or drawn.shape[0] >= shape[0]
    np.testing.assert_array_equal(picture, before)
