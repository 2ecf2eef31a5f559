"""The embedded demo model: what lies in model_zoo/digits is what its README says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from converter.resources import resource

DIGITS = resource("model_zoo") / "digits"
CHECKPOINT = DIGITS / "digits.pth"


@pytest.fixture(scope="module")
def zoo():
    """model_zoo/digits' own modules, imported as its scripts import them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DIGITS))
        import data
        import model
        import train

        yield {"data": data, "model": model, "train": train}
        for name in ("data", "model", "train"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def classifier(zoo):
    network = zoo["model"].digits_cnn()
    network.load_state_dict(torch.load(CHECKPOINT, weights_only=True))
    return network.eval()


@pytest.fixture(scope="module")
def parts(zoo):
    return zoo["data"].split()


def test_accuracy_on_the_held_back_scans(zoo, classifier, parts):
    train, test = parts
    assert zoo["train"].accuracy(classifier, test) >= 0.98
    assert zoo["train"].accuracy(classifier, train) >= 0.99


def test_checkpoint_is_small_and_only_tensors():
    assert CHECKPOINT.stat().st_size < 300_000
    state = torch.load(CHECKPOINT, weights_only=True)
    assert all(isinstance(value, torch.Tensor) and value.isfinite().all() for value in state.values())


def test_split_is_disjoint_complete_and_even(parts):
    train, test = parts
    both = np.concatenate([train.positions, test.positions])
    assert np.array_equal(np.sort(both), np.arange(1797))
    assert (len(train.labels), len(test.labels)) == (1438, 359)
    share = np.bincount(test.labels) / np.bincount(np.concatenate([train.labels, test.labels]))
    assert np.all(np.abs(share - 0.2) < 0.003)
    assert (test.pictures.dtype, test.pictures.shape) == (np.uint8, (359, 8, 8))


def test_scans_become_pictures_evenly(zoo):
    values = np.arange(17)
    pictures = zoo["data"].to_pictures(values)
    assert (pictures.dtype, pictures[0], pictures[8], pictures[16]) == (np.uint8, 0, 128, 255)
    assert np.abs(pictures - values * 255 / 16).max() <= 0.5
    assert len(set(pictures.tolist())) == 17


@pytest.mark.parametrize("scans", [np.array([17]), np.array([-1]), np.array([0.5])], ids=["high", "low", "fraction"])
def test_other_values_are_refused(zoo, scans):
    with pytest.raises(ValueError, match=r"scans hold whole values 0\.\.16, these go from"):
        zoo["data"].to_pictures(scans)


@pytest.mark.parametrize("digit", range(10))
def test_sample_is_held_back_and_read_right(zoo, classifier, parts, digit):
    train, test = parts
    with Image.open(DIGITS / "samples" / f"{digit}.png") as image:
        assert (image.mode, image.size) == ("L", (8, 8))
        picture = np.asarray(image)

    same = np.all(test.pictures == picture, axis=(1, 2))
    assert test.labels[same].tolist() == [digit]
    assert np.array_equal(picture, zoo["data"].samples(test)[digit])
    assert not np.any(np.all(train.pictures == picture, axis=(1, 2)))
    with torch.inference_mode():
        assert int(classifier(zoo["train"].as_input(picture[None])).argmax()) == digit


def test_samples_and_labels_are_complete():
    assert sorted(path.name for path in (DIGITS / "samples").iterdir()) == [f"{digit}.png" for digit in range(10)]
    assert (DIGITS / "labels.txt").read_text().splitlines() == [str(digit) for digit in range(10)]


def test_training_gives_the_same_file_twice(tmp_path):
    """Two short trainings, each in a process of its own: same bytes, and already far better than chance."""
    said = []
    for name in ("one.pth", "two.pth"):
        command = [sys.executable, str(DIGITS / "train.py"), "--epochs", "2", "-o", str(tmp_path / name)]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    assert (tmp_path / "one.pth").read_bytes() == (tmp_path / "two.pth").read_bytes()
    assert said[0][:-1] == said[1][:-1]
    label, accuracy = said[0][-2].split()[:2], float(said[0][-2].split()[2])
    assert label == ["test", "set"]
    assert accuracy > 0.5


def test_photograph_is_a_real_colour_picture():
    path = Path(resource("model_zoo")) / "photos" / "pagoda.png"
    assert path.stat().st_size < 160_000
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("RGB", (320, 240))
        assert np.asarray(image).reshape(-1, 3).std(axis=0).min() > 40
