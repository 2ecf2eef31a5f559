"""Train the digit segmenter and write its state dict: `python train_segmenter.py [-o segmenter.pth] [--steps N]`.

The same machine gives the same file every time: fixed seeds, one thread, deterministic kernels. Held-back scenes are
never looked at.
"""

from __future__ import annotations

import numpy as np
import torch
from networks import digit_segmenter
from scenes import Scene
from torch.nn import functional as F
from training import as_input, fit, options, save

STEPS = 800
FRESH = 8000
BACKGROUND_WEIGHT = 0.4  # nine pixels of ten are background


def main() -> None:
    given = options("segmenter", STEPS)
    model = digit_segmenter()
    weight = torch.ones(11)
    weight[0] = BACKGROUND_WEIGHT

    def loss_of(scenes: list[Scene]) -> torch.Tensor:
        wanted = torch.from_numpy(np.stack([scene.mask for scene in scenes])).long()
        logits = model(as_input([scene.picture for scene in scenes]))
        share = logits.softmax(1)[:, 1:]
        truth = F.one_hot(wanted, 11).permute(0, 3, 1, 2)[:, 1:].float()
        both = (share * truth).sum((0, 2, 3))
        dice = 1 - (2 * both + 1) / (share.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
        return F.cross_entropy(logits, wanted, weight) + dice.mean()

    save(fit(model, loss_of, steps=given.steps, fresh=FRESH, peak=6e-3), given.out)


if __name__ == "__main__":
    main()
