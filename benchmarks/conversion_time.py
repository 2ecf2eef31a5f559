"""How long a conversion takes, against the bare route: torch.onnx.export followed by onnxsim, nothing checked.

    python benchmarks/conversion_time.py [--arch timm:resnet18] [--pairs 5]

Both run as whole processes, in turn, A B A B ..., so that a drifting machine hits both alike. Prints the medians and the
median of the pairs' ratios. What the ratio buys: node-by-node probing, rewriting, and the comparison of four runtimes.
"""

from __future__ import annotations

import argparse
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


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


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
        seconds(bare), seconds(ours)  # warm the page cache
        pairs = [(seconds(ours), seconds(bare)) for _ in range(options.pairs)]
    print(f"{options.arch}, {options.pairs} pairs, whole processes")
    print(f"convert, proven on the installed OpenCV   median {statistics.median(a for a, _ in pairs):6.2f} s")
    print(f"torch.onnx.export + onnxsim, unchecked    median {statistics.median(b for _, b in pairs):6.2f} s")
    print(f"ratio, median of pairs                    {statistics.median(a / b for a, b in pairs):6.2f}")


if __name__ == "__main__":
    main()
