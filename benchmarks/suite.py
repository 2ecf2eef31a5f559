"""How many architectures convert, on which OpenCV: architectures x targets, one child process each, resumable.

    python benchmarks/suite.py LIST --target 4.10.0 --target 5.0.0 --out RESULTS [--limit SECONDS] [--plain]

LIST: a file with one architecture a line ("resnet18" is timm's, or "torchvision:NAME"). RESULTS: a folder with one JSON file
per architecture; what is there is not run again. Weights are random (seed 0), batch 1, the architecture's own input size, the
gate 1e-4. --plain also measures the bare route: torch.onnx.export, then readNetFromONNX. Prints N of M per target, and for
the rest the reason: refused, crashes, timeout, wrong (the numbers differ: convert would refuse with exit 3), export.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

STATUS = {"ok": "ok", "wrong": "wrong", "fails at load": "refused", "fails at run": "refused"}


def measure(arch: str, names: list[str], plain: bool) -> dict[str, Any]:
    """One architecture, in this process: what each target made of it, and what was rewritten."""
    import onnx
    import torch

    from converter import pipeline
    from converter.checkpoint.architecture import build
    from converter.checkpoint.load import load
    from converter.export import LADDER, attempt, network
    from converter.inputs import image_shape, photos, read_example
    from converter.progress import Progress
    from converter.targets import Target
    from converter.tasks import guess_task
    from converter.verification import draw_samples, verify_opencv

    torch.manual_seed(0)
    loaded = load(build(arch).module, arch=None)
    hint = getattr(loaded.module, "pretrained_cfg", {}).get("input_size")
    inputs, _ = read_example(None, loaded.module, (1, *hint) if hint else None)
    net = network(loaded.module, inputs)
    recipe = pipeline.read_preprocess(None, image_shape(inputs), None, "raw")
    samples = draw_samples(net, photos(inputs, recipe))
    targets = [Target.parse(name) for name in names]
    task = guess_task(dict(zip(net.outputs, net.output_shapes, strict=True)), inputs[0].shape)
    result: dict[str, Any] = {"arch": arch, "targets": {}}
    if plain:
        try:
            bare = attempt(net, LADDER[0], {}).model
            onnx.checker.check_model(bare)
            checks = [verify_opencv(bare.SerializeToString(), t, samples, 1e-4, False, timeout=300) for t in targets]
            result["plain"] = {c.target: STATUS.get(c.status, c.status) for c in checks}
        except Exception as error:  # the bare route's failure is a measurement
            result["plain"] = dict.fromkeys(names, f"export: {type(error).__name__}")
    began = time.perf_counter()
    best = pipeline.search(net, samples, targets, 1e-4, task, Progress())
    result["seconds"] = round(time.perf_counter() - began, 1)
    result["exporter"] = best.exported.rung
    result["rewrites"] = dict(Counter(f"{r.op_type}: {r.rule}" for r in best.legalized.rewrites))
    for check in best.verification.checks:
        entry = {"status": STATUS.get(check.status, check.status), "reason": check.reason[:300]}
        result["targets"][check.target or check.backend] = entry
    result["flags"] = sorted({f"{f.target}: {f.op_type}: {str(f.verdict)[:200]}" for f in best.flags()})
    return result


def run_all(names: list[str], options: argparse.Namespace) -> None:
    """One child process per architecture that has no result yet."""
    options.out.mkdir(parents=True, exist_ok=True)
    for number, arch in enumerate(names, 1):
        file = options.out / f"{arch.replace(':', '-')}.json"
        if file.exists():
            continue
        command = [sys.executable, __file__, "--one", arch, *(["--plain"] if options.plain else [])]
        for target in options.target:
            command += ["--target", target]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=options.limit, check=False)
            last = done.stdout.strip().splitlines()[-1:] or [""]
            result = json.loads(last[0]) if done.returncode == 0 else {"failed": (done.stderr.strip() or "?")[-600:]}
        except subprocess.TimeoutExpired:
            result = {"failed": f"timeout: {options.limit} s"}
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"arch": arch, **result}, indent=1) + "\n")
        part.replace(file)
        told = {name: entry["status"] for name, entry in result.get("targets", {}).items()} or result["failed"][-200:]
        print(f"{number}/{len(names)} {arch}: {told}", file=sys.stderr, flush=True)


def summary(names: list[str], options: argparse.Namespace) -> None:
    """N of M per target, and the reasons for the rest."""
    files = [options.out / f"{arch.replace(':', '-')}.json" for arch in names]
    results = [json.loads(file.read_text()) for file in files if file.exists()]
    for target in options.target:
        ours = Counter(r["targets"][target]["status"] if "targets" in r else "failed" for r in results)
        plain = Counter(r["plain"].get(target, "?").split(":")[0] for r in results if "plain" in r)
        rest = ", ".join(f"{count} {status}" for status, count in ours.most_common() if status != "ok")
        bare = f"; plain {plain['ok']}" if plain else ""
        print(f"{target}: {ours['ok']} of {len(results)}{bare}" + (f" ({rest})" if rest else ""))
        for r in results:
            if "targets" not in r:
                print(f"    {r['arch']}: {r['failed'].splitlines()[-1][:160]}")
            elif r["targets"][target]["status"] != "ok":
                entry = r["targets"][target]
                print(f"    {r['arch']}: {entry['status']}: {entry['reason'][:160]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", nargs="?", type=Path)
    parser.add_argument("--one", metavar="ARCH", help=argparse.SUPPRESS)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.target, options.plain)))
        return
    if not (options.list and options.out and options.target):
        parser.error("LIST, --out and --target are needed")
    lines = [
        line.strip() for line in options.list.read_text().splitlines() if line.strip() and not line.startswith("#")
    ]
    names = [line if ":" in line else f"timm:{line}" for line in lines]
    run_all(names, options)
    summary(names, options)


if __name__ == "__main__":
    main()
