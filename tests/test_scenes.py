"""The embedded detector and segmenter: what lies in model_zoo/scenes is what its README says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from converter import zoo as recipes
from converter.resources import resource
from converter.targets import default_targets

SCENES = resource("model_zoo") / "scenes"
MODULES = ("scenes", "metrics", "networks", "training", "train_detector", "train_segmenter")
FEW = 40


@pytest.fixture(scope="module")
def zoo():
    """model_zoo/scenes' own modules, imported as its scripts import them, and the benchmark that uses them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCENES))
        found = {name: importlib.import_module(name) for name in MODULES}
        path = Path(__file__).resolve().parent.parent / "benchmarks" / "digits_metrics.py"
        spec = importlib.util.spec_from_file_location("digits_metrics", path)
        found["digits_metrics"] = sys.modules["digits_metrics"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found["digits_metrics"])
        yield found
        for name in found:
            del sys.modules[name]
        sys.path.remove(str(SCENES))


@pytest.fixture(scope="module")
def held_back(zoo):
    return zoo["scenes"].held_back_scenes(FEW)


def network(zoo, name):
    made = getattr(zoo["networks"], f"digit_{name}")()
    made.load_state_dict(torch.load(SCENES / f"{name}.pth", weights_only=True))
    return made.eval()


@pytest.mark.parametrize("name", ["detector", "segmenter"])
def test_checkpoint_is_small_and_only_tensors(zoo, name):
    path = SCENES / f"{name}.pth"
    assert path.stat().st_size < 1_000_000
    state = torch.load(path, weights_only=True)
    assert all(isinstance(value, torch.Tensor) and value.isfinite().all() for value in state.values())
    assert sum(value.numel() for value in state.values()) > 150_000


def test_the_two_sources_share_nothing(zoo):
    train, test = zoo["scenes"].sources()
    assert (len(train.scans), len(test.scans)) == (1438, 359)
    for left, right in zip(train.photographs, test.photographs, strict=True):
        assert (left.shape, right.shape) == ((427, 448, 3), (427, 192, 3))
        assert not np.shares_memory(left, right)
        whole = np.concatenate([left, right], axis=1)
        assert whole.shape == (427, 640, 3)
    assert not {scan.tobytes() for scan in train.scans} & {scan.tobytes() for scan in test.scans}


def test_the_truth_about_a_scene(held_back):
    for scene in held_back:
        assert (scene.picture.dtype, scene.picture.shape, scene.mask.shape) == (np.uint8, (160, 160, 3), (160, 160))
        assert len(scene.boxes) == len(scene.digits) >= 1
        claimed = np.zeros_like(scene.mask)
        for digit, (left, top, right, bottom) in zip(scene.digits, scene.boxes.astype(int), strict=True):
            own = scene.mask[top:bottom, left:right] == 1 + digit
            assert own.any(axis=1)[[0, -1]].all() and own.any(axis=0)[[0, -1]].all()  # the box is tight
            assert not claimed[top:bottom, left:right].any()
            claimed[top:bottom, left:right] = own * (1 + digit)
        np.testing.assert_array_equal(claimed, scene.mask)  # all of the mask lies in boxes


def test_scenes_are_the_same_however_many_are_asked_for(zoo, held_back):
    again = zoo["scenes"].held_back_scenes(3)
    for one, two in zip(again, held_back[:3], strict=True):
        np.testing.assert_array_equal(one.picture, two.picture)
        np.testing.assert_array_equal(one.mask, two.mask)


def test_samples_are_held_back_scenes(zoo, held_back):
    truth = json.loads((SCENES / "truth" / "objects.json").read_text())
    names = [f"{number}.png" for number in range(6)]
    assert sorted(path.name for path in (SCENES / "samples").iterdir()) == names == sorted(truth)
    for name, scene in zip(names, held_back, strict=False):
        with Image.open(SCENES / "samples" / name) as picture, Image.open(SCENES / "truth" / name) as mask:
            np.testing.assert_array_equal(np.asarray(picture), scene.picture)
            np.testing.assert_array_equal(np.asarray(mask), scene.mask)
        assert truth[name] == zoo["scenes"].truth(scene)
        assert sum(known["pixels"] for known in truth[name]) == np.count_nonzero(scene.mask)


def test_boxes_and_scores_leave_in_the_form_that_is_promised(zoo, held_back):
    detector = network(zoo, "detector")
    with torch.no_grad():
        output = detector(zoo["training"].as_input([held_back[0].picture]))
        logits, boxes = detector.raw(zoo["training"].as_input([held_back[0].picture]))
    assert output.shape == (1, 14, 20 * 20 + 10 * 10)
    assert torch.equal(output[:, 4:], logits.sigmoid())
    near, far = output[:, :2] - output[:, 2:4] / 2, output[:, :2] + output[:, 2:4] / 2
    assert torch.allclose(torch.cat([near, far], 1), boxes, atol=1e-4)


@pytest.mark.parametrize("name", ["detector", "segmenter"])
def test_training_gives_the_same_file_twice(tmp_path, name):
    """Two very short trainings, each in a process of its own: same bytes, and the loss goes down from its start."""
    for file in ("one.pth", "two.pth"):
        command = [sys.executable, str(SCENES / f"train_{name}.py"), "--steps", "3", "-o", str(tmp_path / file)]
        subprocess.run(command, capture_output=True, text=True, check=True)
    assert (tmp_path / "one.pth").read_bytes() == (tmp_path / "two.pth").read_bytes()
    assert {key: value.shape for key, value in torch.load(tmp_path / "one.pth").items()} == {
        key: value.shape for key, value in torch.load(SCENES / f"{name}.pth").items()
    }


@pytest.mark.parametrize(("name", "least"), [("digit_detector", 0.72), ("digit_segmenter", 0.6)])
def test_deployed_as_good_as_in_pytorch(zoo, tmp_path, name, least):
    """A part of benchmarks/digits_metrics.py: the metric of deploy.py, by OpenCV and by NumPy, is PyTorch's."""
    result = zoo["digits_metrics"].measure(name, default_targets(), FEW, tmp_path)
    assert zoo["digits_metrics"].equal(result), result
    assert result["PyTorch"] >= least


def test_equal_means_to_four_decimals(zoo):
    equal = zoo["digits_metrics"].equal
    assert equal({"PyTorch": 0.79314, "OpenCV 5.0.0": 0.79311, "NumPy": 0.79314})
    assert not equal({"PyTorch": 0.79314, "OpenCV 5.0.0": 0.79324, "NumPy": 0.79314})
    assert not equal({"PyTorch": 0.79314, "NumPy": 0.79314})


def test_recipes_are_those_of_the_folder():
    for name in ("detector", "segmenter"):
        assert recipes.recipe(f"digit_{name}").checkpoint == SCENES / f"{name}.pth"


# --- the metrics, on cases counted by hand -----------------------------------------------------------------------------

ONE = [[10, 10, 20, 20]]


def boxes(zoo, edges, classes, scores=None):
    edges = np.array(edges, np.float64).reshape(-1, 4)
    return zoo["metrics"].Boxes(edges, np.array(classes, np.int64), None if scores is None else np.array(scores, float))


def test_overlaps(zoo):
    one = np.array([[0, 0, 10, 10], [0, 0, 0, 0]])
    two = np.array([[5, 0, 15, 10], [0, 0, 10, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(zoo["metrics"].overlaps(one, two), [[50 / 150, 1, 0], [0, 0, 0]])


# found boxes (edges, classes, scores), true boxes (edges, classes), thresholds, AP
CASES = {
    "right": ((ONE, [3], [0.9]), (ONE, [3]), (0.5, 0.95), 1.0),
    "nothing found": (([], [], []), (ONE, [3]), (0.5,), 0.0),
    "another class": ((ONE, [4], [0.9]), (ONE, [3]), (0.5,), 0.0),
    # 8 of 10 rows: IoU 0.8, right at 0.5 and 0.75 and wrong at 0.85
    "too short": (([[10, 10, 20, 18]], [3], [0.9]), (ONE, [3]), (0.5, 0.75, 0.85), 2 / 3),
    # the better-scored box takes the true one, the other is wrong behind it: precision 1 at every recall
    "twice, best first": ((ONE * 2, [3, 3], [0.9, 0.8]), (ONE, [3]), (0.5,), 1.0),
    # a wrong box above the right one: precision 1/2 at every recall
    "wrong box first": (([[50, 50, 60, 60], *ONE], [3, 3], [0.9, 0.8]), (ONE, [3]), (0.5,), 0.5),
    # one of two found: precision 1 at the 51 recalls 0.00..0.50, none above
    "half": ((ONE, [3], [0.9]), ([*ONE, [50, 50, 60, 60]], [3, 3]), (0.5,), 51 / 101),
    # right, wrong, right: precision 1 until recall 0.5, then 2/3
    "in between": (
        ([*ONE, [80, 80, 90, 90], [50, 50, 60, 60]], [3, 3, 3], [0.9, 0.8, 0.7]),
        ([*ONE, [50, 50, 60, 60]], [3, 3]), (0.5,), (51 + 50 * 2 / 3) / 101,
    ),
    # class 3 perfect, class 4 missed; class 5, which is not true anywhere, does not count
    "classes": ((ONE * 2, [3, 5], [0.9, 0.9]), ([*ONE, [50, 50, 60, 60]], [3, 4]), (0.5,), 0.5),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mean_average_precision(zoo, case):
    found, true, thresholds, wanted = CASES[case]
    value = zoo["metrics"].mean_average_precision([boxes(zoo, *found)], [boxes(zoo, *true)], thresholds)
    assert value == pytest.approx(wanted, abs=1e-12)


def test_mean_average_precision_ranks_over_all_pictures(zoo):
    """A wrong box of another picture that is scored higher stands above the right one."""
    found = [boxes(zoo, ONE, [3], [0.5]), boxes(zoo, ONE, [3], [0.9])]
    true = [boxes(zoo, ONE, [3]), boxes(zoo, [], [])]
    assert zoo["metrics"].mean_average_precision(found, true, (0.5,)) == pytest.approx(0.5)


def test_a_hundred_boxes_a_picture_count(zoo):
    wrong = [[200 + 10 * n, 0, 205 + 10 * n, 5] for n in range(100)]
    found = boxes(zoo, [*wrong, *ONE], [3] * 101, np.linspace(0.9, 0.1, 101))
    assert zoo["metrics"].mean_average_precision([found], [boxes(zoo, ONE, [3])], (0.5,)) == 0.0


def test_no_true_box_gives_no_number(zoo):
    assert np.isnan(zoo["metrics"].mean_average_precision([boxes(zoo, ONE, [3], [0.5])], [boxes(zoo, [], [])]))


def test_mean_iou(zoo):
    true = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
    found = np.array([[0, 0, 1, 2], [0, 1, 2, 2]])
    # class 0: 3 of 4; class 1: 1 of 3; class 2: 2 of 3; class 3 occurs nowhere
    assert zoo["metrics"].mean_iou([found], [true], 4) == pytest.approx((3 / 4 + 1 / 3 + 2 / 3) / 3)
    assert zoo["metrics"].mean_iou([true, found], [true, found], 4) == 1.0
    # pixels are counted over all pictures together, not per picture
    assert zoo["metrics"].mean_iou([true, found], [true, true], 4) == pytest.approx((7 / 8 + 3 / 5 + 4 / 5) / 3)
