"""Train the digit detector and write its state dict: `python train_detector.py [-o detector.pth] [--steps N]`.

The same machine gives the same file every time: fixed seeds, one thread, deterministic kernels. Held-back scenes are
never looked at. Cells near a digit's centre learn its box (generalised IoU) and, as the score of its class, how well
their box fits (varifocal loss), so that of several boxes on one digit the best has the highest score.
"""

from __future__ import annotations

import torch
from networks import STRIDES, DigitDetector, digit_detector
from scenes import Scene
from torch.nn import functional as F
from training import as_input, fit, options, save

STEPS = 900
FRESH = 8000
SMALL = 42.0  # digits whose longer edge is below that, in pixels, belong to the finer cells
RADIUS = 1.5  # cells whose centre is that near to a digit's, in cells, learn it


def wanted_of(model: DigitDetector, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """Per cell of one scene: the digit it learns, int64[cells], -1 for none; and its box, float32[4, cells]."""
    digit = torch.full((model.centres.shape[1],), -1, dtype=torch.int64)
    box = torch.zeros(4, model.centres.shape[1])
    for number, edges in zip(scene.digits.tolist(), torch.from_numpy(scene.boxes), strict=True):
        near, far = edges[:2], edges[2:]
        stride = STRIDES[0] if (far - near).max() < SMALL else STRIDES[1]
        away = (model.centres - ((near + far) / 2)[:, None]).abs().amax(0) / stride
        inside = (model.centres > near[:, None]).all(0) & (model.centres < far[:, None]).all(0)
        own = (model.strides[0] == stride) & (away < RADIUS) & (inside | (away <= 0.5))
        digit[own] = number
        box[:, own] = edges[:, None]
    return digit, box


def overlap(one: torch.Tensor, two: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and generalised IoU (Rezatofighi et al. 2019) of boxes float32[n, 4], pair by pair."""
    common = (torch.minimum(one[:, 2:], two[:, 2:]) - torch.maximum(one[:, :2], two[:, :2])).clamp(min=0).prod(1)
    union = (one[:, 2:] - one[:, :2]).prod(1) + (two[:, 2:] - two[:, :2]).prod(1) - common
    hull = (torch.maximum(one[:, 2:], two[:, 2:]) - torch.minimum(one[:, :2], two[:, :2])).prod(1)
    iou = common / union
    return iou, iou - (hull - union) / hull


def main() -> None:
    given = options("detector", STEPS)
    model = digit_detector()

    def loss_of(scenes: list[Scene]) -> torch.Tensor:
        wanted = [wanted_of(model, scene) for scene in scenes]
        digit, box = torch.stack([w[0] for w in wanted]), torch.stack([w[1] for w in wanted])
        logits, boxes = model.raw(as_input([scene.picture for scene in scenes]))
        own = digit >= 0
        iou, generalised = overlap(boxes.permute(0, 2, 1)[own], box.permute(0, 2, 1)[own])
        fit_of = torch.zeros_like(logits).permute(0, 2, 1).contiguous()
        fit_of[own] = F.one_hot(digit[own], fit_of.shape[2]) * iou.detach()[:, None]
        fit_of = fit_of.permute(0, 2, 1)
        weight = torch.where(fit_of > 0, fit_of, 0.75 * logits.detach().sigmoid() ** 2)  # Zhang et al. 2021
        scores = F.binary_cross_entropy_with_logits(logits, fit_of, weight, reduction="sum")
        return (scores + 2.0 * (1 - generalised).sum()) / max(1, int(own.sum()))

    save(fit(model, loss_of, steps=given.steps, fresh=FRESH, peak=6e-3), given.out)


if __name__ == "__main__":
    main()
