"""Networks that read levels (uint8), or pictures with the channels last: which preprocessing, and the same numbers."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import converter
from converter.errors import InputError
from converter.export import Input
from converter.inputs import read_picture
from converter.pipeline import read_preprocess
from converter.preprocess import Preprocess
from converter.resources import resource


class Levels(nn.Module):
    """Reads uint8 with the channels last and normalises by itself."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x.permute(0, 3, 1, 2).float() / 255 - 0.5)).mean((2, 3)))


@pytest.mark.parametrize("shape", [(1, 3, 32, 48), (1, 32, 48, 3), (1, 1, 32, 48)])
def test_a_network_of_uint8_is_given_the_levels_of_the_same_picture(shape):
    usual = read_preprocess(None, Input("input", shape), None, "classification")
    found = read_preprocess(None, Input("input", shape, "uint8"), None, "classification")
    plain = {"scale": 1.0, "mean": (0.0,) * usual.channels, "std": (1.0,) * usual.channels, "dtype": "uint8"}
    assert found == dataclasses.replace(usual, **plain)
    assert found.layout == ("NHWC" if shape[3] == 3 else "NCHW")


def test_what_was_asked_for_is_not_dropped():
    with pytest.raises(InputError) as refused:
        read_preprocess("imagenet", Input("input", (1, 3, 8, 8), "uint8"), None, "classification")
    assert "it makes float32 (times 0.00392157, minus (0.485, 0.456, 0.406)" in refused.value.measured
    assert refused.value.do[0].startswith("--preprocess none")
    assert read_preprocess("none", Input("input", (1, 3, 8, 8), "uint8"), None, "classification").dtype == "uint8"
    levels = Preprocess.parse("none", shape=(1, 3, 8, 8))
    with pytest.raises(InputError, match="does not fit"):
        read_preprocess(
            dataclasses.replace(levels, dtype="uint8"), Input("input", (1, 3, 8, 8)), None, "classification"
        )


def test_through_deploy_py(tmp_path):
    torch.manual_seed(0)
    net, photo = Levels().eval(), next(resource("model_zoo").glob("photos/*.png"))
    made = converter.convert(net, example="1x32x48x3:uint8", task="classification", out=tmp_path / "levels")
    recipe = read_preprocess(None, Input("input", (1, 32, 48, 3), "uint8"), None, "classification")
    blob = recipe.apply(read_picture(photo.read_bytes()))
    assert blob.shape == (1, 32, 48, 3)
    assert blob.dtype == np.uint8
    with torch.no_grad():
        wanted = torch.softmax(net(torch.from_numpy(blob)), 1)[0].numpy()
    for backend in ("opencv", "numpy"):
        command = [sys.executable, "-B", str(made.folder / "deploy.py"), str(photo), "--json", "--backend", backend]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (answer,) = json.loads(done.stdout)
        scores = {found["index"]: found["score"] for found in answer["result"]["classes"]}
        np.testing.assert_allclose([scores[i] for i in range(5)], wanted, atol=1e-5)
