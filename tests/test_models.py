"""Real architectures, from a state dict on disk through the command line to a self-test where only cv2 and NumPy are.

Random weights: none can be downloaded here. Each model is deleted when it is done.
"""

import json
import re
import shutil
import subprocess
import sys

import pytest

from converter.checkpoint.architecture import build
from converter.zoo import recipes

TARGETS = ("4.10.0", "5.0.0")
MODELS = [
    "timm:resnet18",
    "timm:mobilenetv3_small_100",
    "timm:efficientnet_b0",
    "timm:convnext_atto",
    "timm:vit_tiny_patch16_224",
    "timm:ghostnet_100",
    "torchvision:deeplabv3_mobilenet_v3_large",
    "torchvision:lraspp_mobilenet_v3_large",
]


@pytest.mark.slow
@pytest.mark.parametrize("arch", MODELS)
def test_from_a_state_dict_to_a_self_test(arch, tmp_path, target_env):
    import torch

    interpreters = {version: target_env(version) for version in TARGETS}
    torch.save(build(arch).module.state_dict(), tmp_path / "weights.pth")
    command = [
        sys.executable,
        "-m",
        "converter",
        "weights.pth",
        "--arch",
        arch,
        "--input",
        "1x3x224x224",
        "-o",
        "bundle",
    ]
    for version in TARGETS:
        command += ["--target", version]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    checks = {(check["backend"], check["target"]): check for check in facts["verification"]["checks"]}
    assert set(checks) == {("onnxruntime", None), ("numpy", None), *(("opencv", version) for version in TARGETS)}
    for check in checks.values():
        assert check["status"] == "ok", check
        assert check["worst"] <= 1e-4
        assert check["argmax_agreement"] in (1.0, None)
    assert facts["flags"] == []
    for version, python in interpreters.items():
        tested = subprocess.run(
            [python, "-I", "-B", "deploy.py", "--self-test"],
            cwd=tmp_path / "bundle",
            capture_output=True,
            text=True,
            check=False,
        )
        assert tested.returncode == 0, tested.stdout + tested.stderr
        assert re.search(rf"self-test passed: OpenCV {re.escape(version)} gives PyTorch's numbers", tested.stdout)
    shutil.rmtree(tmp_path)


def test_each_has_a_recipe():
    names = set(recipes())
    for arch in MODELS:
        assert arch.split(":")[1] in names


def test_a_bare_environment_has_nothing_but_opencv_and_numpy(target_env):
    """What the self-tests above stand for: no torch, no onnx, no converter."""
    for version in TARGETS:
        found = "[name for name in ('torch', 'onnx', 'converter') if importlib.util.find_spec(name)]"
        code = f"import cv2, numpy, importlib.util; print({found})"
        done = subprocess.run([target_env(version), "-I", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
