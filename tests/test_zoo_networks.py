"""The networks of model_zoo/wrappers/: the numbers and the parameters' names of the projects that they come from."""

from __future__ import annotations

import pytest
import torch

from converter import zoo
from converter.checkpoint import architecture
from converter.errors import ArchitectureError


def _library(name):
    try:
        return architecture.library(name)
    except ArchitectureError as error:
        pytest.skip(f"{name}: {error.measured}")


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "ssd300_vgg16"])
def test_torchvision_detectors_are_prepared_as_inside(name):
    detection = _library("torchvision").models.detection
    inside = getattr(detection, name)(weights=None, weights_backbone=None).transform
    preprocess = zoo.recipe(name).preprocess
    assert (list(preprocess.mean), list(preprocess.std)) == (list(inside.image_mean), list(inside.image_std))
    assert preprocess.size == tuple(inside.fixed_size)


DETECTORS = {
    "ssdlite320_mobilenet_v3_large": (320, {}), "ssd300_vgg16": (300, {}),
    "retinanet_resnet50_fpn_v2": (128, {"side": 128}), "fcos_resnet50_fpn": (128, {"side": 128}),
}  # fmt: skip


@pytest.mark.parametrize("name", DETECTORS)
def test_torchvision_detectors_give_torchvisions_boxes(name, monkeypatch):
    """Every box of torchvision's detector, scored and before suppression, is one of ours with the same score."""
    _library("torchvision")
    from torchvision.models import detection
    from torchvision.ops import box_convert
    from torchvision.ops import boxes as box_ops

    side, args = DETECTORS[name]
    ours = architecture.build(zoo.recipe(name).arch, args).module
    fixed = {"min_size": side, "max_size": side} if args else {}
    theirs = getattr(detection, name)(weights=None, weights_backbone=None, **fixed).eval()
    torch.manual_seed(0)
    state = theirs.state_dict()
    for value in state.values():
        if value.ndim > 1:
            value += 0.02 * value.abs().mean() * torch.randn_like(value)

    ours.load_state_dict(state)
    theirs.score_thresh = 0.0
    monkeypatch.setattr(
        box_ops, "batched_nms", lambda boxes, scores, classes, threshold: scores.argsort(descending=True)
    )
    picture = torch.rand(3, side, side)
    mean, std = (
        torch.tensor(numbers)[:, None, None] for numbers in (theirs.transform.image_mean, theirs.transform.image_std)
    )
    with torch.no_grad():
        found = ours(((picture - mean) / std)[None])[0]
        (wanted,) = theirs([picture])
    boxes = box_convert(found[:4].T, "cxcywh", "xyxy").clamp(0, side)
    assert len(wanted["boxes"]) >= 100
    for box, label, score in zip(wanted["boxes"], wanted["labels"], wanted["scores"], strict=True):
        away = (boxes - box).abs().amax(1) + 100 * (found[4 + label - 1] - score).abs()
        assert away.min() < 1e-3


YUNET_NAMES = {  # some of the names of libfacedetection.train's weights/yunet_n.pth
    "backbone.model0.conv1.weight": (16, 3, 3, 3), "backbone.model0.bn1.running_var": (16,),
    "backbone.model0.conv2.conv2.weight": (16, 1, 3, 3), "backbone.model1.conv2.conv1.weight": (64, 16, 1, 1),
    "backbone.model5.conv1.bn.bias": (64,), "neck.lateral_convs.2.conv1.bias": (64,),
    "bbox_head.multi_level_share_convs.0.0.bn.weight": (64,), "bbox_head.multi_level_cls.1.conv2.weight": (1, 1, 3, 3),
    "bbox_head.multi_level_bbox.2.conv1.weight": (4, 64, 1, 1), "bbox_head.multi_level_kps.0.conv1.weight": (10, 64, 1, 1),
}  # fmt: skip


def test_yunet():
    net = architecture.build(zoo.recipe("yunet").arch).module.eval()
    state = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert YUNET_NAMES.items() <= state.items()
    assert len(state) == 208
    with torch.no_grad():
        assert net(torch.zeros(1, 3, 320, 320)).shape == (1, 4 + 1 + 10, 40 * 40 + 20 * 20 + 10 * 10)


HUGGING_FACE = {
    "yolos_tiny": [(1, 100, 92), (1, 100, 4)], "segformer_b0_ade": [(1, 150, 128, 128)],
    "swin2sr_lightweight_x2": [(1, 3, 512, 512)],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HUGGING_FACE)
def test_hugging_face(name):
    """Pixels in, tensors out; the parameters keep transformers' names."""
    transformers = pytest.importorskip("transformers")
    recipe = zoo.recipe(name)
    net = architecture.build(recipe.arch, recipe.arch_args).module
    with torch.no_grad():
        found = net(torch.rand(recipe.input))
    assert [tuple(tensor.shape) for tensor in found] == HUGGING_FACE[name]
    whole = next(kind for kind in type(net).__mro__ if kind.__module__.startswith("transformers."))
    assert isinstance(net, transformers.PreTrainedModel)
    assert set(net.state_dict()) == set(whole(net.config).state_dict())
