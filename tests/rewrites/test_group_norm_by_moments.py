import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(12))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    groups, each = (int(n) for n in rng.integers(1, 5, 2))
    shape = [int(rng.integers(1, 3)), groups * each, *(int(n) for n in rng.integers(2, 7, rng.integers(1, 4)))]
    scale, bias = rng.standard_normal((2, groups)).astype(np.float32)
    extents = ",".join(map(str, shape))
    text = f"""(float[{extents}] x) => (float[{extents}] y) {{
        y = GroupNormalization<num_groups={groups}, epsilon=0.001>(x, s, b) }}"""
    model = changes("group_norm_by_moments", text, rng, s=scale, b=bias)
    moments = ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div"]
    assert ops(model) == ["Reshape", *moments, "Reshape", "Mul", "Add"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,6,4] x, float[3] t) => (float[2,6,4] y) { y = GroupNormalization<num_groups=3>(x, t, b) }",
            "the scale comes from another node; only a constant was measured",
            id="computed",
        ),
        pytest.param(
            "(float[2,6,4] x) => (float[2,6,4] y) { y = GroupNormalization<num_groups=2>(x, b, b) }",
            "the scale has 3 elements for 2 groups and 6 channels",
            id="size",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("group_norm_by_moments", text, b=np.ones(3, np.float32)) == reason
