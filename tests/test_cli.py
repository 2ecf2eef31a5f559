"""The command line as a user runs it: exit codes, messages, streams, and that it starts fast because it loads little."""

import inspect
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import converter
from converter import cli
from converter.progress import STEPS
from converter.resources import resource

ARCH = """
import torch
def build(classes=3):
    layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, classes)]
    return torch.nn.Sequential(*layers)
"""


def convert(*arguments, cwd=None):
    command = [sys.executable, "-m", "converter", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with an architecture, its checkpoint, and files that are something else."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "arch.py").write_text(ARCH)
    scope = {}
    exec(ARCH, scope)
    torch.manual_seed(0)
    torch.save({"state_dict": scope["build"]().state_dict()}, folder / "model.pth")
    (folder / "empty.pth").touch()
    (folder / "text.pth").write_text("these are not the weights\n")
    (folder / "truncated.pth").write_bytes((folder / "model.pth").read_bytes()[:1500])
    (folder / "folder.pth").mkdir()
    (folder / "image.pth").write_bytes(next(resource("model_zoo").glob("photos/*.png")).read_bytes())
    return folder


def test_a_checkpoint_becomes_a_bundle(place, tmp_path):
    done = convert(
        place / "model.pth", "--arch", f"{place / 'arch.py'}:build", "--input", "1x3x12x12", "-o", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out")
    for number, step in enumerate(STEPS, 1):
        assert f"[{number}/8] {step}" in done.stderr
    assert "next: python" in done.stderr
    verified = convert("verify", tmp_path / "out", "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["ok"] is True
    checked = convert("check", tmp_path / "out", "--json")
    assert checked.returncode == 0, checked.stderr
    assert {node["op"] for node in json.loads(checked.stdout)["nodes"]} >= {"Conv", "Gemm"}


@pytest.mark.parametrize(
    ("checkpoint", "options", "message"),
    [
        pytest.param("nothing.pth", (), "does not exist", id="missing"),
        pytest.param("folder.pth", (), "folder", id="directory"),
        pytest.param("empty.pth", (), "empty", id="empty"),
        pytest.param("text.pth", (), "text", id="text"),
        pytest.param("image.pth", (), "PNG", id="image"),
        pytest.param("truncated.pth", (), "", id="truncated"),
        pytest.param("model.pth", ("--arch", "ARCH:missing"), "build", id="no-such-callable"),
        pytest.param("model.pth", ("--arch", "timm:resnet999"), "resnet999", id="no-such-model"),
        pytest.param("model.pth", ("--arch", "nonsense"), "nonsense", id="no-arch-form"),
        pytest.param("model.pth", (), "--arch", id="no-arch"),
        pytest.param(
            "model.pth",
            ("--arch", "ARCH:build", "--arch-args", '{"classes": 9}'),
            "3.weight 3x4, not 9x4",
            id="wrong-arch",
        ),
        pytest.param("model.pth", ("--arch", "ARCH:build", "--arch-args", "{"), "JSON", id="arch-args"),
        pytest.param("model.pth", ("--arch", "ARCH:build", "--input", "1x4x12x12"), "1x4x12x12", id="input"),
        pytest.param(
            "model.pth", ("--arch", "ARCH:build", "--input", "big"), "'big' is not an input shape", id="shape"
        ),
        pytest.param(
            "model.pth", ("--arch", "ARCH:build", "--target", "1.2.3"), "'1.2.3' is not an OpenCV", id="target"
        ),
        pytest.param(
            "model.pth",
            ("--arch", "ARCH:build", "--input", "1x3x12x12", "-o", "arch.py/x"),
            "cannot be written",
            id="out",
        ),
        pytest.param("model.pth", ("--arch", "ARCH:build", "--frobnicate"), "No such option", id="option"),
    ],
)
def test_bad_input_is_one_clear_message(place, checkpoint, options, message):
    before = inside(place)
    options = [option.replace("ARCH", str(place / "arch.py")) for option in options]
    done = convert(checkpoint, *options, cwd=place)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert inside(place) == before


def inside(folder):
    """What a folder holds, but for what Python keeps of modules that it imported."""
    return sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")


def test_lua_torch7_is_recognised(tmp_path):
    # Lua Torch7's binary serialisation: a torch object (4), its index, then the version string of its class
    head = b"".join(np.int32(n).tobytes() for n in (4, 1, 3)) + b"V 1" + np.int32(13).tobytes() + b"nn.Sequential"
    (tmp_path / "old.t7").write_bytes(head + bytes(64))
    done = convert(tmp_path / "old.t7")
    assert done.returncode == 2
    assert "Torch7" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_gate_exits_3(place, tmp_path):
    options = ("--arch", f"{place / 'arch.py'}:build", "--input", "1x3x12x12", "--tolerance", "1e-14")
    done = convert(place / "model.pth", *options, "-o", tmp_path / "out")
    assert done.returncode == 3, done.stderr
    assert "MismatchError: the converted model does not give PyTorch's numbers" in done.stderr
    assert "relative error" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unsafe_checkpoint_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    done = convert(tmp_path / "evil.pth", "--arch", "timm:resnet18")
    assert done.returncode == 2
    assert "UnsafeCheckpointError" in done.stderr
    assert "open" in done.stderr
    assert "--trust" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_conversion_leaves_nothing(place, tmp_path, sent):
    options = ["--arch", f"{place / 'arch.py'}:build", "--input", "1x3x12x12", "-o", str(tmp_path / "out")]
    command = [sys.executable, "-m", "converter", str(place / "model.pth"), *options]
    # a background job of a shell ignores SIGINT, and hands that on to its children
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **heard) as running:
        while "[1/8]" not in (line := running.stderr.readline()):
            assert line, "it ended before it could be stopped"
        while not list(tmp_path.iterdir()):  # until the bundle's folder is being written beside
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(sent)
        running.communicate(timeout=60)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[sent]
    assert list(tmp_path.iterdir()) == []


def test_check_says_what_does_not_run(tmp_path):
    import onnx_ir as ir

    from tests.onnx_text import graph

    ir.save(graph("(float[2,3] x) => (float[2,3] y) { a = Relu(x)\ny = Bernoulli(a) }"), tmp_path / "model.onnx")
    done = convert("check", tmp_path / "model.onnx")
    assert done.returncode == 3, done.stderr
    assert "Bernoulli" in done.stdout.splitlines()[3]
    assert "Relu" in done.stdout


@pytest.mark.parametrize("what", ["text.pth", "nothing.onnx"])
def test_check_refuses_what_is_no_onnx(place, what):
    done = convert("check", place / what)
    assert done.returncode == 2
    assert "cannot be read as an ONNX model" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_are_the_apis_parameters():
    """Same names, same defaults; on the command line `example` is --input, `targets` --target, and JSON comes as text."""
    renamed = {"input": "example", "target": "targets"}
    api = inspect.signature(converter.convert).parameters
    command = inspect.signature(cli.model_command).parameters
    assert {renamed.get(name, name) for name in command} == set(api) - {"progress"}
    for name, parameter in command.items():
        default = api[renamed.get(name, name)].default
        if name not in ("target", "arch_args"):
            assert parameter.default == default, name


def test_help_teaches_and_loads_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from converter import cli;"
        "text = CliRunner().invoke(cli.app, ['--help']).output; print(text);"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'cv2', 'onnx_ir', 'timm'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for word in ("CHECKPOINT", "demo", "check", "verify", "targets", "Exit codes"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "command", [[], ["--help"], ["model", "--help"], ["targets", "--help"], ["--version"], ["targets"]]
)
def test_every_command_explains_itself(command):
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == (2 if command == [] else 0)
    assert result.output.strip()


def test_public_names_are_exact():
    for name in converter.__all__:
        assert getattr(converter, name) is not None
    assert sorted(converter.__all__) == dir(converter)
    with pytest.raises(AttributeError):
        converter.nonsense  # noqa: B018
    assert isinstance(nn.ReLU(), nn.Module)
