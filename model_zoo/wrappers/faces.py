"""RetinaFace with decoded boxes in one array. Runs in a checkout of Pytorch_Retinaface, whose modules it imports.

float32[1, 3, side, side] -> float32[1, 4 + 1, boxes]: centre x, centre y, width, height in pixels, the score of a face.
Priors and decoding are SSD's (Liu et al. 2015), two squares a cell at strides 8, 16 and 32.
"""

from __future__ import annotations

import torch
from torch import nn

STRIDES = (8, 16, 32)
SIDES = ((16, 32), (64, 128), (256, 512))
SHIFT, SCALE = 0.1, 0.2  # SSD's variances


def _priors(side: int) -> torch.Tensor:
    """float32[boxes, 3]: centre x, centre y and side of each prior, in pixels."""
    rows = []
    for stride, sides in zip(STRIDES, SIDES, strict=True):
        at = (torch.arange(-(-side // stride)) + 0.5) * stride
        y, x, edge = torch.meshgrid(at, at, torch.tensor(sides, dtype=torch.float32), indexing="ij")
        rows.append(torch.stack([x, y, edge], 3).reshape(-1, 3))
    return torch.cat(rows)


def decode(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Offsets float32[1, n, 4] from priors float32[n, 3] to centre x, centre y, width, height in pixels."""
    edge = priors[:, 2:]
    return torch.cat([priors[:, :2] + offsets[..., :2] * SHIFT * edge, edge * (offsets[..., 2:] * SCALE).exp()], 2)


def retinaface_mobilenet025(side: int = 640) -> nn.Module:
    """The smallest RetinaFace; parameters have the names of the published file."""
    from models.retinaface import RetinaFace

    class Faces(RetinaFace):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            offsets, scores, _ = super().forward(x)
            return torch.cat([decode(offsets, self.face_priors), scores[..., 1:]], 2).permute(0, 2, 1)

    stages = {"stage1": 1, "stage2": 2, "stage3": 3}
    shape = {"name": "mobilenet0.25", "pretrain": False, "return_layers": stages, "in_channel": 32, "out_channel": 64}
    made = Faces(cfg=shape, phase="test")
    made.register_buffer("face_priors", _priors(side), persistent=False)
    return made.eval()
