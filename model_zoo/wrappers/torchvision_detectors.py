"""torchvision's one-stage detectors without what no other runtime has: they end with decoded boxes, before suppression.

torchvision's own modules resize and normalise inside and end in data-dependent loops. These have the same weights under
the same names; the pictures come prepared (preprocessing of the recipe), and the boxes leave in one array:

    float32[1, 3, side, side] -> float32[1, 4 + 90, boxes]

centre x, centre y, width, height in pixels of the input, then a score 0..1 for each of COCO's 90 ids (background left
out). Suppression is the task's. Anchors and decoding are torchvision's (SSD: Liu et al. 2015; RetinaNet: Lin et al.
2017; FCOS: Tian et al. 2019).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.image_list import ImageList

LARGEST_LOG_SCALE = math.log(1000.0 / 16)  # a box grows by that at most: torchvision's BoxCoder


class _Decoded(nn.Module):
    """`detector` with `forward` replaced; put before the detector's own class, whose parameters keep their names."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found: dict[str, torch.Tensor] = self.head(list(self.backbone(pictures).values()))
        scores = self.scores(found)[:, :, 1:]
        return torch.cat([self.boxes(found["bbox_regression"]), scores], 2).permute(0, 2, 1)


class _Shifted(_Decoded):
    """Boxes are anchors that are moved and scaled (Ren et al. 2015)."""

    def boxes(self, shifts: torch.Tensor) -> torch.Tensor:
        wx, wy, ww, wh = self.box_coder.weights
        centres = shifts[:, :, :2] / torch.tensor([wx, wy]) * self.anchor_sizes + self.anchor_centres
        scales = (shifts[:, :, 2:] / torch.tensor([ww, wh])).clamp(max=LARGEST_LOG_SCALE)
        return torch.cat([centres, scales.exp() * self.anchor_sizes], 2)


class _SSD(_Shifted):
    def scores(self, found: dict[str, torch.Tensor]) -> torch.Tensor:
        return found["cls_logits"].softmax(2)


class _RetinaNet(_Shifted):
    def scores(self, found: dict[str, torch.Tensor]) -> torch.Tensor:
        return found["cls_logits"].sigmoid()


class _FCOS(_Decoded):
    """Boxes are distances from a place to four edges, in units of the place's anchor."""

    def boxes(self, distances: torch.Tensor) -> torch.Tensor:
        left_top = distances[:, :, :2] * self.anchor_sizes
        right_bottom = distances[:, :, 2:] * self.anchor_sizes
        return torch.cat([self.anchor_centres + (right_bottom - left_top) / 2, left_top + right_bottom], 2)

    def scores(self, found: dict[str, torch.Tensor]) -> torch.Tensor:
        return (found["cls_logits"].sigmoid() * found["bbox_ctrness"].sigmoid()).sqrt()


def _decoded(detector: Any, kind: type, side: int) -> nn.Module:
    """`detector`, its forward that of `kind`, with the anchors of a `side` x `side` picture."""
    detector.eval()
    picture = torch.zeros(1, 3, side, side)
    with torch.no_grad():
        features = list(detector.backbone(picture).values())
        (anchors,) = detector.anchor_generator(ImageList(picture, [(side, side)]), features)
    near, far = anchors[:, :2], anchors[:, 2:]
    detector.register_buffer("anchor_centres", 0.5 * (near + far), persistent=False)
    detector.register_buffer("anchor_sizes", far - near, persistent=False)
    detector.__class__ = type(f"Decoded{type(detector).__name__}", (kind, type(detector)), {})
    return detector


def ssdlite320_mobilenet_v3_large() -> nn.Module:
    made = detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    return _decoded(made, _SSD, 320)


def ssd300_vgg16() -> nn.Module:
    return _decoded(detection.ssd300_vgg16(weights=None, weights_backbone=None), _SSD, 300)


def retinanet_resnet50_fpn_v2(side: int = 800) -> nn.Module:
    return _decoded(detection.retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None), _RetinaNet, side)


def fcos_resnet50_fpn(side: int = 800) -> nn.Module:
    return _decoded(detection.fcos_resnet50_fpn(weights=None, weights_backbone=None), _FCOS, side)
