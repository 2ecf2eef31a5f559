"""deploy.py as it is generated: run as a program where `converter` cannot be imported, and used as a module."""

from __future__ import annotations

import ast
import importlib
import json
import sys

import numpy as np
import pytest

from converter.compare import compare
from converter.deploy import TensorInfo, render_deploy
from converter.deploy_runtime import golden as golden_module
from converter.deploy_runtime.about import CannotRunError
from converter.deploy_runtime.golden import probe_in_child, relative_error
from converter.errors import InputError
from converter.render import import_block, paste
from tests.deploy_bundle import HERE, INPUTS, OUTPUTS, PREPROCESS, deploy, load_module, verified, write_bundle


def tamper_golden(folder):
    with np.load(folder / "golden.npz") as arrays:
        changed = {name: array * 1.5 if name.startswith("output:1:") else array for name, array in arrays.items()}
    np.savez(folder / "golden.npz", **changed)


# --- the text ---------------------------------------------------------------------------------------------------------


def test_the_script_needs_the_standard_library_and_numpy_at_start(bundle):
    tree = ast.parse((bundle / "deploy.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"numpy"}


def test_the_template_is_glue():
    from converter.resources import resource

    assert len((resource("templates") / "deploy.py.j2").read_text(encoding="utf-8").splitlines()) < 80


def test_imports_are_merged_and_sorted():
    statements = [
        "import numpy as np", "from typing import Any", "import sys", "from __future__ import annotations",
        "from collections.abc import Sequence", "import cv2", "import sys", "from collections.abc import Mapping",
        "import importlib.util",
    ]  # fmt: skip
    assert import_block(statements) == (
        "from __future__ import annotations\n\nimport importlib.util\nimport sys\n"
        "from collections.abc import Mapping, Sequence\nfrom typing import Any\n\nimport cv2\nimport numpy as np"
    )


def test_names_that_are_set_together_are_pasted_once(tmp_path, monkeypatch):
    text = "LOW, HIGH = 3, 4\nALONE = 5\nl = 1  # noqa: E741\n\n\n"
    text += "def total():\n    return LOW + HIGH + ALONE + l  # noqa: B905\n"
    (tmp_path / "set_together.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    body = paste([importlib.import_module("set_together").total]).body
    scope = {}
    exec(body, scope)
    assert (scope["total"](), body.count("LOW, HIGH = 3, 4")) == (13, 1)
    assert "noqa: B905" not in body  # ours alone
    assert "l = 1  # noqa: E741" in body


HOSTILE = [
    "it's", '"quoted"', "'''", '"""', "{{ 7 * 7 }}", "{% raw %}", "back\\slash", "new\nline", "a\r\n\tb", "\x00\x1b[2J",
    "naïve 日本 🙂", "\u2028\u202e", "\\N{BULLET}", "'); import os; os._exit(3) #", "%s %(x)d {0} {x}", "", "x" * 500, "\\",
]  # fmt: skip


def test_hostile_texts_are_harmless(tmp_path, picture):
    classes = len(HOSTILE)
    folder = write_bundle(
        tmp_path / "bundle",
        opencv=[{**verified("1.2.3", "numpy", HOSTILE[13]), "extra": object()}],
        labels=[*HOSTILE[:3], HOSTILE[13]],
        name="'''\"\"\" {{ name }} \n %d",
        tool_version=HOSTILE[3],
    )
    found = deploy(folder, str(picture), "--json", "--backend", "numpy")
    assert found.returncode == 0, found.stderr
    labels = {c["label"] for c in json.loads(found.stdout)[0]["result"]["classes"]}
    assert labels == {*HOSTILE[:3], HOSTILE[13]}
    assert deploy(folder, "--help").returncode == 0
    (folder / "deploy.py").write_text(
        render_deploy(
            name="n", inputs=INPUTS, outputs=[TensorInfo(text, (1, classes)) for text in HOSTILE], preprocess=PREPROCESS,
            task="classification", task_settings={}, labels=HOSTILE, opencv=[], tolerance=1e-4, tool_version="0",
        ),
        encoding="utf-8",
    )  # fmt: skip
    about = load_module(folder).ABOUT
    assert about.labels == HOSTILE
    assert about.output_names == HOSTILE


def test_unknown_settings_are_refused():
    with pytest.raises(InputError, match="has no setting colour"):
        render_deploy(
            name="n", inputs=INPUTS, outputs=OUTPUTS, preprocess=None, task="raw", task_settings={"colour": 1}, labels=None,
            opencv=[], tolerance=1e-4, tool_version="0",
        )  # fmt: skip


# --- --self-test ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["auto", "opencv", "numpy"])
def test_self_test_passes(bundle, backend):
    found = deploy(bundle, "--self-test", "--backend", backend)
    assert (found.returncode, found.stderr) == (0, "")
    lines = found.stdout.splitlines()
    assert lines[0] == "tiny: 2 golden inputs, tolerance 0.0001"
    titles = [f"NumPy {np.__version__}"] if backend == "numpy" else [f"OpenCV {HERE}", f"NumPy {np.__version__}"]
    assert [line.split(":")[0] for line in lines[1:-1]] == titles
    assert all(line.endswith("  OK") for line in lines[1:-1])
    assert lines[-1] == f"self-test passed: {titles[0]} gives PyTorch's numbers"


def test_self_test_as_json(bundle):
    report = json.loads(deploy(bundle, "--self-test", "--json").stdout)
    assert (report["ok"], report["used"], report["reason"], report["samples"]) == (True, "opencv", None, 2)
    assert report["backends"]["opencv"]["errors"]["scores"] < 1e-5


def test_self_test_fails_on_other_numbers(copied):
    """The second sample is off, so the first alone would not show it."""
    tamper_golden(copied)
    found = deploy(copied, "--self-test")
    assert found.returncode == 1
    assert found.stdout.splitlines()[1:] == [
        f"OpenCV {HERE}: scores 3.33e-01  FAIL",
        f"NumPy {np.__version__}: scores 3.33e-01  FAIL",
        f"OpenCV {HERE}: it gives other numbers than PyTorch (scores: off by 0.33, allowed 0.0001); using NumPy",
        f"self-test FAILED: NumPy {np.__version__} does NOT give PyTorch's numbers",
    ]


def test_self_test_with_a_broken_model(copied):
    (copied / "model.onnx").write_bytes(b"\x08\x08garbage")
    found = deploy(copied, "--self-test")
    assert found.returncode == 0
    lines = found.stdout.splitlines()
    assert lines[1].startswith(f"OpenCV {HERE}: FAIL (it cannot read model.onnx (")
    assert lines[3].startswith(f"OpenCV {HERE}: it cannot read model.onnx (") and lines[3].endswith("; using NumPy")
    assert lines[4] == f"self-test passed: NumPy {np.__version__} gives PyTorch's numbers"
    forced = deploy(copied, "--self-test", "--backend", "opencv")
    assert forced.returncode == 1
    assert forced.stdout.splitlines()[-1] == f"self-test FAILED: OpenCV {HERE} does NOT give PyTorch's numbers"


def test_a_version_that_was_not_met_runs_numpy(tmp_path, picture):
    folder = write_bundle(tmp_path / "bundle", opencv=[verified(HERE, "numpy", "crashes: SIGSEGV")])
    found = deploy(folder, "--self-test")
    assert found.returncode == 0
    reason = f"OpenCV {HERE}: this network does not run right there (crashes: SIGSEGV); using NumPy"
    assert reason in found.stdout.splitlines()
    found = deploy(folder, str(picture))
    assert (found.returncode, found.stderr.splitlines()[:2]) == (0, [reason, f"tiny with NumPy {np.__version__}"])


def test_an_unverified_version_is_tried_in_a_child(tmp_path, picture):
    folder = write_bundle(tmp_path / "bundle", opencv=[verified("1.2.3")])
    found = deploy(folder, str(picture))
    assert (found.returncode, found.stderr.splitlines()[0]) == (0, f"tiny with OpenCV {HERE}")
    assert deploy(folder, "--self-test").stdout.splitlines()[-1] == (
        f"self-test passed: OpenCV {HERE} gives PyTorch's numbers"
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os; print('noise', flush=True); os.abort()", "it crashes on this network (exit code -6)"),
        ("import time; time.sleep(60)", "it gives no answer in 2 s"),
        ('print(\'{"probe": {}, "problem": "it cannot"}\')', "it cannot"),
        ('print(\'{"probe": {"y": "inf"}, "problem": null}\')', None),
    ],
    ids=["crash", "hang", "problem", "numbers"],
)
def test_a_child_that_dies_is_an_answer(tmp_path, monkeypatch, script, reason):
    monkeypatch.setattr(golden_module, "PROBE_SECONDS", 2)
    (tmp_path / "deploy.py").write_text(script, encoding="utf-8")
    if reason is None:
        assert probe_in_child(tmp_path / "deploy.py", tmp_path, "first") == {"y": float("inf")}
        return
    with pytest.raises(CannotRunError) as raised:
        probe_in_child(tmp_path / "deploy.py", tmp_path, "first")
    assert str(raised.value) == reason


@pytest.mark.parametrize("seed", range(30))
def test_relative_error_is_the_converters(seed):
    """The deployed comparison and the converter's own say the same, NaN and infinity included."""
    rng = np.random.default_rng(seed)
    special = [0.0, 1.0, -2.5, 3.0, np.nan, np.inf, -np.inf]
    shape = tuple(rng.integers(0, 3, 2))
    a, b = (rng.choice(special[: int(rng.integers(1, 8))], shape) for _ in range(2))
    a = b if rng.random() < 0.3 else a
    assert relative_error(a, b) == compare(a, b).relative
    assert relative_error(np.zeros(3), np.zeros(4)) == float("inf")


# --- other OpenCVs ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("version", ["4.10.0"])
def test_on_another_opencv(bundle, picture, target_env, version):
    """The environment holds opencv-python-headless and NumPy, nothing else."""
    python = target_env(version)
    found = deploy(bundle, "--self-test", python=python)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.splitlines()[-1] == f"self-test passed: OpenCV {version} gives PyTorch's numbers"
    assert deploy(bundle, str(picture), "--json", python=python).returncode == 0
