import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize(
    ("before", "axes", "after"),
    [("1,2,3", [0], "2,3"), ("2,3,1", [-1], "2,3"), ("2,1,3,1", [1, 3], "2,3"), ("2,1,3,1", None, "2,3")],
)
def test_changes(before, axes, after, rng, opencv):
    call = "x" if axes is None else "x, a"
    constants = {} if axes is None else {"a": np.array(axes, np.int64)}
    model = changes(
        "squeeze_by_reshape", f"(float[{before}] x) => (float[{after}] y) {{ y = Squeeze({call}) }}", rng, **constants
    )
    assert ops(model) == ["Reshape"]
    assert opencv(model, drawn(model, rng)) == 0


def test_opencv_runs_it_behind_a_convolution(rng, opencv):
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 3, 3), (4, 8)))
    text = """(float[1,3,8,8] x) => (float[1,4] y) {
        a = Conv<kernel_shape=[3,3]>(x, w0)
        p = GlobalAveragePool(a)
        q = Squeeze(p, axes)
        y = Gemm<transB=1>(q, w1) }"""
    model = changes("squeeze_by_reshape", text, rng, w0=w0, w1=w1, axes=np.array([2, 3], np.int64))
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(float[n,3,1] x) => (float[n,3] y) { y = Squeeze(x, a) }"
    reason = "the shape of the output is not known ([n,3]); fix the input shapes first"
    assert declines("squeeze_by_reshape", text, a=np.array([2], np.int64)) == reason
