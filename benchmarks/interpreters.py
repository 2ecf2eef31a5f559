"""Do generated scripts run on other Pythons, NumPys and OpenCVs, with the same answers?

    python benchmarks/interpreters.py --with python3.8,numpy==1.21.6,opencv-python==4.5.5.64 --with python3.13,numpy==2.4.0

The three bundles of `convert demo` are made here, for the OpenCV versions that are named (which `convert targets install`
must have set up); each --with is an interpreter and what pip installs beside it, in a virtual environment that is deleted
afterwards. There, with each backend that it can have, deploy.py compares itself with PyTorch's golden outputs (--self-test)
and reads the sample pictures; every result must be the one found here: labels and counts equal, numbers within 1e-3 of them.
Without an opencv package all of it runs in NumPy alone. A team of two processes has to give the bytes that one gives for it.
Exit code 1 when one fails.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from converter.resources import resource

CLOSE = 1e-3
PICTURES = {"classification": "digits", "detection": "scenes", "segmentation": "scenes"}

TEAM = """
import sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
import numpy_model
model = numpy_model.load(threads=2)
while not model.ready():
    time.sleep(0.01)
shapes = [(name, dtype, [n if isinstance(n, int) else 2 for n in shape]) for name, (dtype, shape) in numpy_model.INPUTS.items()]
feeds = {name: (200 * np.random.RandomState(0).rand(*shape)).astype(dtype) for name, dtype, shape in shapes}
together, alone = model.run(feeds), model._run_alone(feeds)
print(model.ways, all(np.array_equal(together[name], alone[name]) for name in alone))
"""


def answers(python: str, bundle: Path, backend: str, *arguments: str) -> Any:
    """What deploy.py prints as JSON. Raises CalledProcessError with its last words."""
    command = [python, "-B", str(bundle / "deploy.py"), "--json", "--backend", backend, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def same(one: Any, other: Any) -> bool:
    """Two values of JSON, numbers within CLOSE of each other; what tells of time and backend is left out."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (one.keys() | other.keys()) - {"milliseconds", "backend"}
        return all(key in one and key in other and same(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


def try_out(wanted: list[str], bundles: dict[str, Path], expected: dict[str, Any], folder: Path) -> bool:
    """Install, run, compare, print a line for each bundle and backend."""
    python, *packages = wanted
    environment = folder / "environment"
    subprocess.run([python, "-m", "venv", "--clear", str(environment)], check=True, capture_output=True)
    inside = str(environment / "bin" / "python")
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run(install, check=True, capture_output=True, text=True)
    about = "import platform, numpy; print('Python', platform.python_version() + ', NumPy', numpy.__version__)"
    title = subprocess.run([inside, "-c", about], check=True, capture_output=True, text=True).stdout.strip()
    opencv = any(package.startswith("opencv") for package in packages)
    fine = True
    for task, bundle in bundles.items():
        for backend in ("opencv", "numpy") if opencv else ("numpy",):
            tested = answers(inside, bundle, backend, "--self-test")["backends"][backend]
            line = f"{title}, {tested['title']}, {task}: self-test {'right' if tested['ok'] else 'WRONG'}"
            right = bool(tested["ok"])
            found = answers(inside, bundle, backend, *map(str, samples(task)))
            agree = same(found, expected[task])
            print(f"{line}, {len(found)} pictures {'as here' if agree else 'DIFFERENT'}", flush=True)
            fine &= right and agree
        command = [inside, "-B", "-c", TEAM, str(bundle)]
        team = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        print(
            f"{title}, {task}: {team[0]} processes, {'the same bytes' if team[1] == 'True' else 'OTHER BYTES'}",
            flush=True,
        )
        fine &= team == ["2", "True"]
    return fine


def samples(task: str) -> list[Path]:
    return sorted((resource("model_zoo") / PICTURES[task] / "samples").glob("*.png"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="wanted", action="append", required=True, metavar="PYTHON,PACKAGE,...")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as name:
        folder = Path(name)
        demo = [sys.executable, "-m", "converter", "demo", "-o", str(folder / "demo")]
        for version in sorted(set(re.findall(r"opencv-python\S*?==(\d+\.\d+\.\d+)", " ".join(options.wanted)))):
            demo += ["--target", version]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
        bundles = {task: folder / "demo" / task for task in PICTURES}
        expected = {task: answers(sys.executable, bundles[task], "auto", *map(str, samples(task))) for task in PICTURES}
        fine = True
        for wanted in options.wanted:
            try:
                fine &= try_out(wanted.split(","), bundles, expected, folder)
            except subprocess.CalledProcessError as error:
                print(
                    f"{wanted}: {' '.join(map(str, error.cmd[1:4]))} failed:\n{(error.stderr or '')[-800:]}", flush=True
                )
                fine = False
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
