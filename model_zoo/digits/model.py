"""A small classifier of handwritten digits. Imports torch only, so that the converter can run it from any place."""

from __future__ import annotations

from torch import nn


def _conv(inputs: int, outputs: int, *, kernel: int, groups: int = 1) -> list[nn.Module]:
    """Convolution that keeps height and width, batch normalisation, ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def digits_cnn(num_classes: int = 10) -> nn.Sequential:
    """Grey pictures float32[N, 1, 8, 8], 0 (paper) to 1 (ink), to logits float32[N, num_classes].

    Two plain convolutions at 8x8, one depthwise and one pointwise at 4x4, one more at 2x2, and a linear layer.
    """
    return nn.Sequential(
        *_conv(1, 24, kernel=3),
        *_conv(24, 32, kernel=3),
        nn.MaxPool2d(2),
        *_conv(32, 32, kernel=3, groups=32),
        *_conv(32, 64, kernel=1),
        *_conv(64, 64, kernel=3),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(64 * 2 * 2, num_classes),
    )
