"""The wheel, alone in an empty environment, does what a checkout does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow

FROM_THE_CHECKOUT = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
"""Variables that would let a child process see our packages instead of its own."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel and what it depends on; `cwd` lies outside of the checkout."""

    folder: Path
    cwd: Path

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, as a user would who has activated it."""
        variables = {name: value for name, value in os.environ.items() if name not in FROM_THE_CHECKOUT}
        programs = self.folder / ("Scripts" if os.name == "nt" else "bin")
        variables["PATH"] = os.pathsep.join([str(programs), variables.get("PATH", os.defpath)])
        return subprocess.run(
            [str(programs / command), *arguments],
            capture_output=True, text=True, cwd=self.cwd, env=variables, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(REPO)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Iterator[Environment]:
    made = Environment(tmp_path_factory.mktemp("installed") / "env", tmp_path_factory.mktemp("elsewhere"))
    venv.create(made.folder, with_pip=True)
    constraints = str(REPO / "constraints.txt")
    done = made.run("python", "-m", "pip", "install", "--quiet", "--constraint", constraints, str(wheel))
    assert done.returncode == 0, done.stderr
    yield made
    shutil.rmtree(made.folder)  # it holds a torch; pytest would keep the last three


def test_the_wheel_carries_templates_and_demo(wheel):
    carried = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"converter/{path.relative_to(REPO).as_posix()}"
        for folder in ("templates", "model_zoo")
        for path in (REPO / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    modules = {path.relative_to(REPO).as_posix() for path in (REPO / "converter").rglob("*.py")}
    assert {
        "converter/templates/deploy.py.j2",
        "converter/model_zoo/digits/digits.pth",
        "converter/model_zoo/digits/samples/3.png",
        "converter/model_zoo/scenes/detector.pth",
        "converter/model_zoo/scenes/segmenter.pth",
        "converter/model_zoo/scenes/samples/5.png",
        "converter/model_zoo/labels/imagenet-1k.txt",
        "converter/model_zoo/yunet.toml",
        "converter/model_zoo/photos/pagoda.png",
    } <= wanted
    assert sorted((wanted | modules) - carried) == []


def test_the_wheel_carries_nothing_else(wheel):
    folders = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {re.sub(r"^torch2cv-.*\.dist-info$", "dist-info", folder) for folder in folders} == {
        "converter",
        "dist-info",
    }
    assert [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".pyc")] == []
    assert wheel.stat().st_size < 4_000_000


def test_the_wheel_names_its_licence_and_commands(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = HeaderParser().parsestr(archive.read(f"{info}/METADATA").decode("utf-8"))
        commands = archive.read(f"{info}/entry_points.txt").decode("utf-8")
        licence = archive.read(f"{info}/licenses/LICENSE").decode("utf-8")
    assert (metadata["License-Expression"], metadata["Name"]) == ("Apache-2.0", "torch2cv")
    assert "convert = converter.cli:main" in commands
    assert "torch2cv = converter.cli:main" in commands
    assert licence == (REPO / "LICENSE").read_text(encoding="utf-8")


def test_the_demo_runs_from_the_wheel_alone(environment):
    where = environment.run("python", "-c", "import converter; print(converter.__file__)")
    assert where.returncode == 0, where.stderr
    assert Path(where.stdout.strip()).is_relative_to(environment.folder)

    done = environment.run("convert", "demo", "-o", "bundle")

    assert done.returncode == 0, done.stderr
    for digit in range(10):
        by_opencv_and_numpy = rf"(?m)^{digit}\.png +{digit} \(\S+%\) +{digit} \(\S+%\)$"
        assert re.search(by_opencv_and_numpy, done.stdout), done.stdout
    wanted = {"model.onnx", "weights.npz", "numpy_model.py", "deploy.py", "golden.npz", "manifest.json", "report.html"}
    for task, samples in (("classification", 10), ("detection", 6), ("segmentation", 6)):
        bundle = environment.cwd / "bundle" / task
        assert wanted <= {path.name for path in bundle.iterdir()}
        assert len(list((bundle / "pictures").iterdir())) == samples


def test_the_zoo_is_in_the_wheel(environment):
    listed = environment.run("convert", "zoo", "--json")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) == len(list((REPO / "model_zoo").glob("*.toml")))
    shown = environment.run("convert", "zoo", "resnet50")
    assert "resnet50-11ad3fa6.pth" in shown.stdout, shown.stderr
