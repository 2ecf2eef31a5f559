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
    assert ops(changes("drop_hard_sigmoid_beta", text, rng, scale=4)) == ["HardSigmoid"]


def test_opencv_keeps_both_factors_of_a_gate(rng, opencv):
    w0, w1, w2 = (rng.standard_normal(s).astype(np.float32) for s in ((8, 3, 3, 3), (8, 8, 1, 1), (5, 8, 1, 1)))
    model = changes("drop_hard_sigmoid_beta", GATE, rng, w0=w0, w1=w1, w2=w2)
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_the_rest_of_the_node_stays(rng):
    text = "(float[4] x) => (float[4] y) { y = HardSigmoid<alpha=0.3, beta=0.5>(x) }"
    (node,) = changes("drop_hard_sigmoid_beta", text, rng).graph
    assert dict(node.attributes) == {"alpha": node.attributes["alpha"]}
    assert node.attributes.get_float("alpha") == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param("<alpha=0.3>", "beta is not written out", id="absent"),
        pytest.param("<beta=0.25>", "beta is 0.25, which is not the default that may be left off", id="other"),
    ],
)
def test_declines(attributes, reason):
    text = f"(float[4] x) => (float[4] y) {{ y = HardSigmoid{attributes}(x) }}"
    assert declines("drop_hard_sigmoid_beta", text) == reason
