"""convert() end to end on small networks: what it writes, what it refuses, and that nothing is lost on the way."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import converter
from converter.errors import ConversionError, InputError, MismatchError, OutputError, TargetError, UnsupportedOpError
from converter.export import LADDER, Rung, climb
from converter.progress import STEPS, Progress
from converter.proving import read_golden


class Small(nn.Module):
    """A classifier with a gate that every OpenCV gets wrong unless it is rewritten."""

    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Hardswish())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.head = nn.Linear(8, classes)

    def forward(self, x):
        x = self.stem(x)
        return self.head((x * self.gate(x)).mean((2, 3)))


class Sampling(nn.Module):
    """Cubic sampling at computed points: cv2.dnn 4.x has no such layer, and no rule writes it in others."""

    def forward(self, x):
        grid = torch.stack([x[:, 0, :4, :4], x[:, 1, :4, :4]], -1).tanh()
        return nn.functional.grid_sample(x, grid, mode="bicubic", align_corners=False)


BUNDLE = [
    "deploy.py",
    "golden.npz",
    "labels.txt",
    "manifest.json",
    "model.onnx",
    "numpy_model.py",
    "report.html",
    "weights.npz",
]
LABELS = ['the "cat"', "a\nnewline", "{{ braces }} {% x %}", "back\\slash ''' \"\"\" #"]


class Heard(Progress):
    def __init__(self):
        self.steps = []

    def start(self, step):
        self.steps.append(step)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.manual_seed(3)
    heard = Heard()
    made = converter.convert(
        Small(), example="1x3x16x16", labels=LABELS, out=tmp_path_factory.mktemp("bundles") / "small", progress=heard
    )
    assert tuple(heard.steps) == STEPS
    return made


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_bundle_is_complete_and_nothing_else_is_left(bundle):
    assert names(bundle.folder) == BUNDLE
    assert names(bundle.folder.parent) == ["small"]
    assert converter.Bundle.open(bundle.folder).manifest == bundle.manifest


def test_the_manifest_tells_what_was_done(bundle):
    facts = bundle.manifest
    assert facts["inputs"] == [{"name": "input", "shape": [1, 3, 16, 16], "dtype": "float32"}]
    assert facts["outputs"] == [{"name": "output", "shape": [1, 4], "dtype": "float32"}]
    assert facts["task"] == "classification"
    assert [rewrite["op"] for rewrite in facts["rewrites"]] == ["HardSigmoid"]
    assert facts["rewrites"][0]["error"] <= facts["rewrites"][0]["promised"] + 1e-12
    assert [check["backend"] for check in facts["verification"]["checks"]] == ["onnxruntime", "numpy", "opencv"]
    for check in facts["verification"]["checks"]:
        assert check["status"] == "ok"
        assert 0 <= check["worst"] <= 1e-4
        assert len(check["errors"]) >= 4
    assert "pagoda" in facts["verification"]["inputs"]
    assert set(facts["files"]) == set(BUNDLE) - {"manifest.json"}


def test_half_weights_are_measured_and_allowed_for(bundle, tmp_path):
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
    half = converter.convert(net, example="1x3x16x16", out=tmp_path / "half", weights="float16")
    assert half.manifest["numpy"]["weights"] == "float16"
    assert bundle.manifest["numpy"]["weights"] == "float32"
    with np.load(half.folder / "weights.npz") as arrays:
        assert {array.dtype.name for array in arrays.values() if array.size > 256} == {"float16"}
    facts = half.manifest["verification"]
    by_backend = {check["backend"]: check["worst"] for check in facts["checks"]}
    assert list(by_backend) == ["onnxruntime", "numpy", "opencv"]
    assert 1e-5 < by_backend["numpy"] < 1e-2
    assert max(by_backend["onnxruntime"], by_backend["opencv"]) <= 1e-4
    assert facts["numpy_tolerance"] == pytest.approx(2 * by_backend["numpy"], rel=0.05)  # the manifest rounds
    done = subprocess.run(
        [sys.executable, "-B", "deploy.py", "--self-test", "--backend", "numpy"],
        cwd=half.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "gives PyTorch's numbers" in done.stdout
    assert "in NumPy, whose weights are stored in float16" in (half.folder / "report.html").read_text(encoding="utf-8")
    assert "whose weights are stored" not in (bundle.folder / "report.html").read_text(encoding="utf-8")


def test_half_weights_that_change_too_much_are_refused(tmp_path):
    """Differences of large weights are all that this network gives."""

    class Difference(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(32, 32), nn.Linear(32, 32)
            with torch.no_grad():
                self.second.weight.copy_(self.first.weight * 1.006)
                self.second.bias.copy_(self.first.bias)

        def forward(self, x):
            return self.first(x) - self.second(x)

    torch.manual_seed(0)
    with pytest.raises(MismatchError, match="with weights in float16"):
        converter.convert(Difference(), example="1x32", out=tmp_path / "bundle", weights="float16")
    assert names(tmp_path) == []


def test_the_golden_outputs_are_pytorchs(bundle):
    torch.manual_seed(3)
    module = Small().eval()
    samples = read_golden(bundle.folder / "golden.npz")
    assert len(samples) >= 4
    for inputs, outputs in samples:
        with torch.no_grad():
            np.testing.assert_array_equal(module(torch.from_numpy(inputs["input"])).numpy(), outputs["output"])


def test_the_same_input_gives_the_same_bytes(bundle, tmp_path):
    torch.manual_seed(3)
    again = converter.convert(Small(), example="1x3x16x16", labels=LABELS, out=tmp_path / "again")
    assert again.manifest["files"] == bundle.manifest["files"]
    assert (again.folder / "manifest.json").read_bytes() == (bundle.folder / "manifest.json").read_bytes()


def test_deploy_gives_the_labels_unharmed(bundle, tmp_path):
    np.save(tmp_path / "blob.npy", read_golden(bundle.folder / "golden.npz")[0][0]["input"])
    command = [sys.executable, "-B", bundle.folder / "deploy.py", tmp_path / "blob.npy", "--json", "--top-k", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (entry,) = json.loads(done.stdout)
    assert sorted(found["label"] for found in entry["result"]["classes"]) == sorted(LABELS)


@pytest.mark.parametrize("backend", ["opencv", "numpy"])
def test_deploy_runs_without_converter_and_torch(bundle, backend):
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnxruntime", "converter", "torchvision", "jinja2"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, {str(bundle.folder)!r})
sys.dont_write_bytecode = True
import numpy as np, deploy
model = deploy.Model(backend={backend!r})
image = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
blob = model.preprocess(image)
outputs = model.forward(blob)
assert blob.shape == (1, 3, 16, 16) and outputs["output"].shape == (1, 4), (blob.shape, outputs)
assert model.postprocess(outputs, image) == model(image)
"""
    subprocess.run([sys.executable, "-I", "-c", code], check=True, cwd=bundle.folder.parent)


def test_both_runtimes_agree_through_the_module(bundle):
    proofs = converter.verify(bundle.folder)
    assert proofs.ok
    assert max(proofs.proofs[0].errors.values()) <= 1e-4


def test_a_failed_gate_writes_nothing_and_keeps_what_was_there(tmp_path):
    first = converter.convert(nn.ReLU(), example="1x3x8x8", out=tmp_path / "bundle")
    before = (first.folder / "manifest.json").read_bytes()
    with pytest.raises(MismatchError) as error:
        converter.convert(Small(), example="1x3x16x16", out=tmp_path / "bundle", tolerance=1e-12)
    assert error.value.exit_code == 3
    assert "ONNX Runtime: wrong, relative error " in error.value.measured
    assert "allowed: 1e-12" in error.value.measured
    assert (first.folder / "manifest.json").read_bytes() == before
    assert names(tmp_path) == ["bundle"]


def self_test(bundle, python):
    command = [python, "-B", "deploy.py", "--self-test"]
    done = subprocess.run(command, cwd=bundle.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()[-1]


def test_a_node_that_a_target_cannot_run_becomes_an_island_there(tmp_path, target_env):
    target_env("4.10.0")
    bundle = converter.convert(Sampling(), example="1x3x8x8", targets=["4.10.0"], out=tmp_path / "bundle")
    (target,) = bundle.manifest["targets"]
    assert target["backend"] == "opencv"
    (island,) = target["islands"]
    assert island["op"] == "GridSample"
    assert "GridSample" in island["why"]
    assert "OpenCV" in self_test(bundle, target_env("4.10.0"))
    with pytest.raises(ConversionError, match="and --strict allows no islands"):
        converter.convert(Sampling(), example="1x3x8x8", targets=["4.10.0"], out=tmp_path / "strict", strict=True)
    assert names(tmp_path) == ["bundle"]


def test_a_target_that_cannot_run_it_gets_numpy_and_says_so(tmp_path, target_env, monkeypatch):
    monkeypatch.setattr("converter.repair.MAX_ISLANDS", 0)
    target_env("4.10.0")
    bundle = converter.convert(Sampling(), example="1x3x8x8", targets=["4.10.0"], out=tmp_path / "bundle")
    (target,) = bundle.manifest["targets"]
    assert target["backend"] == "numpy"
    assert target["reason"].startswith("fails at load: ")
    assert "GridSample" in {flag["op"] for flag in bundle.manifest["flags"]}
    assert "NumPy" in self_test(bundle, target_env("4.10.0"))
    with pytest.raises(ConversionError, match="and --strict allows no NumPy there"):
        converter.convert(Sampling(), example="1x3x8x8", targets=["4.10.0"], out=tmp_path / "strict", strict=True)
    assert names(tmp_path) == ["bundle"]


def test_what_no_rule_helps_on_the_installed_opencv_becomes_an_island(tmp_path, monkeypatch):
    """The gate, with every rule taken away: it would be wrong without a word."""
    monkeypatch.setattr("converter.legalize.rules_for", lambda op: [])
    monkeypatch.setattr("converter.legalize.barriers", list)
    # the next exporter writes the gate in a form that needs no help, and would be preferred
    monkeypatch.setattr("converter.search.climb", lambda net: climb(net, LADDER[:1]))
    bundle = converter.convert(Small(), example="1x3x16x16", out=tmp_path / "bundle")
    (target,) = bundle.manifest["targets"]
    assert target["backend"] == "opencv"
    assert {island["op"] for island in target["islands"]} <= {"Mul", "HardSigmoid"}
    assert "hard_swish_gate" in " ".join(island["why"] for island in target["islands"])
    assert "OpenCV" in self_test(bundle, sys.executable)


class Noting(Progress):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def with_an_unknown_op(rung):
    """The rung, its model with an op that nothing here computes before the output."""

    def run(net, tensors):
        model = rung.run(net, tensors)
        first = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["before" if name == first else name for name in node.output]
        model.graph.node.add(op_type="Bernoulli", input=["before"], output=["drawn"])
        model.graph.node.add(op_type="Mul", input=["drawn", "tiny"], output=["scaled"])
        model.graph.node.add(op_type="Add", input=["before", "scaled"], output=[first])
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1e-9), "tiny"))
        return model

    return Rung(f"{rung.name} with Bernoulli", run)


def test_an_exporters_model_with_an_op_that_nothing_computes_is_passed_over(tmp_path, monkeypatch):
    """Bernoulli: OpenCV has no such layer, and there is no NumPy kernel of it."""
    net = nn.Sequential(nn.Conv2d(3, 4, 4), nn.Sigmoid())
    ladder = [with_an_unknown_op(LADDER[0]), LADDER[0]]
    monkeypatch.setattr("converter.search.climb", lambda net: climb(net, ladder))
    heard = Noting()
    bundle = converter.convert(net, example="1x3x7x7", out=tmp_path / "bundle", progress=heard)
    assert bundle.manifest["export"]["exporter"] == "dynamo"
    assert [note for note in heard.notes if "Bernoulli" in note]
    monkeypatch.setattr("converter.search.climb", lambda net: climb(net, ladder[:1]))
    with pytest.raises(UnsupportedOpError, match="Bernoulli"):
        converter.convert(net, example="1x3x7x7", out=tmp_path / "never")
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        pytest.param({"targets": ["3.4.1"]}, TargetError, "'3.4.1' is not an OpenCV version", id="target"),
        pytest.param(
            {"example": "1x1x16x16"}, InputError, "the network does not take an input of 1x1x16x16", id="shape"
        ),
        pytest.param({"weights": "int4"}, InputError, "weights.npz cannot hold 'int4'", id="weights"),
        pytest.param({"tolerance": 0.0}, InputError, "the tolerance 0.0 is not usable", id="tolerance"),
        pytest.param({"task": "divination"}, InputError, "there is no task 'divination'", id="task"),
        pytest.param({"labels": ["one"]}, InputError, r"1 labels; the output \[1, 4\] has 4 classes", id="labels"),
        pytest.param(
            {"task_settings": {"colour": 1}}, InputError, "classification has no setting colour", id="setting"
        ),
        pytest.param({"task_settings": ["top_k=all"]}, InputError, "top_k is 'all', not a whole number", id="value"),
        pytest.param({"preprocess": "imagnet"}, InputError, "imagnet", id="preprocess"),
        pytest.param({"preprocess": "timm"}, InputError, "--preprocess timm needs a timm architecture", id="timm"),
    ],
)
def test_bad_input_writes_nothing(tmp_path, options, kind, text):
    with pytest.raises(kind, match=text) as error:
        converter.convert(Small(), **{"example": "1x3x16x16", "out": tmp_path / "deep" / "bundle", **options})
    assert error.value.exit_code == 2
    assert names(tmp_path) == []


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        converter.convert(Small(), example="1x3x16x16", out=tmp_path / "file" / "bundle")
    assert names(tmp_path) == ["file"]


def test_several_inputs_and_outputs_that_are_no_images(tmp_path):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Linear(6, 5)

        def forward(self, left, right):
            mixed = self.embed(left) + right
            return {"sum": mixed, "both": (mixed.relu(), mixed.mean(1, keepdim=True))}

    bundle = converter.convert(Odd(), example=["2x6", "2x5"], out=tmp_path / "odd")
    assert [tensor["name"] for tensor in bundle.manifest["inputs"]] == ["left", "right"]
    assert [tensor["name"] for tensor in bundle.manifest["outputs"]] == ["sum", "both_0", "both_1"]
    assert bundle.manifest["preprocess"] is None
    assert bundle.manifest["task"] == "raw"


def test_a_segmenter_is_recognised(tmp_path):
    settings = ["resize=bilinear", "background=null"]
    module = nn.Conv2d(3, 5, 3, padding=1)
    bundle = converter.convert(module, example="1x3x24x32", task_settings=settings, out=tmp_path / "segmenter")
    assert bundle.manifest["task"] == "segmentation"
    assert bundle.manifest["task_settings"] == {"resize": "bilinear", "background": None}
    text = (tmp_path / "segmenter" / "deploy.py").read_text(encoding="utf-8")
    assert "'resize': 'bilinear', 'background': None," in " ".join(text.split())
