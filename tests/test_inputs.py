"""Input shapes, example tensors, labels, and the photographs that a network is proven on."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from converter.errors import InputError
from converter.export import Input
from converter.inputs import parse_shape, photos, picture_input, read_example, read_labels
from converter.preprocess import Preprocess


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("1x3x224x224", (1, 3, 224, 224), "float32"),
        ("1,3,224,224", (1, 3, 224, 224), "float32"),
        ("1X77:int64", (1, 77), "int64"),
        ("7", (7,), "float32"),
    ],
)
def test_parse_shape(text, shape, dtype):
    assert parse_shape(text) == (shape, dtype)


@pytest.mark.parametrize("text", ["", "x", "1x0x3", "1x-3", "224 by 224", "1x3:float8", "9999999999x9"])
def test_what_is_no_shape(text):
    with pytest.raises(InputError) as error:
        parse_shape(text)
    assert str(error.value) == (
        f"{text!r} is not an input shape\n"
        "  measured: expected sizes joined by x, batch first, all above zero, with a dtype where it is not float32\n"
        "  do:       for an image: --input 1x3x224x224\n"
        "  do:       for token ids: --input 1x77:int64"
    )


class Two(nn.Module):
    def forward(self, image, scale):
        return image * scale


@pytest.mark.parametrize(
    ("example", "inputs"),
    [
        ("1x3x8x8", [Input("input", (1, 3, 8, 8))]),
        ((1, 3, 8, 8), [Input("input", (1, 3, 8, 8))]),
        ([1, 3, 8, 8], [Input("input", (1, 3, 8, 8))]),
        (torch.zeros(1, 3, 8, 8), [Input("input", (1, 3, 8, 8))]),
        (np.zeros((2, 5), np.int64), [Input("input", (2, 5), "int64")]),
        (["1x3x8x8", "1:float64"], [Input("image", (1, 3, 8, 8)), Input("scale", (1,), "float64")]),
        ([(1, 3, 8, 8), torch.ones(1)], [Input("image", (1, 3, 8, 8)), Input("scale", (1,))]),
    ],
)
def test_read_example(example, inputs):
    assert list(read_example(example, Two())[0]) == inputs


def test_given_tensors_are_kept_as_a_sample():
    assert read_example("1x3x8x8", Two())[1] == {}
    assert read_example(torch.full((1, 2), 3.0), Two())[1]["input"].tolist() == [[3, 3]]


@pytest.mark.parametrize(
    ("module", "hint", "shape"),
    [
        (nn.Conv2d(1, 4, 3), None, (1, 1, 224, 224)),
        (nn.ReLU(), None, (1, 3, 224, 224)),
        (nn.Conv2d(3, 4, 3), (1, 3, 299, 299), (1, 3, 299, 299)),
    ],
)
def test_without_an_example(module, hint, shape):
    assert read_example(None, module, hint)[0] == (Input("input", shape),)


def test_what_is_no_example():
    with pytest.raises(InputError, match="found float; expected a shape, a tensor or an array"):
        read_example([1.5], nn.ReLU())


@pytest.mark.parametrize(
    ("inputs", "is_picture"),
    [
        ((Input("input", (1, 3, 8, 8)),), True),
        ((Input("input", (1, 1, 8, 8)),), True),
        ((Input("input", (1, 7, 8, 8)),), False),
        ((Input("input", (1, 8, 8, 3)),), True),
        ((Input("input", (1, 8, 8, 1)),), False),
        ((Input("input", (1, 3, 8, 8), "uint8"),), True),
        ((Input("input", (1, 3, 8, 8), "int64"),), False),
        ((Input("input", (1, 3)),), False),
        ((Input("a", (1, 3, 8, 8)), Input("b", (1, 3, 8, 8))), False),
    ],
)
def test_which_networks_read_one_picture(inputs, is_picture):
    assert picture_input(inputs) == (inputs[0] if is_picture else None)


def test_photographs_go_through_the_preprocessing():
    given = Input("input", (2, 3, 32, 48))
    found = photos([given], Preprocess.parse("imagenet", shape=given.shape))
    assert len(found) == 2
    for sample in found.values():
        assert sample["input"].shape == given.shape
        assert sample["input"].dtype == np.float32
        assert sample["input"].std() > 0.3, "a photograph is not flat"
    first, second = found.values()
    assert np.abs(first["input"][..., ::-1] - second["input"]).max() < np.abs(first["input"] - second["input"]).max()


def test_photographs_fill_inputs_of_any_shape():
    inputs = [Input("a", (5, 7)), Input("b", (3,), "int64")]
    for sample in photos(inputs, None).values():
        assert sample["a"].shape == (5, 7)
        assert sample["a"].dtype == np.float32
        assert np.unique(sample["a"]).size > 5
        assert sample["b"].dtype == np.int64


LABELS = ['a "quoted" one', "{{ braces }}", "back\\slash"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "\n".join(LABELS) + "\n"),
        ("labels.json", json.dumps(LABELS)),
        ("index.json", json.dumps({str(i): label for i, label in enumerate(LABELS)})),
    ],
)
def test_read_labels(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name) == LABELS
    assert read_labels(LABELS) == LABELS
    assert read_labels(None) is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("missing.txt", None),
        ("broken.json", b"["),
        ("number.json", b"3"),
        ("gaps.json", b'{"0": "a", "2": "b"}'),
        ("binary.txt", b"\xff\xfe\x00"),
    ],
)
def test_labels_that_cannot_be_read(tmp_path, name, data):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        read_labels(tmp_path / name)
    assert error.value.what == f"the labels cannot be read from {tmp_path / name}"
    assert "expected a text file with one label a line, or a JSON list" in error.value.measured
