"""What both trainings share: scenes as batches, one schedule, one way to write the same file twice."""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scenes import Scene, compose, sources
from torch import nn

HERE = Path(__file__).resolve().parent
BATCH = 16
TRAINING_SEED = 10_000


def as_input(pictures: list[np.ndarray]) -> torch.Tensor:
    """Pictures uint8[h, w, 3], RGB, to a network's input float32[N, 3, h, w], 0..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div(255).contiguous()


def batches(count: int, fresh: int) -> Iterator[list[Scene]]:
    """`count` batches of training scenes; only the first `fresh` scenes are composed, then they come again, shuffled."""
    scenes: list[Scene] = []
    rng = np.random.default_rng(TRAINING_SEED)
    order: list[int] = []
    for _ in range(count):
        if len(scenes) < fresh:
            numbers = range(len(scenes), len(scenes) + BATCH)
            scenes += [compose(sources()[0], np.random.default_rng([TRAINING_SEED, number])) for number in numbers]
            yield scenes[-BATCH:]
            continue
        if len(order) < BATCH:
            order = rng.permutation(len(scenes)).tolist()
        yield [scenes[order.pop()] for _ in range(BATCH)]


def fit(
    model: nn.Module, loss_of: Callable[[list[Scene]], torch.Tensor], *, steps: int, fresh: int, peak: float
) -> nn.Module:
    """Train `model` in place for `steps` batches and return it in eval mode."""
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=peak, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, pct_start=0.15)
    total, began = 0.0, time.perf_counter()
    for step, scenes in enumerate(batches(steps, fresh), 1):
        loss = loss_of(scenes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0 or step == steps:
            print(
                f"step {step:5d}  loss {total / (step % 100 or 100):.4f}  {time.perf_counter() - began:.0f} s",
                flush=True,
            )
            total = 0.0
    return model.eval()


def options(name: str, steps: int) -> argparse.Namespace:
    """The command line of both trainings; also makes torch give the same numbers every time."""
    parser = argparse.ArgumentParser(description=f"Train the digit {name}.")
    parser.add_argument("-o", "--out", type=Path, default=HERE / f"{name}.pth", help="the checkpoint to write")
    parser.add_argument("--steps", type=int, default=steps, help="batches")
    torch.set_num_threads(1)  # a sum's order, and so its last bits, depends on how many threads share it
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    return parser.parse_args()


def save(model: nn.Module, out: Path) -> None:
    """Write the state dict. The same weights are the same bytes: torch.save on a path would write the name into it."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    out.write_bytes(buffer.getvalue())
    print(f"{out}  {out.stat().st_size:,} bytes")
