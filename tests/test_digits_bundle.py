"""The demo; and its classifier on the whole held-back test set: five ways to run it, one answer for every scan."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from converter import demo as demo_module
from converter.backends import OnnxRuntime, run_opencv
from converter.checkpoint import load
from converter.demo import demo
from converter.resources import resource
from converter.targets import default_targets

DIGITS = resource("model_zoo") / "digits"
SCENES = resource("model_zoo") / "scenes"


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    """The demo's folder, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "bundles"
    return out, demo(out=out).splitlines()


@pytest.fixture(scope="module")
def folder(demonstrated):
    return demonstrated[0] / "classification"


def test_demo_reads_the_sample_scans(demonstrated, folder):
    first = demonstrated[1][: demonstrated[1].index("")]
    for digit in range(10):
        (line,) = [line for line in first if line.startswith(f"{digit}.png")]
        assert line.split()[1] == line.split()[3] == str(digit)
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == [f"{digit}.png" for digit in range(10)]


@pytest.mark.parametrize(("task", "what"), [("detection", "digits found in"), ("segmentation", "outlined in")])
def test_demo_looks_at_the_sample_scenes(demonstrated, task, what):
    """Both runtimes' answers stand side by side and agree; the pictures are drawn on."""
    import cv2

    out, lines = demonstrated
    (start,) = [number for number, line in enumerate(lines) if line.startswith(what)]
    column = lines[start].index("NumPy")
    for number, line in enumerate(lines[start + 1 : start + 7]):
        assert line.startswith(f"{number}.png")
        by_opencv, by_numpy = (text.split() for text in (line[16:column], line[column:]))
        assert len(by_numpy) >= 2
        assert by_opencv[0::2] == by_numpy[0::2]  # labels; scores may be rounded to another per cent
    assert lines[start + 7] == f"bundle: {out / task}"
    for number in range(6):
        drawn = cv2.imread(str(out / task / "pictures" / f"{number}.png"))
        given = cv2.imread(str(SCENES / "samples" / f"{number}.png"))
        factor = drawn.shape[1] // given.shape[1]
        enlarged = given.repeat(factor, axis=0).repeat(factor, axis=1)
        assert (drawn[: enlarged.shape[0], : enlarged.shape[1]] != enlarged).any()


def test_demo_finds_what_is_there(demonstrated):
    """Of the digits in the sample scenes, most are found where they are; the answers are real ones."""
    out, _ = demonstrated
    command = [sys.executable, "-B", out / "detection" / "deploy.py", SCENES / "samples", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {Path(entry["source"]).name: entry["result"]["objects"] for entry in json.loads(done.stdout)}
    truth = json.loads((SCENES / "truth" / "objects.json").read_text())
    right = [
        any(
            int(thing["label"]) == known["digit"]
            and max(abs(a - b) for a, b in zip(thing["box"], known["box"], strict=True)) <= 6
            for thing in found[name]
        )
        for name, objects in truth.items()
        for known in objects
    ]
    assert len(right) == 28
    assert sum(right) >= 22


RUNS = [0, 5000, 3, 100, 0, 4900]


@pytest.mark.parametrize(
    ("second", "same"),
    [
        ([0, 5000, 3, 100, 0, 4900], True),
        ([0, 5001, 3, 99, 0, 4900], True),  # one pixel of ten thousand
        ([0, 5001, 3, 98, 0, 4901], False),
        ([0, 5000, 4, 100, 0, 4900], False),
        ([0, 10000], False),
        ([0, 5000, 3, 100, 0, 4899], False),
    ],
)
def test_masks_are_the_same_but_for_ties(second, same):
    assert demo_module._same_mask({"runs": RUNS}, {"runs": second}) is same


@pytest.mark.parametrize(
    ("label", "box", "same"),
    [("3", [1, 2, 3, 4.04], True), ("3", [1, 2, 3, 4.06], False), ("5", [1, 2, 3, 4], False)],
)
def test_objects_are_the_same_where_they_are_almost(label, box, same):
    one, two = ({"objects": [{"label": name, "box": edges}]} for name, edges in (("3", [1, 2, 3, 4]), (label, box)))
    assert demo_module._same_objects(one, two) is same
    assert demo_module._same_objects(one, {"objects": []}) is False


@pytest.fixture(scope="module")
def held_back():
    return module("digits_data", DIGITS / "data.py").split()[1]


@pytest.fixture(scope="module")
def reference(held_back):
    """PyTorch's class for every scan, from the training data's own form of the picture."""
    network = load(DIGITS / "digits.pth", arch=f"{DIGITS / 'model.py'}:digits_cnn").module
    blobs = torch.from_numpy(held_back.pictures[:, None].astype(np.float32) / np.float32(255))
    with torch.no_grad():
        classes = network(blobs).numpy().argmax(1)
    assert (classes == held_back.labels).mean() >= 0.98
    return classes


def test_every_runtime_reads_every_scan_alike(folder, held_back, reference):
    blobs = [{"input": picture[None, None].astype(np.float32) / np.float32(255)} for picture in held_back.pictures]
    model = (folder / "model.onnx").read_bytes()
    session = OnnxRuntime(model)
    by_ort = [session.run(blob)["output"].argmax() for blob in blobs]
    run = run_opencv(model, blobs, ["output"], default_targets()[0])
    by_opencv = [outputs["output"].argmax() for outputs in run.outputs]
    numpy_model = module("digits_numpy_model", folder / "numpy_model.py").load(folder)
    by_numpy = [numpy_model.run(blob)["output"].argmax() for blob in blobs]
    assert len(reference) == len(held_back.pictures) >= 350
    for classes in (by_ort, by_opencv, by_numpy):
        np.testing.assert_array_equal(classes, reference)


@pytest.mark.parametrize("backend", ["opencv", "numpy"])
def test_deploy_reads_every_scan_alike(folder, held_back, reference, tmp_path, backend):
    """As a user would: pictures in a folder, read, prepared, classified."""
    import cv2

    for number, picture in enumerate(held_back.pictures):
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), picture)
    command = [sys.executable, "-B", folder / "deploy.py", tmp_path, "--backend", backend, "--json", "--top-k", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    entries = json.loads(done.stdout)
    assert [entry["result"]["classes"][0]["index"] for entry in entries] == reference.tolist()
