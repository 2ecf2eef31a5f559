import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(8))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.integers(2, 7, rng.integers(3, 6))]
    scale, bias = rng.standard_normal((2, shape[1])).astype(np.float32)
    extents = ",".join(map(str, shape))
    text = f"""(float[{extents}] x) => (float[{extents}] y) {{
        y = InstanceNormalization<epsilon=0.001>(x, s, b) }}"""
    model = changes("instance_norm_by_moments", text, rng, s=scale, b=bias)
    assert ops(model) == ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"]
    if len(shape) < 5:
        assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,3,4] x, float[3] t) => (float[2,3,4] y) { y = InstanceNormalization(x, t, b) }",
            "the scale comes from another node; only a constant was measured",
            id="computed",
        ),
        pytest.param(
            "(double[2,3,4] x, double[3] t) => (double[2,3,4] y) { y = InstanceNormalization(x, t, t) }",
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("instance_norm_by_moments", text, b=np.ones(3, np.float32)) == reason
