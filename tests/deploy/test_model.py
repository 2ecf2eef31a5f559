"""deploy.py as a module: Model, step by step, and what it says to a blob that is wrong."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from converter.deploy import TensorInfo
from converter.preprocess import Preprocess
from tests.deploy_bundle import HERE, PREPROCESS, load_module, write_bundle


@pytest.fixture(scope="module")
def models(bundle):
    module = load_module(bundle)
    return {name: module.Model(backend=name) for name in ("auto", "opencv", "numpy")}


@pytest.mark.parametrize("backend", ["auto", "opencv", "numpy"])
def test_step_by_step(models, backend, rng):
    model = models[backend]
    assert model.backend == {"auto": "opencv"}.get(backend, backend)
    picture = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    blob = model.preprocess(picture)
    np.testing.assert_array_equal(blob, PREPROCESS.apply(picture))
    outputs = model.forward(blob)
    assert list(outputs) == ["scores"] and outputs["scores"].shape == (1, 4)
    assert model.postprocess(outputs, picture) == model(picture)
    assert model.draw(picture, model(picture)).shape[1] >= 320


@pytest.mark.parametrize("backend", ["opencv", "numpy"])
def test_other_batch_sizes_run_one_by_one(models, backend, rng):
    blob = rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    whole = models[backend].forward(blob)["scores"]
    kept = [models[backend].forward(blob[i : i + 1])["scores"] for i in range(3)]
    np.testing.assert_array_equal(whole, np.concatenate(kept))  # and no output was overwritten by the next one


def test_a_verified_batch_is_filled_up(tmp_path):
    folder = write_bundle(
        tmp_path / "bundle",
        opencv=[],
        inputs=[TensorInfo("input", (2, 3, 8, 8))],
        outputs=[TensorInfo("scores", (2, 4))],
    )
    blob = np.arange(3 * 3 * 64, dtype=np.float32).reshape(3, 3, 8, 8)
    model = load_module(folder).Model(backend="numpy")
    sizes = []
    run = model.runner.run
    model.runner.run = lambda feeds: sizes.append(len(feeds["input"])) or run(feeds)
    assert model.forward(blob)["scores"].shape == (3, 4)
    assert sizes == [2, 2]


BLOB = np.zeros((1, 3, 8, 8), np.float32)
TAKES = "the network takes float32 [1, 3, 8, 8]"


@pytest.mark.parametrize(
    ("blob", "text"),
    [
        (BLOB.tolist(), "input 'input' is a list, not a NumPy array"),
        (BLOB.astype(np.float64), f"input 'input' is float64, {TAKES}: convert it with .astype(np.float32)"),
        (
            np.zeros((8, 8, 3), np.uint8),
            f"input 'input' is uint8, {TAKES}: is it a picture? model.preprocess(image) makes the blob",
        ),
        (
            np.zeros((8, 8, 3), np.float32),
            f"input 'input' has shape [8, 8, 3], {TAKES}: this is height, width, channels; model.preprocess(image) "
            "makes the blob",
        ),
        (
            np.zeros((1, 8, 8, 3), np.float32),
            f"input 'input' has shape [1, 8, 8, 3], {TAKES}: this is batch, height, width, channels; "
            "give blob.transpose(0, 3, 1, 2)",
        ),
        (BLOB[0], f"input 'input' has shape [3, 8, 8], {TAKES}: the batch axis is missing, give blob[None]"),
        (BLOB[0, 0], f"input 'input' has shape [8, 8], {TAKES}: 2 axes, expected 4"),
        (BLOB[:, :1], f"input 'input' has shape [1, 1, 8, 8], {TAKES}: 1 channels, expected 3"),
        (BLOB[:, :, :6], f"input 'input' has shape [1, 3, 6, 8], {TAKES}: height x width is 6x8, expected 8x8"),
        (BLOB[:0], f"input 'input' has shape [0, 3, 8, 8], {TAKES}: batch size 0, expected 1"),
        ({"image": BLOB}, "the network's inputs are input, not image"),
        ({}, "the network's inputs are input, not none"),
    ],
)
def test_wrong_blobs(models, blob, text):
    with pytest.raises(ValueError, match="input") as raised:
        models["numpy"].forward(blob)
    assert str(raised.value) == text


def test_several_inputs(tmp_path):
    folder = write_bundle(
        tmp_path / "bundle",
        opencv=[],
        preprocess=None,
        task="raw",
        labels=None,
        inputs=[TensorInfo("tokens", (1, 5), "int64"), TensorInfo("mask", (1, 5, "any"), "float32")],
        outputs=[TensorInfo("y", None)],
    )
    (folder / "numpy_model.py").write_text(
        "class Net:\n    def run(self, feeds):\n        return {'y': feeds['tokens'].sum() * feeds['mask']}\n"
        "def load(folder):\n    return Net()\n",
        encoding="utf-8",
    )
    model = load_module(folder).Model(backend="numpy")
    tokens, mask = np.arange(5)[None], np.ones((1, 5, 7), np.float32)
    assert model.forward({"mask": mask, "tokens": tokens})["y"].shape == (1, 5, 7)
    assert model({"mask": mask, "tokens": tokens})["outputs"][0]["max"] == 10.0
    with pytest.raises(ValueError, match="the network has 2 inputs: give a dict with arrays for tokens, mask"):
        model.forward(tokens)
    with pytest.raises(
        ValueError, match=r"input 'mask' has shape \[1, 4, 7\], the network takes float32 \[1, 5, 'any'\]"
    ):
        model.forward({"tokens": tokens, "mask": mask[:, 1:]})
    with pytest.raises(ValueError, match=r"converted without preprocessing: give arrays to forward\(\)"):
        model.preprocess(np.zeros((4, 4, 3), np.uint8))


def test_settings_and_backends_are_checked(bundle):
    module = load_module(bundle)
    assert len(module.Model(backend="numpy", top_k=2)(np.zeros((8, 8, 3), np.uint8))["classes"]) == 2
    with pytest.raises(TypeError, match="unknown setting topk; this network's task has: top_k, activation"):
        module.Model(topk=2)
    with pytest.raises(ValueError, match="backend is 'torch', not auto, opencv or numpy"):
        module.Model(backend="torch")


def test_auto_says_why_it_falls_back(copied, capfd):
    module = load_module(copied)
    (copied / "model.onnx").write_bytes(b"garbage")
    model = module.Model(copied)
    assert model.backend == "numpy"
    assert capfd.readouterr().err.splitlines()[-1].startswith(f"OpenCV {HERE}: it cannot read model.onnx (")


def test_a_folder_whose_name_is_not_ascii(bundle, tmp_path):
    """cv2 reads such a model from memory."""
    folder = shutil.copytree(bundle, tmp_path / "mødel")
    assert load_module(folder).Model(backend="opencv").forward(BLOB)["scores"].shape == (1, 4)


def test_segmentation_looks_at_the_crop(tmp_path):
    """The mask covers what the centre crop left of the picture, and is drawn there."""
    crop = Preprocess(size=(8, 8), resize="shortest", resize_size=16, crop=(8, 8))
    folder = write_bundle(
        tmp_path / "bundle", opencv=[], preprocess=crop, task="segmentation", outputs=[TensorInfo("m", (1, 2, 8, 8))]
    )
    model = load_module(folder).Model(backend="numpy")
    scores = np.zeros((1, 2, 8, 8), np.float32)
    scores[:, 1] = 1
    picture = np.full((400, 800, 3), 200, np.uint8)
    result = model.postprocess({"m": scores}, picture)
    assert result["classes"] == [{"index": 1, "label": "one", "pixels": 40000, "share": 1.0}]
    mask = sys.modules[type(model).__module__].decode_mask(result)
    assert (mask[100:300, 300:500] == 1).all() and (mask == 1).sum() == 40000
    drawn = model.draw(picture, result)
    assert (drawn[:100, :800] == 200).all() and (drawn[150, 400] != 200).any()
