"""A detector and a segmenter of handwritten digits. Imports torch only, so that the converter can run it from any place."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16)


def _conv(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, act: type = nn.SiLU) -> list:
    """Convolution, batch normalisation, activation."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        act(),
    ]


class InvertedResidual(nn.Module):
    """Pointwise to `expand` times the channels, depthwise 3x3, pointwise back; added to its input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, expand: int = 3, act: type = nn.SiLU) -> None:
        super().__init__()
        inner = inputs * expand
        self.body = nn.Sequential(
            *_conv(inputs, inner, act=act),
            *_conv(inner, inner, kernel=3, stride=stride, groups=inner, act=act),
            *_conv(inner, outputs, act=nn.Identity)[:2],
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


class Backbone(nn.Module):
    """Pictures float32[N, 3, h, w] to features of 32, 48 and 96 channels at strides 4, 8 and 16."""

    def __init__(self, act: type) -> None:
        super().__init__()
        self.to_4 = nn.Sequential(
            *_conv(3, 16, kernel=3, stride=2, act=act),
            *_conv(16, 32, kernel=3, stride=2, act=act),
            InvertedResidual(32, 32, expand=2, act=act),
        )
        self.to_8 = nn.Sequential(InvertedResidual(32, 48, stride=2, act=act), InvertedResidual(48, 48, act=act))
        self.to_16 = nn.Sequential(InvertedResidual(48, 96, stride=2, act=act), InvertedResidual(96, 96, act=act))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        at_4 = self.to_4(x)
        at_8 = self.to_8(at_4)
        return at_4, at_8, self.to_16(at_8)


class DigitDetector(nn.Module):
    """Anchor-free, two strides, features merged downwards and upwards again, as the detectors of the YOLO family have it."""

    def __init__(self, num_classes: int = 10, side: int = 160) -> None:
        super().__init__()
        self.backbone = Backbone(nn.SiLU)
        self.lateral = nn.Sequential(*_conv(96, 48))
        self.down = nn.Sequential(*_conv(48 + 48, 64), InvertedResidual(64, 64, expand=2))
        self.shrink = nn.Sequential(*_conv(64, 64, kernel=3, stride=2, groups=64))
        self.up = nn.Sequential(*_conv(64 + 48, 64), InvertedResidual(64, 64, expand=2))
        self.classify = nn.ModuleList(nn.Sequential(*self._tower(), nn.Conv2d(64, num_classes, 1)) for _ in STRIDES)
        self.locate = nn.ModuleList(nn.Sequential(*self._tower(), nn.Conv2d(64, 4, 1)) for _ in STRIDES)
        for head in self.classify:
            nn.init.constant_(head[-1].bias, -4.6)  # a probability of 1 %: almost every cell shows no digit
        centres, strides = [], []
        for stride in STRIDES:
            at = torch.arange(stride / 2, side, stride)
            y, x = torch.meshgrid(at, at, indexing="ij")
            centres.append(torch.stack([x.reshape(-1), y.reshape(-1)]))
            strides.append(torch.full((1, at.numel() ** 2), float(stride)))
        self.register_buffer("centres", torch.cat(centres, 1), persistent=False)  # float32[2, cells], x and y
        self.register_buffer("strides", torch.cat(strides, 1), persistent=False)

    @staticmethod
    def _tower() -> list[nn.Module]:
        return [*_conv(64, 64, kernel=3, groups=64), *_conv(64, 64)]

    def raw(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures float32[N, 3, side, side] to class logits [N, classes, cells] and boxes [N, 4, cells].

        A box is left, top, right, bottom in pixels of the input. Cells are those of stride 8, then those of stride 16.
        """
        _, at_8, at_16 = self.backbone(x)
        lateral = self.lateral(at_16)
        fine = self.down(torch.cat([F.interpolate(lateral, scale_factor=2.0, mode="nearest"), at_8], 1))
        coarse = self.up(torch.cat([self.shrink(fine), lateral], 1))
        levels = (fine, coarse)
        logits = torch.cat([head(level).flatten(2) for head, level in zip(self.classify, levels, strict=True)], 2)
        edges = torch.cat([head(level).flatten(2) for head, level in zip(self.locate, levels, strict=True)], 2)
        distances = edges.clamp(-4.0, 3.0).exp() * self.strides  # from the cell's centre to the box's four edges
        return logits, torch.cat([self.centres - distances[:, :2], self.centres + distances[:, 2:]], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures float32[N, 3, side, side], RGB 0..1, to float32[N, 4 + classes, cells].

        Of each cell: its box as centre x, centre y, width, height in pixels of the input; a score 0..1 for each class.
        """
        logits, boxes = self.raw(x)
        near, far = boxes[:, :2], boxes[:, 2:]
        return torch.cat([(near + far) / 2, far - near, logits.sigmoid()], 1)


class DigitSegmenter(nn.Module):
    """An encoder, a look at the whole picture, and a decoder that takes the finer features back in."""

    def __init__(self, num_classes: int = 11) -> None:
        super().__init__()
        act = nn.Hardswish
        self.backbone = Backbone(act)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(96, 96, 1), nn.Sigmoid())
        self.at_16 = nn.Sequential(*_conv(96, 64, act=act))
        self.at_8 = nn.Sequential(*_conv(64 + 48, 64, act=act), InvertedResidual(64, 64, expand=2, act=act))
        self.at_4 = nn.Sequential(*_conv(64 + 32, 40, act=act), InvertedResidual(40, 40, expand=2, act=act))
        self.to_2 = nn.Sequential(nn.ConvTranspose2d(40, 16, 2, 2, bias=False), nn.BatchNorm2d(16), act())
        self.classify = nn.Conv2d(16, num_classes, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures float32[N, 3, h, w], RGB 0..1, edges multiples of 16, to logits float32[N, classes, h, w]."""
        at_4, at_8, at_16 = self.backbone(x)
        at_16 = self.at_16(at_16 * self.whole(at_16))
        at_8 = self.at_8(torch.cat([_twice(at_16), at_8], 1))
        at_4 = self.at_4(torch.cat([_twice(at_8), at_4], 1))
        return _twice(self.classify(self.to_2(at_4)))


def _twice(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def digit_detector(num_classes: int = 10, side: int = 160) -> DigitDetector:
    """The network that detector.pth belongs to."""
    return DigitDetector(num_classes, side)


def digit_segmenter(num_classes: int = 11) -> DigitSegmenter:
    """The network that segmenter.pth belongs to: background, then the ten digits."""
    return DigitSegmenter(num_classes)
