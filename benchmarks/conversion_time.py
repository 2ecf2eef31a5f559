"""What a conversion takes of time and memory, against the bare route: torch.onnx.export and onnxsim, nothing checked.

    python benchmarks/conversion_time.py [--arch timm:resnet18] [--pairs 5]

Both run as whole processes, in turn, A B A B ..., so that a drifting machine hits both alike. Prints the medians and the
median of the pairs' ratios. What the ratio buys: node-by-node probing, rewriting, and the comparison of four runtimes.
Memory is that of the largest process at its peak (Linux); the limit is 6 times the weights and 1 GiB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import sys, torch, onnx, onnxsim
from converter.checkpoint import load
loaded = load(sys.argv[1], arch=sys.argv[2])
shape = [int(n) for n in sys.argv[4].split("x")]
torch.onnx.export(loaded.module, (torch.randn(*shape),), sys.argv[3], dynamo=True, external_data=False, verbose=False)
onnx.save(onnxsim.simplify(onnx.load(sys.argv[3]))[0], sys.argv[3])
"""

SAVE = """
import sys, torch
from converter.checkpoint.architecture import build
torch.save(build(sys.argv[1]).module.state_dict(), sys.argv[2])
"""


def run(command: list[str]) -> tuple[float, float]:
    """Seconds, and the MiB that the largest process held at its peak."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - began, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="timm:resnet18")
    parser.add_argument("--input", default="1x3x224x224")
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = str(Path(folder) / "weights.pth")
        subprocess.run([sys.executable, "-c", SAVE, options.arch, checkpoint], check=True)
        bare = [sys.executable, "-c", BARE, checkpoint, options.arch, str(Path(folder) / "bare.onnx"), options.input]
        ours = [sys.executable, "-m", "converter", checkpoint, "--arch", options.arch, "--input", options.input]
        ours += ["-o", str(Path(folder) / "bundle")]
        weights = Path(checkpoint).stat().st_size / 2**20
        run(bare), run(ours)  # warm the page cache
        runs = [(run(ours), run(bare)) for _ in range(options.pairs)]
    pairs = [(a, b) for (a, _), (b, _) in runs]
    print(f"{options.arch}, {options.pairs} pairs, whole processes")
    print(f"convert, proven on the installed OpenCV   median {statistics.median(a for a, _ in pairs):6.2f} s")
    print(f"torch.onnx.export + onnxsim, unchecked    median {statistics.median(b for _, b in pairs):6.2f} s")
    print(f"ratio, median of pairs                    {statistics.median(a / b for a, b in pairs):6.2f}")
    ours_held, bare_held = (max(measured[which][1] for measured in runs) for which in (0, 1))
    print(
        f"peak memory {ours_held:.0f} MiB, unchecked {bare_held:.0f}, limit {6 * weights + 1024:.0f} (weights {weights:.0f})"
    )


if __name__ == "__main__":
    main()
