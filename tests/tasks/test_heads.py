"""Each kind of detector's head: anchors and decoding against torchvision's Python, the others against loops over boxes."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from converter.tasks._anchors import retinanet_anchors, ssd_anchors
from converter.tasks.detection import postprocess

SSD = {
    "grids": [[5, 7], [3, 4], [1, 1]],
    "scales": [0.1, 0.35, 0.6, 1.05],
    "aspect_ratios": [[2], [2, 3], [2]],
}
RETINANET = {
    "sizes": [[edge, int(edge * 2 ** (1 / 3)), int(edge * 2 ** (2 / 3))] for edge in (8, 16, 32)],
    "aspect_ratios": [0.5, 1.0, 2.0],
}
SIZE = (48, 64)


def torchvision_anchors(kind, grids, **steps):
    from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
    from torchvision.models.detection.image_list import ImageList

    images = ImageList(torch.zeros(1, 3, *SIZE), [SIZE])
    maps = [torch.zeros(1, 4, *grid) for grid in grids]
    if kind == "ssd":
        generator = DefaultBoxGenerator(SSD["aspect_ratios"], scales=SSD["scales"], **steps)
    else:
        sizes = tuple(tuple(level) for level in RETINANET["sizes"])
        generator = AnchorGenerator(sizes, (tuple(RETINANET["aspect_ratios"]),) * 3)
    return generator(images, maps)[0].numpy()


@pytest.mark.parametrize("steps", [None, [10, 20, 60]])
def test_ssd_anchors(steps):
    wanted = torchvision_anchors("ssd", SSD["grids"], steps=steps)
    np.testing.assert_allclose(ssd_anchors(SIZE, {**SSD, "steps": steps}), wanted, atol=2e-5)


@pytest.mark.parametrize("where", [{"grids": [[6, 8], [3, 4], [2, 2]]}, {"strides": [8, 16, 24]}])
def test_retinanet_anchors(where):
    grids = where.get("grids") or [[6, 8], [3, 4], [2, 3]]
    wanted = torchvision_anchors("retinanet", grids)
    if "strides" in where:  # torchvision's strides are input // grid: 24 and 21 for the last level
        kept = len(wanted) - 2 * 3 * 9
        np.testing.assert_array_equal(retinanet_anchors(SIZE, {**RETINANET, **where})[:kept], wanted[:kept])
    else:
        np.testing.assert_array_equal(retinanet_anchors(SIZE, {**RETINANET, **where}), wanted)


@pytest.mark.parametrize("head", ["ssd", "retinanet"])
@pytest.mark.parametrize("turned", [False, True])
def test_decoding_is_torchvisions(head, turned, rng):
    """torchvision's own postprocessing of the same outputs, with its suppression left out (threshold 1)."""
    from torchvision.models.detection._utils import BoxCoder

    anchors = SSD if head == "ssd" else {**RETINANET, "grids": [[6, 8], [3, 4], [2, 2]]}
    boxes = torchvision_anchors(head, anchors["grids"], **({"steps": None} if head == "ssd" else {}))
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0) if head == "ssd" else (1.0, 1.0, 1.0, 1.0))
    offsets = rng.normal(size=(len(boxes), 4)).astype(np.float32) * (3 if head == "ssd" else 0.6)
    logits = rng.normal(size=(len(boxes), 6)).astype(np.float32) * 2
    decoded = coder.decode_single(torch.from_numpy(offsets), torch.from_numpy(boxes)).numpy()
    decoded = decoded.clip([0, 0, 0, 0], [64, 48, 64, 48])
    scores = torch.from_numpy(logits)
    scores = (torch.softmax(scores, 1)[:, 1:] if head == "ssd" else torch.sigmoid(scores)).numpy()
    wanted = {
        (round(float(scores[i, k]), 5), k + (head == "ssd"), *decoded[i].round(2).tolist())
        for i, k in zip(*np.nonzero(scores > 0.3), strict=True)
        if (decoded[i, 2:] > decoded[i, :2]).all()
    }
    outputs = {"offsets": offsets[None], "logits": logits[None]}
    if turned:
        outputs = dict(reversed(outputs.items()))
    found = postprocess(
        outputs, np.zeros((48, 64, 3), np.uint8), input_size=SIZE, head=head, anchors=anchors,
        score_threshold=0.3, iou_threshold=1.0, multi_label=True, max_objects=10**6,
    )["objects"]  # fmt: skip
    got = [(round(o["score"], 5), o["index"], *o["box"]) for o in found]
    assert len(got) == len(wanted) > 20
    np.testing.assert_allclose(sorted(got), sorted(wanted), atol=0.011)


def objects(outputs, **settings):
    found = postprocess(outputs, np.zeros((*SIZE, 3), np.uint8), input_size=SIZE, **settings)["objects"]
    return [(o["index"], round(o["score"], 4), *(round(edge, 3) for edge in o["box"])) for o in found]


def test_yolox():
    """An object in the second level's cell (row 1, column 2), and its undecoded numbers."""
    output = np.full((1, 6 * 8 + 3 * 4 + 2 * 2, 7), -9, np.float32)
    output[..., 4:] = 0.01
    output[0, 48 + 1 * 4 + 2] = [0.25, 0.5, math.log(1.5), math.log(0.5), 0.9, 0.1, 0.8]
    assert objects({"y": output}, head="yolox") == [(1, 0.72, 24.0, 20.0, 48.0, 28.0)]
    with pytest.raises(ValueError, match="the head yolox has 48 anchors for this input, and the output holds 64 boxes"):
        objects({"y": output}, head="yolox", anchors={"strides": [8]})


def test_yunet():
    """A face in the first level's cell (row 2, column 3) and one in the last level's first cell; landmarks are not read."""
    cells = {8: 48, 16: 12, 32: 4}
    outputs = {
        f"{part}_{s}": np.zeros((1, n, k), np.float32)
        for part, k in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        for s, n in cells.items()
    }
    for stride, cell, score, box in (
        (8, 2 * 8 + 3, 0.9, [0.5, 0.25, math.log(2), 0.0]),
        (32, 0, 0.5, [0.5, 0.5, 0.0, 0.0]),
    ):
        outputs[f"cls_{stride}"][0, cell] = score
        outputs[f"obj_{stride}"][0, cell] = 1.2  # beyond 1: clipped
        outputs[f"bbox_{stride}"][0, cell] = box
    assert objects(outputs, head="yunet") == [
        (0, round(0.9**0.5, 4), 20, 14, 36, 22), (0, round(0.5**0.5, 4), 0, 0, 32, 32),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="the head yunet takes scores, objectness and boxes of 3 strides, not 'kps_8'"):
        objects(dict(reversed(outputs.items())), head="yunet", use_outputs=["kps_8", *list(outputs)[:8]])


def test_end2end():
    output = np.array([[[1, 2, 30, 40, 0.9, 3], [1, 2, 30, 40, 0.5, 3], [0, 0, 5, 5, 0.2, 1]]], np.float32)
    assert objects({"y": output}, head="end2end") == [(3, 0.9, 1, 2, 30, 40), (3, 0.5, 1, 2, 30, 40)]


@pytest.mark.parametrize("order", ["boxes labels scores", "boxes scores labels"])
def test_decoded(order):
    """torchvision gives boxes, labels, scores; exporters and others turn the last two."""
    parts = {
        "boxes": np.array([[1, 2, 30, 40], [0, 0, 5, 5]], np.float32),
        "labels": np.array([7, 1]),
        "scores": np.array([0.5, 0.75], np.float32),
    }
    wanted = [(1, 0.75, 0, 0, 5, 5), (7, 0.5, 1, 2, 30, 40)]
    outputs = {name: parts[name] for name in order.split()}
    assert objects(outputs, head="decoded") == wanted
    floats = {**outputs, "labels": outputs["labels"].astype(np.float32)}  # OpenCV knows float32 only
    assert objects(floats, head="decoded", use_outputs=["boxes", "labels", "scores"]) == wanted
    assert objects(outputs, head="decoded", normalized=True, score_threshold=0.6) == [(1, 0.75, 0, 0, 64, 48)]
    empty = {name: array[:0] for name, array in outputs.items()}
    assert objects(empty, head="decoded") == []


@pytest.mark.parametrize(
    ("form", "box"),
    [("xyxy", [8, 6, 40, 30]), ("xywh", [8, 6, 32, 24]), ("cxcywh", [24, 18, 32, 24]), ("yxyx", [6, 8, 30, 40])],
)
@pytest.mark.parametrize("normalized", [False, True])
def test_boxes_and_scores(form, box, normalized):
    scores = np.array([[[0.0, 2.0, -1.0]]], np.float32)
    boxes = np.array([[box]], np.float32) / (
        ([48, 64, 48, 64] if form == "yxyx" else [64, 48, 64, 48]) if normalized else 1
    )
    outputs = {"scores": scores, "boxes": boxes.astype(np.float32)}
    found = objects(outputs, head="boxes_scores", box_format=form, normalized=normalized, activation="softmax")
    assert found == [(1, round(math.exp(2) / (1 + math.exp(2) + math.exp(-1)), 4), 8, 6, 40, 30)]


def test_detr():
    """The last logit is for no object: a query that it wins is dropped, and it takes part in the softmax."""
    logits = np.log(np.array([[[0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [0.5, 0.1, 0.4]]], np.float32))
    boxes = np.array([[[0.5, 0.5, 0.5, 0.25], [0.5, 0.5, 0.1, 0.1], [0.5, 0.5, 0.5, 0.25]]], np.float32)
    assert objects({"pred_logits": logits, "pred_boxes": boxes}, head="detr") == [
        (1, 0.6, 16, 18, 48, 30), (0, 0.5, 16, 18, 48, 30),
    ]  # fmt: skip
    found = objects({"logits": logits, "boxes": boxes}, head="detr", activation="sigmoid", score_threshold=0.38)
    assert found[0] == (2, round(0.7 / 1.7, 4), 28.8, 21.6, 35.2, 26.4)  # the odds p of log(p)


def test_centernet():
    heat = np.full((1, 2, 6, 8), -8, np.float32)
    heat[0, 1, 2, 3] = math.log(4)  # sigmoid: 0.8
    heat[0, 1, 2, 4] = 0.0  # a neighbour that is lower is no object
    heat[0, 0, 5, 7] = math.log(1.5)  # 0.6, in the corner
    size, offset = np.full((1, 2, 6, 8), 2.0, np.float32), np.full((1, 2, 6, 8), 0.5, np.float32)
    size[0, 1] = 1.0
    found = objects({"heat": heat, "size": size, "offset": offset}, head="centernet")
    assert found == [(1, 0.8, 20, 16, 36, 24), (0, 0.6, 52, 40, 64, 48)]


@pytest.mark.parametrize(
    ("outputs", "settings", "text"),
    [
        ({"y": (1, 9, 4)}, {"head": "detr"}, "the head detr needs 2 outputs, and the network has 1: y"),
        (
            {"a": (1, 9, 5), "b": (1, 9, 3)},
            {"head": "detr"},
            "the head detr takes boxes (1, N, 4) and scores (1, N, classes), not 'a' [1, 9, 5], 'b' [1, 9, 3]",
        ),
        (
            {"a": (1, 9, 4), "b": (1, 8, 3)},
            {"head": "ssd"},
            "the head ssd takes boxes (1, N, 4) and scores (1, N, classes), not 'a' [1, 9, 4], 'b' [1, 8, 3]",
        ),
        ({"a": (1, 9, 4), "b": (1, 9, 3)}, {"head": "ssd"}, "the head ssd needs the setting anchors"),
        (
            {"a": (1, 9, 4), "b": (1, 9, 3)},
            {"head": "ssd", "anchors": SSD},
            "the head ssd has 216 anchors for this input, and the output holds 9 boxes",
        ),
        (
            {"a": (1, 9, 4), "b": (1, 9, 3)},
            {"head": "ssd", "anchors": {"grids": [[1, 1]]}},
            "anchors of ssd need a list of scales; given: grids",
        ),
        (
            {"a": (1, 9, 4), "b": (1, 9, 3)},
            {"head": "ssd", "anchors": {**SSD, "scales": [1]}},
            "anchors of ssd: 3 grids need as many aspect_ratios and steps, and one scale more; there are 3, 3 and 1",
        ),
        (
            {"a": (1, 9, 4), "b": (1, 9, 3)},
            {"head": "retinanet", "anchors": {**RETINANET, "strides": [8]}},
            "anchors of retinanet: 3 levels of sizes, but 1 grids or strides",
        ),
        (
            {"a": (9, 4), "b": (8,), "c": (9,)},
            {"head": "decoded"},
            "boxes, labels and scores do not belong together: 'a' [9, 4], 'b' [8], 'c' [9]",
        ),
        (
            {"a": (1, 2, 3, 4), "b": (1, 2, 3, 4), "c": (1, 1, 3, 4)},
            {"head": "centernet"},
            "the head centernet does not fit: 'a' [1, 2, 3, 4], 'b' [1, 2, 3, 4], 'c' [1, 1, 3, 4]",
        ),
    ],
)
def test_refuses(outputs, settings, text):
    arrays = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(ValueError, match=r"\w") as raised:
        objects(arrays, **settings)
    assert str(raised.value) == text


@pytest.mark.parametrize("head", ["ssd", "yolox", "detr", "centernet"])
def test_an_input_of_unknown_size_is_named(head):
    forms = SimpleNamespace(
        ssd={"a": (1, 9, 4), "b": (1, 9, 3)}, yolox={"y": (1, 9, 7)}, detr={"a": (1, 9, 4), "b": (1, 9, 3)},
        centernet={"a": (1, 2, 3, 4), "b": (1, 2, 3, 4), "c": (1, 2, 3, 4)},
    )  # fmt: skip
    arrays = {name: np.zeros(shape, np.float32) for name, shape in getattr(forms, head).items()}
    with pytest.raises(ValueError, match="needs the size of the network's input, which is not known"):
        postprocess(arrays, None, head=head, anchors=SSD if head == "ssd" else None)
