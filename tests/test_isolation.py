"""What a model does to its process is no other model's affair: memory, crashes and hangs end with the job."""

import sys
import time
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from converter.opencv import OpenCVWorker
from converter.targets import Target, default_targets
from tests.onnx_text import graph

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and limits a process's address space")

GIB = 1 << 30


def blob(text, **constants):
    return ir.to_proto(graph(text, **constants)).SerializeToString()


def resized(size, mode="nearest"):
    text = f'(float[1,1,8,8] x) => (float[1,1,{size},{size}] y) {{ y = Resize<mode="{mode}">(x, , , s) }}'
    return blob(text, s=np.array([1, 1, size, size], np.int64))


SAMPLES = [{"x": np.ones((1, 1, 8, 8), "f")}]


def test_a_runaway_fails_and_the_next_job_runs():
    with OpenCVWorker(default_targets()[0], memory=GIB) as worker:
        for size in (20_000, 1_000_000):  # 1.6 GB: this machine has that, the model may not; 4 TB: no machine has
            run = worker.run(resized(size), SAMPLES, ["y"])
            assert run.status == "fails at run"
            assert "Insufficient memory" in run.error
        run = worker.run(resized(16), SAMPLES, ["y"])
    assert run.status == "ran"
    np.testing.assert_array_equal(run.outputs[0]["y"], np.ones((1, 1, 16, 16), "f"))


def test_what_fits_runs():
    with OpenCVWorker(default_targets()[0], memory=GIB) as worker:
        assert worker.run(resized(5_000), SAMPLES, ["y"]).status == "ran"  # 100 MB


def test_without_a_limit():
    with OpenCVWorker(default_targets()[0], memory=None) as worker:
        assert worker.run(resized(16), SAMPLES, ["y"]).status == "ran"


def test_a_hang_leaves_no_process_behind():
    memory = 4 * GIB + 4711  # its mark: forks have the command line of their parent

    def alive():
        marked = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(memory).encode() in file.read_bytes():
                    marked.append(file)
            except OSError:  # gone meanwhile
                continue
        return marked

    with OpenCVWorker(default_targets()[0], memory=memory, timeout=60) as worker:
        worker.run(resized(16), SAMPLES, ["y"])
        worker.timeout = 0.01
        run = worker.run(resized(20_000, "linear"), SAMPLES, ["y"])  # takes a second
        assert run.status == "timeout"
        deadline = time.monotonic() + 10
        while alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert alive() == []


@pytest.mark.skipif(default_targets()[0] != Target("5.0.0", "new"), reason="which model crashes was measured on 5.0.0")
def test_a_crash_takes_the_job_only():
    # the importer's Celu pattern follows a scale that is no constant into nothing
    text = "{ a = CastLike(alpha, x)\nb = Div(x, a)\nc = Elu(b)\ny = Mul(a, c) }"
    crashing = blob(f"(float[1,4] x) => (float[1,4] y) {text}", alpha=np.float32(2))
    with OpenCVWorker(default_targets()[0], timeout=60) as worker:
        worker.run(resized(16), SAMPLES, ["y"])
        before = worker._process
        assert str(worker.run(crashing, [], [])) == "crashes: the process died of SIGSEGV (step: load)"
        assert worker.run(resized(16), SAMPLES, ["y"]).status == "ran"
        assert worker._process is before
