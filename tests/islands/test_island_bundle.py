"""A bundle with islands, end to end: the search's result is given islands by hand, the rest is the pipeline's own."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

import converter
from converter import pipeline
from converter.bundle import Bundle
from converter.errors import TargetError, UnsupportedOpError
from converter.search import verified
from converter.targets import Target, python_for

TARGETS = ("4.6.0", "4.10.0", "5.0.0")
ISLANDS = ("Sigmoid", "MaxPool")


class Small(nn.Module):
    """Conv, Sigmoid, Conv, MaxPool: two islands with parts on every side."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3)

    def forward(self, x):
        return torch.amax(nn.functional.max_pool2d(self.second(self.first(x).sigmoid()), 2) * 2, (2, 3))


def installed() -> list[str]:
    """Those of TARGETS that are there."""
    found = []
    for name in TARGETS:
        try:
            python_for(Target.parse(name))
        except TargetError:
            continue
        found.append(name)
    return found


def give_islands(patch, targets, ops=ISLANDS):
    """From now on every conversion has these operators' nodes as islands on these targets."""
    search = pipeline.search

    def with_islands(net, samples, asked, tolerance, task, tell, *limits):
        found = search(net, samples, asked, tolerance, task, tell, *limits)
        nodes = tuple(node.name for node in found.legalized.model.graph if node.op_type in ops)
        assert len(nodes) == len(ops)
        found = dataclasses.replace(found, islands=dict.fromkeys(targets, nodes))
        return verified(found, asked, task, tell)

    patch.setattr(pipeline, "search", with_islands)


def convert(out: Path, targets, **options) -> Bundle:
    torch.manual_seed(3)
    return converter.convert(Small(), example="1x3x10x10", targets=targets, out=out, **options)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    names = installed()
    if not names:
        pytest.skip(f"none of OpenCV {', '.join(TARGETS)} is installed here")
    with pytest.MonkeyPatch.context() as patch:
        give_islands(patch, names)
        return convert(tmp_path_factory.mktemp("bundles") / "small", names)


def run(folder: Path, target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(python_for(Target.parse(target))), "-I", "-B", str(folder / "deploy.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


def test_files(bundle):
    parts = [name for name in bundle.manifest["files"] if name.startswith("model-")]
    cut = [target["name"] for target in bundle.manifest["targets"] if target["islands"][0]["mechanism"] == "parts"]
    assert parts == [f"model-{name}-{number}.onnx" for name in cut for number in (1, 2, 3)]
    assert {"islands.py", "islands.npz"} < set(bundle.manifest["files"])
    assert Bundle.open(bundle.folder).manifest == bundle.manifest


def test_the_manifest_and_the_report_name_them(bundle):
    for target in bundle.manifest["targets"]:
        assert target["backend"] == "opencv"
        mechanism = "parts" if target["version"].startswith("5.") else "layers"
        assert [(i["op"], i["mechanism"]) for i in target["islands"]] == [(op, mechanism) for op in ISLANDS]
    report = (bundle.folder / "report.html").read_text()
    assert report.count("<td>layers</td>") == 2 * sum(t["version"].startswith("4.") for t in bundle.manifest["targets"])
    assert "model.onnx needs deploy.py there" in report


@pytest.mark.parametrize("target", TARGETS)
def test_deploy_runs_them_and_says_so_once(bundle, target):
    if target not in installed():
        pytest.skip(f"OpenCV {target} is not installed here")
    done = run(bundle.folder, target, "--self-test", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["used"], report["backends"]["opencv"]["ok"]) == ("opencv", True)
    nodes = ", ".join(f"{i['op']} {i['node']}" for i in bundle.manifest["targets"][0]["islands"])
    assert done.stderr == f"OpenCV {target} runs 2 of the network's nodes in NumPy: {nodes}\n"


def test_deploy_in_threads(bundle):
    """Two models of one folder, and one shared by threads; layers are registered for a process, but one net at a time."""
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[1]); import deploy, numpy as np\n"
        "x = np.load(sys.argv[1] + '/golden.npz')['input:1:input']; right = deploy.Model(backend='numpy').forward(x)\n"
        "wrong = []\n"
        "def work():\n"
        "    model = deploy.Model(backend='opencv')\n"
        "    for _ in range(20):\n"
        "        for name, array in model.forward(x).items():\n"
        "            if not np.allclose(array, right[name], atol=1e-5): wrong.append(name)\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]; print(wrong)\n"
    )
    for target in installed():
        command = [str(python_for(Target.parse(target))), "-B", "-c", code, str(bundle.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_verify_takes_them(bundle):
    proofs = converter.verify(bundle.folder)
    assert {proof.target: proof.status for proof in proofs.proofs} == dict.fromkeys(installed(), "ok")


def test_a_model_of_another_network_is_not_patched(bundle, tmp_path):
    layered = [t["name"] for t in bundle.manifest["targets"] if t["islands"][0]["mechanism"] == "layers"]
    if not layered:
        pytest.skip("no OpenCV 4.x is installed here")
    shutil.copytree(bundle.folder, tmp_path / "bundle")
    model = tmp_path / "bundle" / "model.onnx"
    model.write_bytes(b"\0" + model.read_bytes())
    done = run(tmp_path / "bundle", layered[0], "--self-test", "--backend", "opencv")
    assert done.returncode == 1
    assert "is not the file that islands.py was written for" in done.stdout


def test_strict_refuses(tmp_path, monkeypatch):
    name = (installed() or [pytest.skip("no OpenCV is installed here")])[-1]
    give_islands(monkeypatch, [name])
    with pytest.raises(UnsupportedOpError) as error:
        convert(tmp_path / "out", [name], strict=True)
    assert error.value.exit_code == 3
    lines = str(error.value).splitlines()
    assert lines[0] == f"some nodes run in NumPy only on OpenCV {name}, and --strict allows no islands"
    assert [line.split()[-2] for line in lines[1:3]] == list(ISLANDS)
    assert not (tmp_path / "out").exists()


def test_without_islands_nothing_speaks_of_them(tmp_path):
    name = (installed() or [pytest.skip("no OpenCV is installed here")])[-1]
    plain = convert(tmp_path / "plain", [name])
    assert not [file for file in plain.manifest["files"] if file.startswith(("island", "model-"))]
    for file in ("deploy.py", "manifest.json", "report.html"):
        assert "sland" not in (plain.folder / file).read_text()


def test_the_same_bytes_again(bundle, tmp_path, monkeypatch):
    give_islands(monkeypatch, installed())
    assert convert(tmp_path / "again", installed()).manifest == bundle.manifest
