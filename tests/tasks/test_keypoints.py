"""Keypoints: each kind of head on outputs whose points are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from converter.tasks.keypoints import SKELETONS, describe, draw, postprocess

SIZE = (64, 48)
PICTURE = np.zeros((128, 192, 3), np.uint8)
STEP = np.array([4.0, 2.0])  # of the picture's pixels for one of the input's


def points(outputs, image=PICTURE, **settings):
    """x, y and score of the only object's points, in the picture."""
    result = postprocess(outputs, image, input_size=SIZE, **settings)
    assert json.loads(json.dumps(result)) == result
    (thing,) = result["objects"]
    return np.array([[p["x"], p["y"], p["score"]] for p in thing["keypoints"]])


def bump(*centers, size=(16, 12)):
    """A heat map (1, K, 16, 12) for each centre x, y in cells: a Gaussian of height 0.9."""
    y, x = np.mgrid[: size[0], : size[1]]
    maps = [0.9 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8) for cx, cy in centers]
    return np.array(maps, np.float32)[None]


@pytest.mark.parametrize(
    ("refine", "center", "wanted"),
    [
        ("none", 0.0, [(5, 7), (0, 15)]),
        ("quarter", 0.0, [(5.25, 6.75), (0, 15)]),  # towards the higher neighbour, and nowhere at the edge
        ("quarter", 0.5, [(5.75, 7.25), (0.5, 15.5)]),
    ],
)
def test_heatmaps(refine, center, wanted):
    found = points({"y": bump((5.3, 6.7), (-0.4, 15.2))}, refine=refine, cell_center=center)
    np.testing.assert_allclose(found[:, :2], np.array(wanted) * 4 * STEP, atol=1e-9)
    np.testing.assert_allclose(found[:, 2], [bump((5.3, 6.7))[0, 0, 7, 5], bump((-0.4, 15.2))[0, 0, 15, 0]])


def test_a_flat_neighbourhood_moves_nothing():
    heat = np.zeros((1, 1, 5, 5), np.float32)
    heat[0, 0, 2, 2] = 1
    np.testing.assert_allclose(points({"y": heat}, None)[0, :2], [2 * 48 / 5, 2 * 64 / 5])


def test_offsets():
    """17 cells over 257 pixels are 16 apart; first all y, then all x."""
    heat, offset = np.full((1, 2, 17, 17), -5.0, np.float32), np.zeros((1, 4, 17, 17), np.float32)
    heat[0, 0, 3, 5], heat[0, 1, 16, 0] = math.log(3), 0.0
    offset[0, :, 3, 5] = [1.5, 99, -2.5, 99]
    offset[0, :, 16, 0] = [99, -7, 99, 8]
    result = postprocess({"h": heat, "o": offset}, None, input_size=(257, 257), head="offsets", activation="sigmoid")
    found = [(p["x"], p["y"], round(p["score"], 6)) for p in result["objects"][0]["keypoints"]]
    assert found == [(77.5, 49.5, 0.75), (8.0, 249.0, 0.5)]


@pytest.mark.parametrize("units", ["pixels", "unit", "centered"])
@pytest.mark.parametrize("form", ["flat", "pairs", "scored"])
def test_coordinates(units, form):
    places = np.array([[12.0, 32.0], [48.0, 0.0], [1.0, 63.0]])
    given = {"pixels": places, "unit": places / [48, 64], "centered": places / [24, 32] - 1}[units]
    output = given.reshape(1, -1) if form == "flat" else given[None]
    if form == "scored":
        output = np.concatenate([output, [[[0.5], [0.2], [0.9]]]], axis=2)
    found = points({"y": output.astype(np.float32)}, head="coordinates", units=units)
    np.testing.assert_allclose(found[:, :2], places * STEP, atol=1e-4)
    np.testing.assert_allclose(found[:, 2], [0.5, 0.2, 0.9] if form == "scored" else 1, rtol=1e-6)


def test_simcc():
    """Twice as many parts as the input has pixels; a point is as sure as its less sure axis."""
    across, down = np.zeros((1, 2, 96), np.float32), np.zeros((1, 2, 128), np.float32)
    across[0, 0, 31], down[0, 0, 64], across[0, 1, 0], down[0, 1, 127] = 0.8, 0.6, 0.3, 0.4
    found = points({"x": across, "y": down}, head="simcc")
    np.testing.assert_allclose(found, [[15.5 * 4, 32 * 2, 0.6], [0, 63.5 * 2, 0.3]], rtol=1e-6)


def pose(*found, dimensions=3):
    """Rows of (score, left, top, right, bottom, x, y of two points)."""
    table = []
    for score, left, top, right, bottom, *places in found:
        each = [[x, y, 0.9][:dimensions] for x, y in zip(places[::2], places[1::2], strict=True)]
        table.append([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, score, *np.ravel(each)])
    return {"y": np.array(table, np.float32).T[None]}


@pytest.mark.parametrize("dimensions", [2, 3])
def test_yolov8(dimensions):
    outputs = pose(
        (0.6, 2, 2, 22, 42, 5, 6, 7, 8), (0.9, 24, 4, 44, 44, 30, 10, 30, 70), (0.8, 24, 5, 44, 44, 1, 1, 1, 1),
        dimensions=dimensions,
    )  # fmt: skip
    result = postprocess(
        outputs, PICTURE, input_size=SIZE, head="yolov8", points=2, dimensions=dimensions, labels=["nose", "tail"],
        skeleton=[[0, 1]],
    )  # fmt: skip
    assert json.loads(json.dumps(result)) == result
    assert [o["box"] for o in result["objects"]] == [[96, 8, 176, 88], [8, 4, 88, 84]]
    first, second = ([(p["label"], p["x"], p["y"]) for p in o["keypoints"]] for o in result["objects"])
    assert first == [("nose", 120, 20), ("tail", 120, 140)]  # outside of the picture is where it is
    assert second == [("nose", 20, 12), ("tail", 28, 16)]
    assert describe(result) == "90.0% with 2 points, 60.0% with 2 points"


def test_decoded():
    outputs = {
        "boxes": np.array([[2, 2, 22, 42], [24, 4, 44, 44]], np.float32),
        "labels": np.array([1, 1]),
        "scores": np.array([0.2, 0.9], np.float32),
        "keypoints": np.array([[[1, 1, 1]], [[30, 10, 1]]], np.float32),
    }
    result = postprocess(outputs, PICTURE, input_size=SIZE, head="decoded")
    ((place,),) = (thing["keypoints"] for thing in result["objects"])
    assert (place["x"], place["y"], place["seen"]) == (120, 20, True)


def test_through_a_letterbox():
    found = points({"y": np.array([[24.0, 32.0, 0.0, 0.0]])}, head="coordinates", region=(-10, -20, 86, 44))
    np.testing.assert_allclose(found[:, :2], [[38, 12], [-10, -20]])


def test_points_below_the_threshold_are_not_drawn():
    output = np.array([[[12, 16, 0.9], [36, 16, 0.2], [36, 48, 0.9]]], np.float32)
    result = postprocess({"y": output}, PICTURE, input_size=SIZE, head="coordinates", skeleton=[[0, 1], [0, 2]])
    assert [p["seen"] for p in result["objects"][0]["keypoints"]] == [True, False, True]
    assert describe(result) == "0 48,32, 2 144,96"
    drawn = draw(PICTURE, result)
    assert drawn.shape == (256, 384, 3)
    assert drawn[64, 96].any() and drawn[192, 288].any() and drawn[128, 192].any()  # both ends and the bone's middle
    assert not drawn[64, 288].any() and not drawn[64, 192].any()


@pytest.mark.parametrize("name", SKELETONS)
def test_skeletons_connect_each_point_once(name):
    pairs = SKELETONS[name]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    count = {"none": 0, "coco17": 17, "mpii16": 16, "hand21": 21}[name]
    assert {end for pair in pairs for end in pair} == set(range(count))


@pytest.mark.parametrize(
    ("shapes", "settings", "text"),
    [
        ({"y": (1, 2, 5)}, {}, "output 'y' has shape [1, 2, 5], expected (1, points, height, width)"),
        ({"y": (1, 5)}, {"head": "coordinates"}, None),
        ({"y": (1, 3, 4)}, {"head": "coordinates"}, None),
        ({"y": (1, 2, 3), "z": (1, 3, 4)}, {"head": "simcc"}, "the head simcc has 2 points for x and 3 for y"),
        (
            {"y": (1, 2, 5, 5), "z": (1, 2, 5, 5)},
            {"head": "offsets"},
            "output 'z' has shape [1, 2, 5, 5], expected [1, 4, 5, 5]",
        ),
        (
            {"y": (1, 54, 9)},
            {"head": "yolov8"},
            "output 'y' has shape [1, 54, 9], expected (1, 4 + classes + 17 points * 3, boxes): set points, and dimensions to "
            "2 or 3",
        ),
        (
            {"y": (1, 2, 5, 5)},
            {"skeleton": "dog"},
            "skeleton is 'dog', not one of none, coco17, mpii16, hand21, nor pairs of points",
        ),
        ({"y": (1, 2, 5, 5)}, {"skeleton": "coco17"}, "the skeleton connects points up to 16, and there are 2 points"),
        (
            {"y": (1, 2, 5, 5)},
            {"head": "x"},
            "head is 'x', not one of heatmaps, offsets, coordinates, simcc, yolov8, decoded",
        ),
    ],
)
def test_refuses(shapes, settings, text):
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(ValueError, match=r"\w") as raised:
        postprocess(outputs, PICTURE, input_size=SIZE, **settings)
    shape = list(shapes["y"])
    assert str(raised.value) == (
        text or f"output 'y' has shape {shape}, expected (1, points, 2), (1, points, 3) or (1, points * 2)"
    )
