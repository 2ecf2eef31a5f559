"""YuNet, the face detector that OpenCV's FaceDetectorYN runs (Wu et al. 2023), with its boxes decoded in the network.

    float32[1, 3, side, side], BGR 0..255 -> float32[1, 4 + 1 + 10, boxes]

centre x, centre y, width, height in pixels of the input; the score of a face; x, y of the eyes, the nose, the corners of the
mouth. Parameters carry the names of libfacedetection.train's files, so that its weights/yunet_n.pth fits as it is.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
POINTS = 5


def _separable(inputs: int, outputs: int, *, activated: bool = True) -> nn.Sequential:
    """Pointwise, then depthwise 3x3 convolution, both with bias."""
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(inputs, outputs, 1),
        "conv2": nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs),
    }
    if activated:
        layers |= {"bn": nn.BatchNorm2d(outputs), "relu": nn.ReLU()}
    return nn.Sequential(OrderedDict(layers))


def _first(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
            bn1=nn.BatchNorm2d(outputs),
            relu1=nn.ReLU(),
            conv2=_separable(outputs, outputs),
        )
    )


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv1=_separable(inputs, inputs), conv2=_separable(inputs, outputs)))


class YuNet(nn.Module):
    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        widths = (16, 16, *[width] * 5)
        blocks = [_first(3, 16), *(_block(widths[number], widths[number + 1]) for number in range(1, 6))]
        self.backbone = nn.Module()
        for number, block in enumerate(blocks):
            self.backbone.add_module(f"model{number}", block)
        self.neck = nn.Module()
        self.neck.lateral_convs = nn.ModuleList(_separable(width, width) for _ in STRIDES)
        head = self.bbox_head = nn.Module()
        head.multi_level_share_convs = nn.ModuleList(nn.Sequential(_separable(width, width)) for _ in STRIDES)
        for name, outputs in (("cls", 1), ("bbox", 4), ("obj", 1), ("kps", 2 * POINTS)):
            branches = nn.ModuleList(_separable(width, outputs, activated=False) for _ in STRIDES)
            head.add_module(f"multi_level_{name}", branches)
        places, strides = [], []
        for stride in STRIDES:
            at = torch.arange(0, side, stride, dtype=torch.float32)  # the cells' corners, not their centres
            y, x = torch.meshgrid(at, at, indexing="ij")
            places.append(torch.stack([x.reshape(-1), y.reshape(-1)]))
            strides.append(torch.full((1, x.numel()), float(stride)))
        self.register_buffer("places", torch.cat(places, 1), persistent=False)
        self.register_buffer("strides", torch.cat(strides, 1), persistent=False)

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The neck's features at strides 8, 16 and 32."""
        found = []
        for number in range(6):
            x = getattr(self.backbone, f"model{number}")(x)
            if number >= 3:
                found.append(x)
            if number in (0, 2, 3, 4):
                x = F.max_pool2d(x, 2)
        for level in (2, 1, 0):
            found[level] = self.neck.lateral_convs[level](found[level])
            if level:
                found[level - 1] = found[level - 1] + F.interpolate(found[level], scale_factor=2.0, mode="nearest")
        return [convs(level) for convs, level in zip(self.bbox_head.multi_level_share_convs, found, strict=True)]

    def branch(self, name: str, features: list[torch.Tensor]) -> torch.Tensor:
        """The numbers of one branch, (N, numbers, boxes), all strides one after the other."""
        branches = getattr(self.bbox_head, f"multi_level_{name}")
        return torch.cat([own(level).flatten(2) for own, level in zip(branches, features, strict=True)], 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.features(x)
        box, points = self.branch("bbox", features), self.branch("kps", features)
        score = (self.branch("cls", features).sigmoid() * self.branch("obj", features).sigmoid()).sqrt()
        centre, size = box[:, :2] * self.strides + self.places, box[:, 2:].exp() * self.strides
        return torch.cat([centre, size, score, points * self.strides + self.places.repeat(POINTS, 1)], 1)


def yunet_n(side: int = 320) -> YuNet:
    """The network of weights/yunet_n.pth."""
    return YuNet(side, 64)
