"""Train the digits classifier and write its state dict: `python train.py [-o digits.pth] [--epochs 80]`.

The same machine gives the same numbers every time: fixed seed, one thread, deterministic kernels. The test set is
looked at once, after the last epoch.
"""

from __future__ import annotations

import argparse
import io
import math
from pathlib import Path

import numpy as np
import torch
from data import Digits, split
from model import digits_cnn
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
BATCH = 64
PEAK_LEARNING_RATE = 4e-3


def as_input(pictures: np.ndarray) -> torch.Tensor:
    """Pictures uint8[N, 8, 8] to the network's input float32[N, 1, 8, 8], 0..1."""
    return torch.tensor(pictures, dtype=torch.float32).div(255).unsqueeze(1)


def vary(x: torch.Tensor) -> torch.Tensor:
    """The pictures x, float32[N, 1, 8, 8], each turned (10 degrees at most), scaled (10 %) and moved (1 pixel)."""
    turn, scale, right, down = (torch.rand(4, len(x)) * 2 - 1) * torch.tensor([[math.pi / 18], [0.1], [0.25], [0.25]])
    cos, sin = torch.cos(turn) * (1 + scale), torch.sin(turn) * (1 + scale)
    affine = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    return F.grid_sample(x, F.affine_grid(affine, list(x.shape), align_corners=False), align_corners=False)


def train(digits: Digits, *, epochs: int) -> nn.Module:
    """A classifier trained from seed 0, in eval mode."""
    torch.manual_seed(0)
    model = digits_cnn().train()
    x, wanted = as_input(digits.pictures), torch.from_numpy(digits.labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LEARNING_RATE, total_steps=epochs * math.ceil(len(x) / BATCH)
    )
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(model(vary(x[batch])), wanted[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if epoch % 10 == 9 or epoch == epochs - 1:
            print(f"epoch {epoch + 1:3d}  loss {total / len(x):.4f}", flush=True)
    return model.eval()


def accuracy(model: nn.Module, digits: Digits) -> float:
    """The share of the pictures whose digit the model names."""
    with torch.inference_mode():
        named = model(as_input(digits.pictures)).argmax(1).numpy()
    return float(np.mean(named == digits.labels))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the digits classifier.")
    parser.add_argument("-o", "--out", type=Path, default=HERE / "digits.pth", help="the checkpoint to write")
    parser.add_argument("--epochs", type=int, default=80)
    options = parser.parse_args()

    torch.set_num_threads(1)  # a sum's order, and so its last bits, depends on how many threads share it
    torch.use_deterministic_algorithms(True)
    training_set, test_set = split()
    model = train(training_set, epochs=options.epochs)
    buffer = io.BytesIO()  # torch.save on a path writes the file's name into it; so the same weights are the same bytes
    torch.save(model.state_dict(), buffer)
    options.out.write_bytes(buffer.getvalue())

    print(f"training set  {accuracy(model, training_set):.4f} of {len(training_set.labels)}")
    print(f"test set      {accuracy(model, test_set):.4f} of {len(test_set.labels)}")
    print(f"{options.out}  {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
