import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

GATE = """(float[1,3,8,8] x) => (float[1,5,6,6] y) {
        a = Conv<kernel_shape=[3,3]>(x, w0)
        r = Relu(a)
        p = GlobalAveragePool(r)
        g = Conv<kernel_shape=[1,1]>(p, w1)
        s = HardSigmoid<alpha=0.16666667, beta=0.5>(g)
        m = Mul(r, s)
        y = Conv<kernel_shape=[1,1]>(m, w2) }"""


@pytest.mark.parametrize("shape", ["", "7", "2,3", "2,3,5,7", "1,2,3,5,7"])
@pytest.mark.parametrize("alpha", [0.16666667, 0.2, 1.0])
def test_changes(shape, alpha, rng):
    kind = f"float[{shape}]" if shape else "float"
    text = f"({kind} x) => ({kind} y) {{ y = HardSigmoid<alpha={alpha}, beta=0.5>(x) }}"
    assert ops(changes("scale_hard_sigmoid", text, rng, scale=4)) == ["Mul", "HardSigmoid"]


def test_opencv_keeps_both_factors_of_a_gate(rng, opencv):
    w0, w1, w2 = (rng.standard_normal(s).astype(np.float32) for s in ((8, 3, 3, 3), (8, 8, 1, 1), (5, 8, 1, 1)))
    model = changes("scale_hard_sigmoid", GATE, rng, w0=w0, w1=w1, w2=w2)
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("attributes", ["", "<alpha=0.3>", "<beta=0.25>", "<alpha=-0.5, beta=0.75>"])
def test_other_attributes_and_defaults(attributes, rng):
    text = f"(float[2,3,4] x) => (float[2,3,4] y) {{ y = HardSigmoid{attributes}(x) }}"
    changes("scale_hard_sigmoid", text, rng, scale=4)


def test_declines():
    text = "(double[2,3] x) => (double[2,3] y) { y = HardSigmoid(x) }"
    assert declines("scale_hard_sigmoid", text) == "the input is DOUBLE, only FLOAT was measured"
