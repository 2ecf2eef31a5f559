import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("shape", ["", "7", "2,3", "2,3,5,7", "1,2,3,5,7"])
def test_changes(shape, rng):
    kind = f"float[{shape}]" if shape else "float"
    model = changes("split_hard_swish", f"({kind} x) => ({kind} y) {{ y = HardSwish(x) }}", rng)
    assert ops(model) == ["HardSigmoid", "Mul"]


def test_the_ends(rng):
    x = np.array([-1e30, -3, -2.9999998, -1e-30, 0, 1e-30, 2.9999998, 3], np.float32)
    changes("split_hard_swish", "(float[8] x) => (float[8] y) { y = HardSwish(x) }", rng, feeds={"x": x})
    changes("split_hard_swish", "(float[8] x) => (float[8] y) { y = HardSwish(x) }", rng, feeds={"x": -x})


def test_opencv_runs_it_between_convolutions(rng, opencv):
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 3, 3), (5, 8, 1, 1)))
    model = changes(
        "split_hard_swish",
        """(float[1,3,8,8] x) => (float[1,5,6,6] y) {
            a = Conv<kernel_shape=[3,3]>(x, w0)
            m = HardSwish(a)
            y = Conv<kernel_shape=[1,1]>(m, w1) }""",
        rng,
        w0=w0,
        w1=w1,
    )
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(double[2,3] x) => (double[2,3] y) { y = HardSwish(x) }"
    assert declines("split_hard_swish", text) == "the input is DOUBLE, only FLOAT was measured"
