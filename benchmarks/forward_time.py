"""How fast the converted net runs in cv2.dnn, against the files that people make by hand.

    python benchmarks/forward_time.py LIST --target 4.10.0 [--threads 1 --threads 2] [--pairs 24] [--json FILE]

LIST as for `convert sweep`. The hand recipes: either exporter, opset 17 or 12 where it can, onnxsim or not, read as they are;
those that are refused or wrong (1e-4) do not count. Ours and each of theirs run in one process of the target's interpreter, in
turn, each round in another order; a few processes, because the net that is loaded first was seen to run 4 % slower than the
same one loaded last. Every other round chooses the fastest recipe, the rounds between are compared (the fastest of five equal
files, judged by the rounds that chose it, beats a sixth); the ratio is the median of the pairs'.

Prints, for each model, ours against the fastest recipe that runs right, and the geometric mean over the models.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from converter.sweep import Entry, prepare, read_list

PROCESSES = 4
RECIPES = ("dynamo", "dynamo+sim", "ts17", "ts17+sim", "ts12+sim")

TIMING = """
import json, sys, time
import cv2
import numpy as np

job = json.load(sys.stdin)
cv2.setNumThreads(job["threads"])
nets = []
for path in job["models"]:
    if job["engine"] is None:
        nets.append(cv2.dnn.readNetFromONNX(path))
    else:
        nets.append(cv2.dnn.readNetFromONNX(path, getattr(cv2.dnn, job["engine"])))
inputs = dict(np.load(job["inputs"]))


def seconds(net):
    for name, array in inputs.items():
        net.setInput(array, name)
    began = time.perf_counter()
    net.forward(job["outputs"])
    return time.perf_counter() - began


for net in nets:
    for _ in range(3):
        seconds(net)
rounds = []
for number in range(2 * job["pairs"]):
    taken = [0.0] * len(nets)
    for position in range(len(nets)):  # no net always runs first, or after the same one
        which = (number // 2 + position * (1 if number // 2 % 2 else -1)) % len(nets)
        taken[which] = seconds(nets[which])
    rounds.append(taken)
print(json.dumps(rounds))
"""


def hand_made(net: Any, recipe: str) -> bytes:
    """The file of one recipe. Raises what exporters raise."""
    import onnx
    import onnxsim
    import torch

    from converter.export import _dynamo, _quiet, _torchscript

    exporter = _dynamo(optimize=True) if recipe.startswith("dynamo") else _torchscript(int(recipe[2:4]))
    tensors = tuple(torch.from_numpy(given.draw(0)) for given in net.inputs)
    with _quiet(), torch.no_grad():
        model = exporter(net, tensors)
    if recipe.endswith("+sim"):
        model = onnxsim.simplify(model)[0]
    assert isinstance(model, onnx.ModelProto)
    return model.SerializeToString()


def timed(folder: str, names: list[str], net: Any, target: Any, threads: int, pairs: int, number: int) -> np.ndarray:
    """Seconds of each file in each round of process `number`; the files are loaded in another order each time."""
    from converter.targets import python_for

    order = [(number * len(names) // PROCESSES + position) % len(names) for position in range(len(names))]
    job = {
        "models": [str(Path(folder) / f"{names[which]}.onnx") for which in order],
        "inputs": str(Path(folder) / "inputs.npz"),
        "outputs": list(net.outputs),
        "engine": f"ENGINE_{target.engine.upper()}" if target.version >= "5" else None,
        "threads": threads,
        "pairs": -(-pairs // PROCESSES),
    }
    done = subprocess.run(
        [str(python_for(target)), "-c", TIMING],
        input=json.dumps(job), capture_output=True, text=True, check=True, timeout=1800,
    )  # fmt: skip
    rounds = np.array(json.loads(done.stdout.splitlines()[-1]))
    return rounds[:, np.argsort(order)]


def measure(entry: Entry, target: Any, threads: list[int], pairs: int) -> dict[str, Any]:
    """Milliseconds of ours and of each recipe that runs right, and the ratio against the fastest, by number of threads."""
    from converter.progress import Progress
    from converter.search import search
    from converter.verification import TOLERANCE, verify_opencv

    net, samples, task = prepare(entry)
    ours = search(net, samples, [target], TOLERANCE, task, Progress(), 300)
    if ours.shortfall() != (0, 0, 0):
        return {"skipped": f"ours is not right without islands: {ours.shortfall()}"}
    files, refused = {"ours": ours.onnx}, {}
    for recipe in RECIPES:
        try:
            made = hand_made(net, recipe)
        except Exception as error:  # exporters raise anything
            refused[recipe] = type(error).__name__
            continue
        check = verify_opencv(made, target, samples, TOLERANCE, False, timeout=300)
        if check.ok:
            files[recipe] = made
        else:
            refused[recipe] = check.status
    if len(files) == 1:
        return {"skipped": f"no recipe runs right: {refused}"}
    found: dict[str, Any] = {"refused": refused, "threads": {}}
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        for name, data in files.items():
            (Path(folder) / f"{name}.onnx").write_bytes(data)
        np.savez(Path(folder) / "inputs.npz", **{g.name: g.draw(0) for g in net.inputs})
        for count in threads:
            rounds = np.concatenate(
                [timed(folder, list(files), net, target, count, pairs, n) for n in range(PROCESSES)]
            )
            choosing, rounds = rounds[0::2], rounds[1::2]
            best = 1 + int(np.median(choosing, axis=0)[1:].argmin())
            medians = np.median(rounds, axis=0)
            found["threads"][count] = {
                "milliseconds": {name: round(1000 * value, 2) for name, value in zip(files, medians, strict=True)},
                "against": list(files)[best],
                "ratio": round(float(np.median(rounds[:, 0] / rounds[:, best])), 3),
            }
    return found


def main() -> None:
    from converter.targets import Target

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--threads", type=int, action="append")
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = options.threads or [1, 2]
    results: dict[str, Any] = {}
    for entry in read_list(options.list):
        try:
            found = measure(entry, Target.parse(options.target), threads, options.pairs)
        except Exception as error:  # one model's trouble is not the others'
            found = {"skipped": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        results[entry.model] = found
        told = found.get("skipped") or ", ".join(
            f"{count} threads: {t['ratio']:.2f} of {t['against']} ({t['milliseconds']['ours']} ms)"
            for count, t in found["threads"].items()
        )
        print(f"{entry.model}: {told}", file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    for count in threads:
        ratios = [found["threads"][count]["ratio"] for found in results.values() if "threads" in found]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"{count} threads: geometric mean {mean:.3f} over {len(ratios)} models, worst {max(ratios):.2f}")
    skipped = [f"{name}: {found['skipped']}" for name, found in results.items() if "skipped" in found]
    print("\n".join([f"{len(skipped)} skipped", *skipped]))


if __name__ == "__main__":
    main()
