import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

MOMENTS = ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"]


@pytest.mark.parametrize("seed", range(16))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.integers(2, 9, rng.integers(2, 5))]
    axis = int(rng.integers(-len(shape), len(shape)))
    scale, bias = (rng.standard_normal(shape[axis % len(shape) :]).astype(np.float32) for _ in range(2))
    extents = ",".join(map(str, shape))
    biased = seed % 3 != 0
    node = f"LayerNormalization<axis={axis}, epsilon=0.001>(x, s{', b' if biased else ''})"
    text = f"(float[{extents}] x) => (float[{extents}] y) {{ y = {node} }}"
    model = changes("layer_norm_by_moments", text, rng, s=scale, **({"b": bias} if biased else {}))
    assert ops(model) == [*MOMENTS, "Add"] if biased else MOMENTS
    if axis % len(shape) > 0:  # 5.0.0's classic engine crashes on a mean over every axis
        assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_the_scale_of_the_input_does_not_matter(scale, rng):
    s, b = rng.standard_normal((2, 64)).astype(np.float32)
    text = "(float[2,9,64] x) => (float[2,9,64] y) { y = LayerNormalization(x, s, b) }"
    changes("layer_norm_by_moments", text, rng, scale=scale, s=s, b=b)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,4] x) => (float[2,4] y, float[2,1] m) { y, m = LayerNormalization(x, s) }",
            "it has 2 outputs, and only the first was measured",
            id="mean",
        ),
        pytest.param(
            "(double[2,4] x, double[4] t) => (double[2,4] y) { y = LayerNormalization(x, t) }",
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("layer_norm_by_moments", text, s=np.ones(4, np.float32)) == reason
