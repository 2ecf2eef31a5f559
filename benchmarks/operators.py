"""Small networks of one operation each that vision networks contain and old OpenCVs lack, for `suite.py operators.txt`.

Offsets are small and smooth: where a network amplifies rounding (a sampling position times the step between two pixels), the
rounding of the convolution before it, Winograd's in 4.7 and newer, would be measured in place of the operation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _One(nn.Module):
    """A convolution, then the operation on its 8 channels, with a few layers that operations may want."""

    def __init__(self, run: Callable[[_One, Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 8, 5, padding=2)
        self.two = nn.Conv2d(8, 2, 1)
        self.theta = nn.Linear(8, 6)
        self.kernels = nn.Linear(8, 4 * 8 * 3 * 3)
        self.norm = nn.RMSNorm(8)
        self._run = run

    def forward(self, x: Tensor) -> Tensor:
        return self._run(self, self.stem(x))


def _sampled(net: _One, h: Tensor, **how: object) -> Tensor:
    return F.grid_sample(h, torch.tanh(net.two(h).permute(0, 2, 3, 1)) * 1.3, **how)  # type: ignore[arg-type]


def grid_sample() -> nn.Module:
    return _One(lambda net, h: _sampled(net, h, align_corners=False))


def grid_sample_border() -> nn.Module:
    return _One(lambda net, h: _sampled(net, h, padding_mode="border", align_corners=True))


def grid_sample_reflection() -> nn.Module:
    return _One(lambda net, h: _sampled(net, h, padding_mode="reflection", align_corners=False))


def spatial_transformer() -> nn.Module:
    def run(net: _One, h: Tensor) -> Tensor:
        grid = F.affine_grid(net.theta(h.mean((2, 3))).view(-1, 2, 3), list(h.shape), align_corners=False)
        return F.grid_sample(h, grid, align_corners=False)

    return _One(run)


def fixed_warp() -> nn.Module:
    theta = torch.tensor([[[0.9, 0.1, 0.0], [-0.1, 0.8, 0.1]]])
    return _One(lambda net, h: F.grid_sample(h, F.affine_grid(theta, [1, 8, 12, 12], False), align_corners=False))


def top_k() -> nn.Module:
    return _One(lambda net, h: h.flatten(2).mean(1).topk(5).values)


def top_k_gather() -> nn.Module:
    """The best positions, and what is there: the queries of a two-stage detector."""

    def run(net: _One, h: Tensor) -> Tensor:
        tokens = h.flatten(2).transpose(1, 2)
        places = tokens.mean(2).topk(16, dim=1).indices
        return torch.gather(tokens, 1, places[..., None].expand(-1, -1, 8))

    return _One(run)


def remainder() -> nn.Module:
    return _One(lambda net, h: h % 2)


def fmod() -> nn.Module:
    return _One(lambda net, h: torch.fmod(h, 0.3))


def mask_between() -> nn.Module:
    return _One(lambda net, h: torch.where((h > 0.2) & (h < 0.6), h, h * 0.1))


def mask_either() -> nn.Module:
    return _One(lambda net, h: h * ((h >= 0.3) | (h <= 0.1)).float())


def mask_not() -> nn.Module:
    return _One(lambda net, h: h * (~(h > 0.3)).float())


def mask_xor() -> nn.Module:
    return _One(lambda net, h: h * ((h > 0.3) ^ (h < 0.1)).float())


def peaks() -> nn.Module:
    """What is the largest of its surroundings: the maxima of a heat map."""
    return _One(lambda net, h: h * (F.max_pool2d(h, 3, 1, 1) == h).float())


def above_mean() -> nn.Module:
    return _One(lambda net, h: h * (h > h.mean((2, 3), keepdim=True)))


def one_hot() -> nn.Module:
    return _One(lambda net, h: F.one_hot(h.argmax(1), 8).float())


def hard_shrink() -> nn.Module:
    return _One(lambda net, h: F.hardshrink(h, 0.3))


def rms_norm() -> nn.Module:
    return _One(lambda net, h: net.norm(h.permute(0, 2, 3, 1)))


def dynamic_conv() -> nn.Module:
    return _One(lambda net, h: F.conv2d(h, net.kernels(h.mean((2, 3))).view(4, 8, 3, 3), padding=1))


def dynamic_depthwise() -> nn.Module:
    return _One(lambda net, h: F.conv2d(h, net.kernels(h.mean((2, 3)))[:, :72].view(8, 1, 3, 3), padding=1, groups=8))
