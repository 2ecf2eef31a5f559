"""What exact preprocessing costs: against Pillow's own resize, and against a ResNet-18 forward in cv2.dnn; one thread.

    python benchmarks/preprocess_speed.py [--pairs 15] [--no-network] [--json FILE]

Ours and theirs run in one process in turn, A B A B ...; each ratio is the median of the pairs'. The clock is that of the
thread, so that other programs on the machine do not count. It also times the alternatives to the final table of 256 numbers
a channel:
plain arithmetic, cv2.dnn.blobFromImage (one scale for all channels, so that it cannot divide by std) and, where cv2 has it,
blobFromImageWithParams, and says how far off their numbers are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from converter.preprocess import Preprocess
from converter.preprocess.resampling import resample

CASES = [
    ("640x427 to shorter edge 224", (427, 640), (224, 335)),
    ("640x427 to 224x224", (427, 640), (224, 224)),
    ("1920x1080 to longer edge 640", (1080, 1920), (360, 640)),
    ("1920x1080 to shorter edge 640", (1080, 1920), (640, 1137)),
]
FILTERS = ("box", "bilinear", "hamming", "bicubic", "lanczos")


def pairs(ours: Callable[[], Any], theirs: Callable[[], Any], count: int) -> dict[str, float]:
    """Median milliseconds of both, and the median of their ratios, ours over theirs."""
    ours(), theirs()
    times: list[tuple[float, float]] = []
    for _ in range(count):
        found = []
        for function in (ours, theirs):
            began = time.thread_time()
            function()
            found.append(1000 * (time.thread_time() - began))
        times.append((found[0], found[1]))
    return {
        "ours_ms": round(statistics.median(a for a, _ in times), 3),
        "theirs_ms": round(statistics.median(b for _, b in times), 3),
        "ratio": round(statistics.median(a / b for a, b in times), 3),
    }


def against_pillow(count: int) -> dict[str, Any]:
    from PIL import Image

    rng, found = np.random.default_rng(0), {}
    for title, (height, width), (rows, columns) in CASES:
        picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image, planes = Image.fromarray(picture), picture.transpose(2, 0, 1)
        for name in FILTERS:
            flag = Image.Resampling[name.upper()]
            found[f"{title}, {name}"] = pairs(
                lambda planes=planes, rows=rows, columns=columns, name=name: resample(planes, rows, columns, name),  # type: ignore[misc]
                lambda image=image, rows=rows, columns=columns, flag=flag: image.resize((columns, rows), flag),  # type: ignore[misc]
                count,
            )
    return found


def against_a_forward(count: int) -> dict[str, float]:
    """The whole of `imagenet` on a 640x427 picture, over the forward of a ResNet-18 of random weights."""
    import cv2
    import torch
    import torchvision

    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        path = str(Path(folder) / "resnet18.onnx")
        network = torchvision.models.resnet18(weights=None).eval()
        torch.onnx.export(network, (torch.zeros(1, 3, 224, 224),), path, dynamo=False)
        net = cv2.dnn.readNetFromONNX(path)
    spec = Preprocess.parse("imagenet", shape=(1, 3, 224, 224))
    picture = np.random.default_rng(0).integers(0, 256, (427, 640, 3), dtype=np.uint8)
    blob = spec.apply(picture)

    def forward() -> Any:
        net.setInput(blob)
        return net.forward()

    return pairs(lambda: spec.apply(picture), forward, count)


def final_numbers(count: int) -> dict[str, Any]:
    """The last step, from 224x224 levels to the blob: our table against what could stand in its place."""
    import cv2

    spec = Preprocess.parse("imagenet:1/1", shape=(1, 3, 224, 224))
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    mean, std = (np.float32(numbers).reshape(3, 1, 1) for numbers in (spec.mean, spec.std))

    def arithmetic() -> Any:
        return ((picture[:, :, ::-1].transpose(2, 0, 1) * (1 / 255)).astype(np.float32) - mean) / std

    others: dict[str, Callable[[], Any]] = {"NumPy arithmetic": arithmetic}
    levels = tuple(255 * number for number in spec.mean)
    scale = tuple(1 / (255 * number) for number in spec.std)
    others["blobFromImage, then / std"] = lambda: (
        cv2.dnn.blobFromImage(picture, 1 / 255, (224, 224), levels, swapRB=True) / std
    )
    if hasattr(cv2.dnn, "blobFromImageWithParams"):
        parameters = cv2.dnn.Image2BlobParams()
        parameters.scalefactor = (*scale, 1.0)
        parameters.mean = (*levels, 0.0)
        parameters.swapRB = True
        parameters.size = (224, 224)
        others["blobFromImageWithParams"] = lambda: cv2.dnn.blobFromImageWithParams(picture, parameters)
    exact, found = spec.apply(picture)[0], {}
    for title, other in others.items():
        off = np.abs(np.asarray(other()).reshape(exact.shape) - exact)
        found[title] = {**pairs(lambda: spec.apply(picture), other, count), "off": float(off.max())}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--no-network", action="store_true", help="leave out the comparison with ResNet-18's forward")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {"resize": against_pillow(options.pairs), "numbers": final_numbers(options.pairs)}
    if not options.no_network:
        report["forward"] = {"imagenet of 640x427 over ResNet-18": against_a_forward(options.pairs)}
    for part in report.values():
        for title, found in part.items():
            off = f", numbers off by {found['off']:.1e}" if "off" in found else ""
            print(
                f"{title:42} ours {found['ours_ms']:8.2f} ms, theirs {found['theirs_ms']:8.2f} ms: {found['ratio']:.2f}{off}"
            )
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    slow = [title for title, found in report["resize"].items() if found["ratio"] > 3]
    slow += [title for title, found in report.get("forward", {}).items() if found["ratio"] > 0.15]
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
