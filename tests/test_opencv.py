"""cv2 in a child process: results, refusals, crashes and hangs are all answers."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.opencv import OpenCVWorker, shorten
from converter.targets import Target, default_targets
from tests.onnx_text import graph


@pytest.fixture(scope="module")
def worker():
    with OpenCVWorker(default_targets()[0], timeout=60) as running:
        yield running


def blob(text, **constants):
    return ir.to_proto(graph(text, **constants)).SerializeToString()


def test_runs_every_sample_by_name(worker):
    model = blob("(float[1,4] a, float[1,4] b) => (float[1,4] y, float[1,4] z) { y = Sub(a, b)\nz = Add(a, b) }")
    samples = [{"a": np.full((1, 4), i, "f"), "b": np.full((1, 4), 10, "f")} for i in range(3)]
    run = worker.run(model, samples, ["z", "y"])
    assert run.status == "ran"
    assert [float(outputs["y"].ravel()[0]) for outputs in run.outputs] == [-10, -9, -8]
    assert [float(outputs["z"].ravel()[0]) for outputs in run.outputs] == [10, 11, 12]


def test_what_is_no_model_fails_at_load(worker):
    run = worker.run(b"not a model", [], [])
    assert run.status == "fails at load"
    assert "model.onnx" in run.error  # and not the temporary file's name, which changes every time
    assert "torch2cv-" not in run.error


@pytest.mark.skipif(default_targets()[0] != Target("5.0.0", "new"), reason="which model crashes was measured on 5.0.0")
def test_a_crash_is_a_result_and_the_next_job_runs(worker):
    # the importer's Celu pattern follows a scale that is no constant into nothing
    text = "{ a = CastLike(alpha, x)\nb = Div(x, a)\nc = Elu(b)\ny = Mul(a, c) }"
    crashing = blob(f"(float[1,4] x) => (float[1,4] y) {text}", alpha=np.float32(2))
    run = worker.run(crashing, [], [])
    assert str(run) == "crashes: the process died of SIGSEGV (step: load)"
    again = worker.run(blob("(float[1,4] x) => (float[1,4] y) { y = Relu(x) }"), [{"x": np.ones((1, 4), "f")}], ["y"])
    assert again.status == "ran"


def test_a_hang_ends_at_the_limit():
    with OpenCVWorker(default_targets()[0], timeout=0.01) as worker:  # even importing cv2 takes longer
        run = worker.run(blob("(float[1,4] x) => (float[1,4] y) { y = Relu(x) }"), [{"x": np.ones((1, 4), "f")}], ["y"])
    assert run.status == "timeout"
    assert run.error == "no answer in 0 s (step: load)"


def test_error_texts_lose_the_build_machine():
    text = "OpenCV(4.10.0) /io/opencv/modules/dnn/src/onnx/onnx_importer.cpp:1057: error: (-2:Unspecified error)\n in x"
    assert shorten(text) == "OpenCV(4.10.0) src/onnx/onnx_importer.cpp:1057: error: (-2:Unspecified error) in x"
    assert len(shorten("x" * 1000)) == 300
