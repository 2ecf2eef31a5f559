"""How fast the NumPy program runs, against cv2.dnn and onnx.reference.

    python benchmarks/numpy_speed.py [MODEL...] [--threads 1 --threads 2] [--pairs 15] [--json FILE] [--keep FOLDER]

MODEL: an architecture as `--arch` takes it (timm:resnet18), with its input after an @ where it is not 1x3x224x224, or the
folder of a bundle. Default: the ten models whose speed is promised. Weights are random and no bias is zero, so that no
step falls away. Architectures are converted for the installed cv2.dnn, and checked, as `convert` does; --keep keeps them.

OPENBLAS_CORETYPE, where it is set, makes OpenBLAS use kernels for an older processor: --own-kernels leaves it out of the
measuring processes, so that OpenBLAS chooses as it does for most users. cv2 has kernels of its own. The table names them.

All of it in one process for each number of threads, in turn, A B A B ...; ratios are medians of the pairs', of the wall clock
and of the processor's time (which others who use the machine disturb less). Peak memory (VmHWM) and the time to load are
those of fresh processes that do nothing else, the page cache being warm; helper processes are added, less what they share.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MODELS = (
    "timm:resnet18",
    "timm:resnet50",
    "timm:vgg16",
    "timm:mobilenetv2_100",
    "timm:mobilenetv3_large_100",
    "timm:efficientnet_b0",
    "timm:vit_small_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:convnext_tiny",
    "torchvision:deeplabv3_mobilenet_v3_large@1x3x512x512",
)

CHILD = """
import importlib.util, json, os, resource, sys, time
job = json.loads(sys.argv[1])
import numpy as np
if "cv2" in job["what"]:
    import cv2
folder = job["folder"]
shapes = json.load(open(folder + "/manifest.json"))["inputs"]
feeds = {i["name"]: np.random.default_rng(0).random([n if isinstance(n, int) else 1 for n in i["shape"]], np.float32)
         for i in shapes}
runs, loaded, kernels = {}, {}, ""

def helpers():  # the processes that compute for this one
    return open("/proc/self/task/%d/children" % os.getpid()).read().split()

def spent():  # processor time of this process and of those, in seconds
    own = sum(int(open("/proc/%s/schedstat" % helper).read().split()[0]) for helper in helpers())
    return time.process_time() + own * 1e-9

for what in job["what"]:
    began = time.perf_counter()
    if what == "numpy":
        spec = importlib.util.spec_from_file_location("numpy_model", folder + "/numpy_model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        model = module.load(folder, threads=job["threads"])
        runs[what] = lambda: model.run(feeds)
    elif what == "cv2":
        cv2.setNumThreads(job["threads"])
        net = cv2.dnn.readNetFromONNX(folder + "/model.onnx")
        def run(net=net):
            for name, array in feeds.items():
                net.setInput(array, name)
            return net.forward(net.getUnconnectedOutLayersNames())
        runs[what] = run
    else:
        from onnx.reference import ReferenceEvaluator
        runs[what] = lambda model=ReferenceEvaluator(folder + "/model.onnx"): model.run(None, feeds)
    loaded[what] = time.perf_counter() - began
    if what == "numpy":
        kernels = module.Blas().kernels
        while not model.ready():  # its helpers: the first runs of a program do not wait for them
            time.sleep(0.01)
for what, run in runs.items():
    if what == "onnx.reference":  # it may not come to an end in the memory that there is
        print("first run began", time.time(), flush=True)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        resource.setrlimit(resource.RLIMIT_AS, (memory * 4 // 5,) * 2)
    for _ in range(1 if what == "onnx.reference" else 8):  # ours tries whether it is worth to run together
        run()
rounds = []
for _ in range(job["pairs"]):
    row = []
    for run in runs.values():
        settled = time.perf_counter() + 0.15
        while time.perf_counter() < settled:  # what threads go on looking for work is not at the other's expense
            run()
        wall, own = time.perf_counter(), spent()
        run()
        row.append([time.perf_counter() - wall, spent() - own])
    rounds.append(row)
products = []  # seconds in matrix products of this process, a run: what only BLAS could make less
if "numpy" in runs:
    class Timed:
        def __getattr__(self, name):
            return getattr(np, name)
        def matmul(self, *arrays, **options):
            began = time.perf_counter()
            result = np.matmul(*arrays, **options)
            products[-1] += time.perf_counter() - began
            return result
    module.np = Timed()
    for _ in range(5):
        products.append(0.0)
        runs["numpy"]()
peak = next((int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")), 0)
for helper in helpers():  # what it shares with this process is counted once
    peak += next(int(line.split()[1]) for line in open("/proc/%s/status" % helper) if line.startswith("RssAnon"))
print(json.dumps({"loaded": loaded, "rounds": rounds, "peak": peak, "kernels": kernels,
                  "products": sorted(products)[2] if products else 0.0}))
"""


def bundle(model: str, keep: Path) -> Path:
    """The folder of a bundle of the model: its own, one that was kept, or a new one in `keep`."""
    if Path(model).is_dir():
        return Path(model)
    import torch

    from converter.checkpoint.architecture import build

    arch, _, shape = model.partition("@")
    folder = keep / arch.replace(":", "-")
    if folder.is_dir():
        return folder
    torch.manual_seed(0)
    module = build(arch, {}).module
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter += 0.02 * torch.randn_like(parameter)
    checkpoint = keep / "checkpoint.pth"
    torch.save(module.state_dict(), checkpoint)
    command = [sys.executable, "-m", "converter", str(checkpoint), "--arch", arch, "--input", shape or "1x3x224x224",
               "-o", str(folder)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    checkpoint.unlink()
    return folder


def child(folder: Path, what: list[str], threads: int, pairs: int) -> dict[str, Any]:
    """What a fresh process measures."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    job = json.dumps({"folder": str(folder), "what": what, "threads": threads, "pairs": pairs})
    command = [sys.executable, "-c", CHILD, job]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ratios(rounds: list[Any], clock: int) -> float:
    """The median of the first's time over the second's."""
    return round(statistics.median(ours[clock] / theirs[clock] for ours, theirs in rounds), 2)


def measure(folder: Path, threads: int, pairs: int, reference: bool) -> dict[str, Any]:
    """Ratios of one model with so many threads."""
    pair = child(folder, ["numpy", "cv2"], threads, pairs)
    alone = {what: child(folder, [what], threads, 2) for what in ("numpy", "cv2")}
    found = {
        "kernels": pair["kernels"],
        "milliseconds": {
            what: round(1000 * statistics.median(row[position][0] for row in pair["rounds"]), 1)
            for position, what in enumerate(("numpy", "cv2"))
        },
        "milliseconds_in_products": round(1000 * pair["products"], 1),
        "against_cv2": {"wall": ratios(pair["rounds"], 0), "processor": ratios(pair["rounds"], 1)},
        "peak_memory": {
            **{what: round(run["peak"] / 1024) for what, run in alone.items()},
            "ratio": round(alone["numpy"]["peak"] / max(alone["cv2"]["peak"], 1), 2),
        },
        "load_seconds": {what: round(run["loaded"][what], 3) for what, run in alone.items()},
    }
    if reference:
        try:
            slow = child(folder, ["onnx.reference", "numpy"], threads, 2)
        except subprocess.CalledProcessError as error:  # of deeplabv3 it takes more memory than many a machine has
            seconds = time.time() - float(error.stdout.split("first run began", 1)[1].split()[0])
            least = seconds / statistics.median(row[0][0] for row in pair["rounds"])
            found["times_faster_than_reference"] = (
                f"over {least:.0f}: it ended without a result after {seconds:.0f} s, exit code {error.returncode}"
            )
        else:
            found["times_faster_than_reference"] = {
                "wall": ratios(slow["rounds"], 0),
                "processor": ratios(slow["rounds"], 1),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--threads", type=int, action="append")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--no-reference", action="store_true", help="leave the slow one out")
    parser.add_argument("--own-kernels", action="store_true", help="without OPENBLAS_CORETYPE")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.own_kernels:
        os.environ.pop("OPENBLAS_CORETYPE", None)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as temporary:
        keep = options.keep or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        for model in options.models:
            folder = bundle(model, keep)
            for threads in options.threads or [1, 2]:
                found = measure(folder, threads, options.pairs, not options.no_reference)
                results.setdefault(model, {})[threads] = found
                told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())
                print(f"{model}, {threads} threads: {told}", flush=True)
                if options.json:
                    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
