"""torchvision's models import here, whatever torch stands beside it, and so they do in a child process."""

from __future__ import annotations

import subprocess
import sys

CODE = "import torchvision; print(torchvision.models.resnet18(num_classes=7).fc.out_features)"


def test_models_import_in_this_process():
    import torchvision

    assert torchvision.models.resnet18(num_classes=7).fc.out_features == 7


def test_models_import_in_a_child_process():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_an_interpreter_without_torch_starts_as_ever(target_env):
    """The shim is on every child's path; one that has only OpenCV and NumPy must not notice."""
    code = "import sys, cv2; print(cv2.__version__, 'torch' in sys.modules)"
    done = subprocess.run([str(target_env("4.10.0")), "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("4.10.0 False\n", "")
