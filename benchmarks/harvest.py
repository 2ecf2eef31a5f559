"""Every distinct node of real architectures, after our own export and simplification, as small JSON records.

    python benchmarks/harvest.py -o FOLDER LIST... [--limit SECONDS] [--budget SECONDS] [--millions N] [--retry]

LIST is a file of architecture names: timm:NAME or torchvision:NAME (timm's where there is no prefix), with @SIZE for an input
other than the default. Beside this file lie corpus.txt (every family of timm and torchvision, small ones) and segmentation.txt
(torchvision's). Several lists are taken in turn, so that what is done when time runs out is a cross-section.

One file per architecture in FOLDER; what is there already is skipped. Each architecture runs in a child process of its own with
random weights and batch 1, on the exporters "dynamo" and "torchscript"; failures are kept with their reasons.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

from converter.errors import ConverterError
from converter.support.cases._records import describe, identity

RUNGS = ("dynamo", "torchscript")


def read_list(text: str) -> list[str]:
    """The names in a file, with their library, without repeats."""
    names = Path(text).read_text(encoding="utf-8").split()
    return list(dict.fromkeys(name if ":" in name else f"timm:{name}" for name in names))


def file_name(architecture: str) -> str:
    """The architecture's file in the harvest folder."""
    return architecture.replace(":", "-") + ".json"


def network_of(architecture: str, millions: float) -> Any:
    """The architecture as `converter.export.Network`. Raises ValueError when it has more parameters than that."""
    from converter.checkpoint.architecture import build
    from converter.export import Input, network

    spec, _, size = architecture.partition("@")
    module = build(spec).module
    parameters = sum(p.numel() for p in module.parameters()) / 1e6
    if parameters > millions:
        raise ValueError(f"it has {parameters:.0f} million parameters")
    shape = (3, int(size), int(size)) if size else default_input(spec, module)
    return network(module, [Input("input", (1, *shape))])


def default_input(spec: str, module: Any) -> tuple[int, ...]:
    """Channels, height and width that the architecture was made for."""
    library, _, name = spec.partition(":")
    if library == "timm":
        return tuple(module.pretrained_cfg["input_size"])
    from torchvision.models import get_model_weights

    transform = next(iter(get_model_weights(name))).transforms()
    size = getattr(transform, "crop_size", None) or transform.resize_size
    return (3, size[0], size[0])


def harvest(architecture: str, file: str, millions: float) -> None:
    """Write the architecture's file, anew after each exporter. Runs in a child process."""
    import torch

    from converter.export import LADDER, climb
    from converter.passes import simplify

    torch.set_num_threads(1)
    document: dict[str, Any] = {"architecture": architecture, "rungs": {}}
    try:
        torch.manual_seed(0)
        net = network_of(architecture, millions)
    except (ConverterError, ValueError) as error:
        document["rungs"] = {rung: {"failed": f"build: {reason(error)}"} for rung in RUNGS}
        return write(file, document)
    document["input"] = list(net.inputs[0].shape)
    for rung in (rung for rung in LADDER if rung.name in RUNGS):
        began = time.perf_counter()
        try:
            simplified = simplify(next(climb(net, (rung,))).model)
            counted: Counter[str] = Counter()
            for node in simplified.model.graph:
                counted[identity(describe(node))] += 1
            entry = {
                "nodes": len(simplified.model.graph),
                "notes": list(simplified.notes),
                "records": [{**json.loads(text), "count": count} for text, count in counted.items()],
            }
        except (ConverterError, ValueError) as error:
            entry = {"failed": reason(error)}
        document["rungs"][rung.name] = {**entry, "seconds": round(time.perf_counter() - began, 1)}
        write(file, document)
    return None


def reason(error: Exception) -> str:
    return (error.measured if isinstance(error, ConverterError) else f"{error}").strip().replace("\n", " | ")[:400]


def write(file: str, document: dict[str, Any]) -> None:
    """The whole file or none: a child may be killed at any time."""
    beside = Path(file + ".part")
    beside.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    beside.replace(file)


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"rungs": {}}


def in_child(context: Any, function: Callable[..., None], arguments: tuple[Any, ...], limit: float) -> str:
    """Run the function in a child process; "" when it came to its end, else why it did not."""
    child = context.Process(target=_silently, args=(function, arguments))
    child.start()
    child.join(limit)
    if child.is_alive():
        child.kill()
        child.join()
        return f"not done in {limit:.0f} s"
    return "" if child.exitcode == 0 else f"the process ended with exit code {child.exitcode}"


def _silently(function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Exporters print whole graphs from C++, past sys.stdout."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    function(*arguments)


def run_one(context: Any, architecture: str, file: Path, millions: float, limit: float) -> None:
    """Harvest in a child process, and write down what a child that died could not."""
    why = in_child(context, harvest, (architecture, str(file), millions), limit)
    document = {"architecture": architecture, **read(file)}
    document["rungs"].update({rung: {"failed": why} for rung in RUNGS if rung not in document["rungs"]})
    write(str(file), document)


def add_export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=float, default=120, help="seconds an architecture may take (120)")
    parser.add_argument("--millions", type=float, default=float("inf"), help="skip networks of more parameters")
    parser.add_argument("--budget", type=float, default=float("inf"), help="start no work after this many seconds")
    parser.add_argument("--retry", action="store_true", help="do again what failed")


def parsed(description: str | None) -> argparse.Namespace:
    """The command line of a benchmark that goes through lists; the folder for its records is there."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", metavar="LIST")
    parser.add_argument("-o", "--out", type=Path, required=True)
    add_export_options(parser)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def main() -> None:
    options = parsed(__doc__)
    in_turn = zip_longest(*(read_list(text) for text in options.lists))
    names = list(dict.fromkeys(name for several in in_turn for name in several if name))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch", "timm", "onnxscript", "onnxruntime", "converter.export", "converter.passes"]
    )
    began = time.perf_counter()
    for name in names:
        file = options.out / file_name(name)
        failed = any("failed" in rung for rung in read(file)["rungs"].values())
        if file.exists() and not (failed and options.retry):
            continue
        if time.perf_counter() - began > options.budget:
            print(f"out of time before {name}", file=sys.stderr)
            break
        started = time.perf_counter()
        file.unlink(missing_ok=True)
        run_one(context, name, file, options.millions, options.limit)
        rungs = read(file)["rungs"]
        told = ", ".join(f"{rung} {entry.get('failed') or entry['nodes']}" for rung, entry in rungs.items())
        print(f"{name}: {told} ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
