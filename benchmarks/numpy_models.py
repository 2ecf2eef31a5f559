"""Whole networks in the NumPy runtime alone, on one thread and on two, against PyTorch: no OpenCV, no search.

    python benchmarks/numpy_models.py LIST... -o FOLDER [--limit SECONDS] [--budget SECONDS] [--millions N] [--retry]

LIST is as for harvest.py. Each network runs in a child process of its own, with random weights (seed 0, none of them all zeros)
and one drawn input; nothing of it is kept but a record in FOLDER, and what has one is not run again. PyTorch computes in
float64. Prints the largest difference over the largest output, PyTorch's own in float32 beside it. Exit code 1 when one is
beyond 1e-4, failed, or was not run.
"""

from __future__ import annotations

import copy
import importlib.util
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from harvest import file_name, in_child, network_of, parsed, read, read_list, reason, write

from converter.errors import ConverterError

GATE = 1e-4


def run(folder: Path, threads: int, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What numpy_model.py in the folder gives, on so many threads."""
    spec = importlib.util.spec_from_file_location("numpy_model", folder / "numpy_model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load(folder, threads=threads)
    while not model.ready():
        time.sleep(0.01)
    found: dict[str, np.ndarray] = model.run(feeds)
    return found


def run_model(architecture: str, file: str, millions: float) -> None:
    """Export, plan and run the network, and write down what came of it."""
    import torch

    from converter.compare import compare
    from converter.export import climb
    from converter.numpy_runtime import plan
    from converter.passes import simplify

    torch.set_num_threads(1)
    torch.manual_seed(0)
    document: dict[str, Any] = {"architecture": architecture}
    try:
        net = network_of(architecture, millions)
        with torch.no_grad():
            for parameter in net.module.parameters():
                if not parameter.any():  # zeros of an untrained network would make its output a constant
                    parameter += 0.02 * torch.randn_like(parameter)
        draws = [torch.from_numpy(np.asarray(given.draw(11))) for given in net.inputs]
        with torch.no_grad():
            single = [result.numpy() for result in net.module(*draws)]
            exact = [result.numpy() for result in copy.deepcopy(net.module).double()(*(x.double() for x in draws))]
        exported = next(climb(net))
        program = plan(simplify(exported.take()).model)
        feeds = {given.name: x.numpy() for given, x in zip(net.inputs, draws, strict=True)}
        errors = {}
        with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
            program.save(folder)
            for threads in (1, 2):
                got = list(run(Path(folder), threads, feeds).values())
                errors[threads] = max(compare(a, b).relative for a, b in zip(got, exact, strict=True))
    except (ConverterError, ValueError) as error:
        return write(file, {**document, "failed": reason(error)})
    own = max(compare(a, b).relative for a, b in zip(single, exact, strict=True))
    return write(file, {**document, "rung": exported.rung, "errors": errors, "pytorch": own})


def main() -> None:
    options = parsed(__doc__)
    names = list(dict.fromkeys(name for text in options.lists for name in read_list(text)))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "timm", "onnxscript", "converter.export", "converter.passes"])
    began, good = time.perf_counter(), 0
    for done, name in enumerate(names, 1):
        file = options.out / file_name(name)
        found = read(file) if file.exists() else {}
        if not found or ("failed" in found and options.retry):
            if time.perf_counter() - began > options.budget:
                print(f"out of time before {name}", file=sys.stderr)
                break
            started = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="torch2cv-") as temporary:
                answer = f"{temporary}/answer.json"
                why = in_child(context, run_model, (name, answer, options.millions), options.limit)
                found = {"failed": why} if why else read(Path(answer))
            write(str(file), {**found, "seconds": round(time.perf_counter() - started)})
        right = "errors" in found and max(found["errors"].values()) <= GATE
        good += right
        told = f"{found['errors']}, PyTorch's {found['pytorch']:.1e}" if "errors" in found else found["failed"]
        print(f"{done}/{len(names)} {name}: {'right' if right else 'WRONG'}: {told}", flush=True)
    print(f"{good} of {len(names)} within {GATE}")
    sys.exit(int(good < len(names)))


if __name__ == "__main__":
    main()
