"""cv2.dnn as deploy.py uses it, also in builds of cv2 that lack their Python half."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from tests.onnx_text import graph

REPO = Path(__file__).resolve().parents[2]
SYSTEM = Path("/usr/bin/python3")

RUN = """
import sys
import cv2
import numpy as np
if sys.argv[3] == "without":
    del cv2.Mat
from converter.deploy_runtime.backends import as_blob, read_net
net = read_net(__import__("pathlib").Path(sys.argv[1]), "classic")
for number, array in enumerate(np.load(sys.argv[2])[key] for key in ("first", "second")):  # told twice, it still knows
    net.setInput(as_blob(array), "x")
    np.save("%s.%d.npy" % (sys.argv[2], number), net.forward("y"))
print(type(as_blob(array)).__name__)
"""


def run(python, tmp_path, *, mat):
    """What that interpreter's cv2 makes of y = x + 1 with three axes: the kind of blob, and the answers."""
    model = ir.to_proto(graph("(float[2,3,4] x) => (float[2,3,4] y) { y = Add(x, one) }", one=np.ones((2, 3, 4), "f")))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    first = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.savez(tmp_path / "x.npz", first=first, second=-first)
    done = subprocess.run(
        [str(python), "-B", "-c", RUN, str(tmp_path / "model.onnx"), str(tmp_path / "x.npz"), mat],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for number, sign in enumerate((1, -1)):
        np.testing.assert_array_equal(np.load(tmp_path / f"x.npz.{number}.npy"), sign * first + 1)
    return done.stdout.strip()


@pytest.mark.parametrize(("mat", "kind"), [("with", "Mat"), ("without", "Blob")])
def test_three_axes_are_three_axes(tmp_path, mat, kind):
    assert run(sys.executable, tmp_path, mat=mat) == kind


def _system_cv2():
    """What the system's Python says of its cv2, or nothing."""
    if not SYSTEM.exists():
        return ""
    code = "import cv2; print(cv2.__version__, 'with' if hasattr(cv2, 'Mat') else 'without')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(SYSTEM), "-c", code], capture_output=True, text=True, check=False, env=environment)
    return done.stdout.strip()


def test_the_systems_own_opencv(tmp_path):
    if not _system_cv2().endswith("without"):
        pytest.skip(
            f"{SYSTEM} has no cv2 that lacks cv2.Mat (python3-opencv of Debian 12): {_system_cv2() or 'no cv2'}"
        )
    assert run(SYSTEM, tmp_path, mat="as it is") == "Blob"
