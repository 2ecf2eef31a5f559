"""cv2 in a child process: results, refusals, crashes and hangs are all answers."""

import re

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


WRAPPED = (
    "error: OpenCV(4.10.0) /io/opencv/modules/dnn/src/onnx/onnx_importer.cpp:1057: error: (-2:Unspecified error) in function "
    "'handleNode'\n> Node [{op}@ai.onnx]:({name}) parse error: OpenCV(4.10.0) /io/opencv/modules/dnn/src/{inner}\n> "
)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        pytest.param(
            "error: OpenCV(4.5.5) /io/opencv/modules/dnn/src/net.cpp:104: error: (-215:Assertion failed) !empty() "
            "in function 'forward'\n",
            "Assertion failed: !empty() (net.cpp:104 forward)",
            id="plain",
        ),
        pytest.param(
            WRAPPED.format(
                op="Size",
                name="onnx_node_output_0!rank",
                inner="net_impl.hpp:108: error: (-2:Unspecified error) "
                'Can\'t create layer "onnx_node_output_0!rank" of type "Size" in function \'getLayerInstance\'',
            ),
            "Size 'rank': Can't create layer of type \"Size\" (net_impl.hpp:108 getLayerInstance)",
            id="the-reason-of-a-wrapped-error",
        ),
        pytest.param(
            WRAPPED.format(
                op="ReduceL1",
                name="onnx_node!ReduceL1",
                inner="layers/reduce_layer.cpp:104: error: (-2:Unspecified error) in function 'virtual bool "
                "cv::dnn::ReduceLayerImpl::getMemoryShapes(const std::vector<int>&, int) const'\n> > Axis must be 0 when "
                "input is empty. (expected: 'axes[0] == 0'), where\n> >     'axes[0]' is 1\n> > must be equal to\n> >     "
                "'0' is 0",
            ),
            "ReduceL1: Axis must be 0 when input is empty. (expected: 'axes[0] == 0'), where 'axes[0]' is 1 must be equal "
            "to '0' is 0 (reduce_layer.cpp:104 getMemoryShapes)",
            id="a-check-with-its-values",
        ),
        pytest.param(
            WRAPPED.format(
                op="Conv",
                name="/stem/Conv (1)",
                inner="layers/layers_common.cpp:91: error: (-5:Bad argument) kernel_size (or kernel_h and kernel_w) not "
                "specified in function 'getKernelSize'",
            ),
            "Conv '/stem/Conv (1)': Bad argument: kernel_size (or kernel_h and kernel_w) not specified "
            "(layers_common.cpp:91 getKernelSize)",
            id="names-with-brackets",
        ),
        pytest.param(
            "error: OpenCV(4.8.1) :-1: error: (-5:Bad argument) in function 'setInput'\n> Overload resolution failed:\n"
            ">  - blob data type = 0 is not supported\n>  - Expected Ptr<cv::UMat> for argument 'blob'\n",
            "Bad argument: Overload resolution failed: - blob data type = 0 is not supported - Expected Ptr<cv::UMat> for "
            "argument 'blob' (setInput)",
            id="of-the-bindings",
        ),
        pytest.param("RuntimeError: no array for the outputs ['y']", None, id="not-opencvs"),
        pytest.param("the process died of SIGSEGV (step: run)", None, id="a-death"),
    ],
)
def test_error_texts_keep_the_reason(text, short):
    assert shorten(text) == (short or text)


@pytest.mark.parametrize(
    ("one", "other", "short"),
    [
        pytest.param(
            "OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 94035600 bytes in function 'f'",
            "OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 1184 bytes in function 'f'",
            "Insufficient memory: Failed to allocate # bytes (alloc.cpp:73 f)",
            id="bytes",
        ),
        pytest.param("no array at 0x7f00aa12", "no array at 0x55d", "no array at #", id="addresses"),
        pytest.param(
            "can't read /dev/shm/torch2cv-x_1a/input0.npz",
            "can't read /var/x/torch2cv-9/input0.npz",
            "can't read input0.npz",
            id="temporary-names",
        ),
        pytest.param("'dim' is -6510615555426900571", "'dim' is 11936128518282651045", "'dim' is #", id="unwritten-memory"),
    ],
)  # fmt: skip
def test_error_texts_are_the_same_again(one, other, short):
    assert shorten(one) == shorten(other) == short


def test_error_texts_are_short():
    assert shorten("x" * 1000) == "x" * 299 + "…"
    long = WRAPPED.format(
        op="Relu", name="n" * 500, inner=f"a.cpp:1: error: (-5:Bad argument) why {'x' * 500} in function 'f'"
    )
    assert shorten(long) == f"Relu '{'n' * 74}…': Bad argument: why {'x' * 185}… (a.cpp:1 f)"
    assert len(shorten(long)) == 300


def test_errors_of_an_importer_say_why(worker):
    run = worker.run(blob("(float[1,4] x) => (float[1,4] y) { y = NoSuchOp(x) }"), [{"x": np.ones((1, 4), "f")}], ["y"])
    assert run.status.startswith("fails")
    assert re.fullmatch(r"\w[^\n]* \([\w.]+pp:\d+ \w+\)", run.error)
    assert "OpenCV(" not in run.error
