"""The demo's network on the whole held-back test set: five ways to run it, one answer for every scan."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from converter.backends import OnnxRuntime, run_opencv
from converter.checkpoint import load
from converter.demo import demo
from converter.resources import resource
from converter.targets import default_targets

DIGITS = resource("model_zoo") / "digits"


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "bundle"
    printed = demo(out=out)
    for digit in range(10):
        (line,) = [line for line in printed.splitlines() if line.startswith(f"{digit}.png")]
        assert line.split()[1] == line.split()[3] == str(digit)
    assert sorted(path.name for path in (out / "pictures").iterdir()) == [f"{digit}.png" for digit in range(10)]
    return out


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
