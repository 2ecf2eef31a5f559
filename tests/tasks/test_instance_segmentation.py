"""Objects with masks: prototypes, Mask R-CNN's, whole maps; crops and letterboxes; what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from converter.tasks._masks import decode_object_mask
from converter.tasks.instance_segmentation import class_count, describe, draw, postprocess

SIZE = (32, 48)
PICTURE = np.zeros((64, 96, 3), np.uint8)


def prototypes():
    """Two maps of 8 x 12 places: +1 left of the middle and -1 right of it, and the same for above and below."""
    maps = np.ones((1, 2, 8, 12), np.float32)
    maps[0, 0, :, 6:] = -1
    maps[0, 1, 4:] = -1
    return maps


def rows(*found):
    """(class, score, left, top, right, bottom, factors) as yolov8's rows with 2 classes and 2 factors."""
    table = []
    for index, score, left, top, right, bottom, factors in found:
        scores = [score if k == index else 0.0 for k in range(2)]
        table.append([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, *scores, *factors])
    return np.array(table, np.float32)


FOUND = [
    (1, 0.9, 8, 4, 40, 28, (9, 0)),  # the left half of its box
    (0, 0.8, 4, 8, 20, 30, (0, -9)),  # its part below the middle
    (1, 0.7, 9, 4, 40, 28, (9, 9)),  # the first object again
]


@pytest.mark.parametrize("head", ["yolov8", "yolov5"])
@pytest.mark.parametrize("turned", [False, True])
def test_prototypes(head, turned):
    table = rows(*FOUND)
    if head == "yolov5":
        table = np.insert(table, 4, 1.0, axis=1)
    outputs = {"boxes": table.T[None] if head == "yolov8" else table[None], "maps": prototypes()}
    if turned:
        outputs = dict(reversed(outputs.items()))
    result = postprocess(outputs, PICTURE, input_size=SIZE, head=head, labels=["a", "b"])
    assert json.loads(json.dumps(result)) == result
    assert [(o["label"], round(o["score"], 3), o["box"]) for o in result["objects"]] == [
        ("b", 0.9, [16, 8, 80, 56]), ("a", 0.8, [8, 16, 40, 60]),
    ]  # fmt: skip
    first, second = (decode_object_mask(thing, (64, 96)) for thing in result["objects"])
    wanted = np.zeros((2, 64, 96), bool)
    wanted[0, 8:56, 16:48] = True
    wanted[1, 32:60, 8:40] = True
    np.testing.assert_array_equal(first, wanted[0])
    np.testing.assert_array_equal(second, wanted[1])
    assert describe(result) == "b 90.0% on 1536 pixels, a 80.0% on 896 pixels"


def test_through_a_crop():
    """The network saw 48 x 32 of the picture's pixels, from (20, 10) on: masks and boxes are moved by that."""
    outputs = {"boxes": rows(FOUND[0]).T[None], "maps": prototypes()}
    result = postprocess(outputs, PICTURE, region=(20, 10, 68, 42), input_size=SIZE)
    mask = decode_object_mask(result["objects"][0], (64, 96))
    wanted = np.zeros((64, 96), bool)
    wanted[14:38, 28:44] = True
    np.testing.assert_array_equal(mask, wanted)


def test_without_a_picture():
    result = postprocess({"boxes": rows(FOUND[0]).T[None], "maps": prototypes()}, None, input_size=SIZE)
    assert result["size"] == [32, 48]
    assert decode_object_mask(result["objects"][0], SIZE)[4:28, 8:24].all()


@pytest.mark.parametrize("seed", range(6))
def test_mask_rcnns_masks_are_pasted_as_torchvision_pastes_them(seed):
    """Boxes that lie in the picture, or are clipped at its edge, as torchvision's are."""
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    rng = np.random.default_rng(seed)
    masks = torch.rand(3, 1, 14, 14, generator=torch.Generator().manual_seed(seed))
    masks = torch.nn.functional.avg_pool2d(masks, 5, 1, 2)
    low = torch.from_numpy(rng.uniform(0, 50, (3, 2)))
    boxes = torch.cat([low, low + torch.from_numpy(rng.uniform(2, 60, (3, 2)))], dim=1).float()
    boxes[:, 2:] = torch.minimum(boxes[:, 2:], torch.tensor([96.0, 64.0]))
    wanted = paste_masks_in_image(masks, boxes, (64, 96))[:, 0].numpy()
    outputs = {
        "boxes": boxes.numpy(), "labels": np.arange(3), "scores": np.array([0.9, 0.8, 0.7], np.float32),
        "masks": masks.numpy(),
    }  # fmt: skip
    result = postprocess(outputs, PICTURE, input_size=(64, 96), head="decoded")
    for number, thing in enumerate(result["objects"]):
        mask = decode_object_mask(thing, (64, 96))
        sure = np.abs(wanted[number] - 0.5) > 1e-4
        np.testing.assert_array_equal(mask[sure], wanted[number][sure] > 0.5)
        assert sure.mean() > 0.99 and wanted[number].max() > 0.5


def test_masks_over_the_whole_input():
    masks = np.zeros((1, 1, *SIZE), np.float32)
    masks[0, 0, 10:20, 5:40] = 1
    outputs = {
        "boxes": np.array([[0, 0, 48, 15]], np.float32), "labels": np.array([1]),
        "scores": np.array([0.9], np.float32), "masks": masks,
    }  # fmt: skip
    result = postprocess(outputs, PICTURE, input_size=SIZE, head="decoded")
    wanted = np.zeros((64, 96), bool)
    wanted[20:30, 10:80] = True
    np.testing.assert_array_equal(decode_object_mask(result["objects"][0], (64, 96)), wanted)


def test_drawing_colours_the_mask():
    outputs = {"boxes": rows(FOUND[0]).T[None], "maps": prototypes()}
    picture = np.full((320, 480, 3), 100, np.uint8)
    drawn = draw(picture, postprocess(outputs, picture, input_size=SIZE))
    assert (drawn[100:250, 100:220] != 100).any(axis=2).all() and (drawn[100:250, 260:380] == 100).all()


def test_nothing_found():
    result = postprocess({"boxes": np.zeros((1, 8, 5), np.float32), "maps": prototypes()}, PICTURE, input_size=SIZE)
    assert (result["objects"], describe(result)) == ([], "nothing found")
    assert draw(PICTURE, result).shape == (256, 384, 3)


def test_labels_that_fit():
    settings = {"head": "yolov8", "use_outputs": None}
    assert class_count([(1, 116, 8400), (1, 32, 160, 160)], settings) == 80
    assert class_count([(1, 25200, 117), (1, 32, 160, 160)], {**settings, "head": "yolov5"}) == 80


@pytest.mark.parametrize(
    ("outputs", "settings", "text"),
    [
        (
            {"boxes": (1, 5, 9), "maps": (1, 2, 8, 12)},
            {},
            "output 'boxes' has shape [1, 5, 9]: no classes are left beside 4 numbers of the box and 2 factors of the "
            "prototypes 'maps' [1, 2, 8, 12]",
        ),
        ({"boxes": (1, 5, 9)}, {}, "the head yolov8 needs 2 outputs, and the network has 1: boxes"),
        (
            {"b": (2, 4), "l": (2,), "s": (2,), "m": (3, 1, 28, 28)},
            {"head": "decoded"},
            "output 'm' has shape [3, 1, 28, 28], expected (2, 1, height, width)",
        ),
        ({"y": (1,)}, {"mask_threshold": 1.0}, "mask_threshold is 1.0, not a number between 0 and 1"),
        ({"y": (1,)}, {"head": "v99"}, "head is 'v99', not one of yolov8, yolov5, decoded"),
    ],
)
def test_refuses(outputs, settings, text):
    arrays = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(ValueError, match=r"\w") as raised:
        postprocess(arrays, PICTURE, input_size=SIZE, **settings)
    assert str(raised.value) == text
