"""Masks: what is decided where, with one class and with many, against torch's own resize and against loops."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from converter.tasks._masks import between, bilinear, decode_runs, encode_runs, resize_map
from converter.tasks.segmentation import class_count, decode_mask, describe, draw, postprocess


def blank(height, width):
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_bilinear_is_torchs(seed):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(3, *rng.integers(1, 12, 2))).astype(np.float32)
    height, width = (int(n) for n in rng.integers(1, 30, 2))
    wanted = torch.nn.functional.interpolate(torch.from_numpy(maps)[None], (height, width), mode="bilinear")[0]
    rows = between(np.arange(height), 0, height, maps.shape[1])
    columns = between(np.arange(width), 0, width, maps.shape[2])
    np.testing.assert_allclose(bilinear(maps, rows, columns), wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
@pytest.mark.parametrize("region", [None, (10, 5, 60, 45), (-10, -20, 90, 80)])
def test_scores_are_put_back(resize, region, rng):
    """The scores, resized by torch to the region's own pixels, decide; where torch itself is undecided either may."""
    scores = torch.from_numpy(rng.normal(size=(1, 5, 7, 9)).astype(np.float32))
    left, top, right, bottom = region or (0, 0, 80, 60)
    mode = {"mode": "bilinear"} if resize == "bilinear" else {"mode": "nearest-exact"}
    whole = torch.nn.functional.interpolate(scores, (bottom - top, right - left), **mode)[0]
    two = whole.topk(2, dim=0).values
    wanted = np.full((60, 80), -1)
    sure = np.ones((60, 80), bool)
    rows, columns = slice(max(top, 0), min(bottom, 60)), slice(max(left, 0), min(right, 80))
    inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    wanted[rows, columns] = whole.argmax(0).numpy()[inside]
    sure[rows, columns] = (two[0] - two[1] > 1e-4).numpy()[inside]
    result = postprocess({"y": scores.numpy()}, blank(60, 80), region=region, resize=resize)
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(decode_mask(result)[sure], wanted[sure])
    assert json.loads(json.dumps(result)) == result


def test_one_class():
    logits = np.array([[[[-1.0, 0.1], [2.0, -9.0]]]], np.float32)
    result = postprocess({"y": logits}, None, activation="sigmoid", labels=["crack"])
    assert decode_mask(result).tolist() == [[0, 1], [1, 0]]
    assert [(c["label"], c["pixels"]) for c in result["classes"]] == [("background", 2), ("crack", 2)]
    assert decode_mask(postprocess({"y": logits}, None, activation="sigmoid", threshold=0.6)).tolist() == [
        [0, 0],
        [1, 0],
    ]
    chances = 1 / (1 + np.exp(-logits))
    assert decode_mask(postprocess({"y": chances}, None, activation="none")).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="output 'y' has one class: its arg-max says nothing"):
        postprocess({"y": logits}, None)


def test_classes_that_may_overlap():
    """Each pixel takes its most probable class above the threshold; the network's classes count from 1."""
    logits = np.array([[[[3.0, -1.0, -2.0]], [[2.0, 1.0, -3.0]]]], np.float32)
    result = postprocess({"y": logits}, None, activation="sigmoid", labels=["cat", "dog"])
    assert decode_mask(result).tolist() == [[1, 2, 0]]
    assert describe(result) == "background 33.3%, cat 33.3%, dog 33.3%"


def test_classes_themselves():
    mask = np.array([[[0, 3], [3, 1]]], np.int64)
    assert decode_mask(postprocess({"y": mask}, None)).tolist() == mask[0].tolist()
    assert decode_mask(postprocess({"y": mask}, blank(4, 4))).tolist() == mask[0].repeat(2, 0).repeat(2, 1).tolist()


def test_which_output():
    first, second = np.zeros((1, 2, 1, 1), np.float32), np.array([[[[0.0]], [[1.0]]]], np.float32)
    outputs = {"aux": first, "out": second}
    assert [decode_mask(postprocess(outputs, None, use_outputs=use)).item() for use in (None, 0, "out", 1)] == [
        0,
        0,
        1,
        1,
    ]


def test_the_background_is_not_coloured():
    scores = np.zeros((1, 2, 1, 2), np.float32)
    scores[0, 1, 0, 1] = 1
    picture = np.full((320, 400, 3), 100, np.uint8)
    plain = draw(picture, postprocess({"y": scores}, picture))
    assert (plain[:320, :200] == 100).all() and (plain[:320, 200:400] != 100).any(axis=2).all()
    every = draw(picture, postprocess({"y": scores}, picture, background=None))
    assert (every[:320, :200] == 50).all()  # half of the picture, half of black


@pytest.mark.parametrize("count", [1, 24, 40])
def test_the_legend_has_the_classes_of_the_picture(count):
    """A line and a square of its colour each, up to 24 of them; then a line says how many more."""
    scores = np.eye(count + 1, dtype=np.float32)[:, None, 1:][None]
    picture = np.full((50, 400, 3), 100, np.uint8)
    drawn = draw(picture, postprocess({"y": scores}, picture))
    strip = drawn[50:]
    colors = {tuple(pixel) for pixel in strip.reshape(-1, 3)}
    from converter.tasks._drawing import palette

    shown = palette(count + 1)[1:]
    assert sum(tuple(color) in colors for color in shown) >= min(count, 24)
    assert len(strip) > 15 * min(count, 24)


def test_labels_that_fit():
    assert class_count([(1, 21, 8, 8)], {"activation": "argmax"}) == 21
    assert class_count([(1, 1, 8, 8)], {"activation": "sigmoid"}) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_map_is_put_back(seed):
    """A plane through the map's centres stays that plane between the outermost ones, in the picture's coordinates."""
    rng = np.random.default_rng(seed)
    left, top = rng.uniform(-20, 20, 2)
    right, bottom = left + rng.uniform(20, 60), top + rng.uniform(20, 60)
    a, b, c = rng.normal(size=3)
    x = left + (np.arange(16) + 0.5) / 16 * (right - left)
    y = top + (np.arange(12) + 0.5) / 12 * (bottom - top)
    found = resize_map(a * x + b * y[:, None] + c, (40, 50), (left, top, right, bottom))
    px, py = np.arange(50) + 0.5, np.arange(40)[:, None] + 0.5
    inner = (px > x[0]) & (px < x[-1]) & (py > y[0]) & (py < y[-1])
    outside = (px < left) | (px >= right) | (py < top) | (py >= bottom)
    assert inner.any()
    np.testing.assert_allclose(found[inner], (a * px + b * py + c)[inner], atol=1e-3)
    np.testing.assert_array_equal(np.isnan(found), outside)


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (3, 5)])
def test_runs(shape, rng):
    mask = rng.integers(0, 2, shape)
    np.testing.assert_array_equal(decode_runs(encode_runs(mask), shape), mask)
