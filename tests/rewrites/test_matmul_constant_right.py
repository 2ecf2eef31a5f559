import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize(
    ("left", "right"), [((4, 7), (7, 5)), ((4, 7), (2, 7, 5)), ((4, 7), (2, 3, 7, 5)), ((2, 4, 7), (2, 7, 5))]
)
def test_changes(left, right, rng, opencv):
    after = (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
    extents, result = (",".join(map(str, shape)) for shape in (right, after))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = MatMul(c, x) }}"
    model = changes("matmul_constant_right", text, rng, c=rng.standard_normal(left).astype(np.float32))
    assert ops(model) == ["Transpose", "MatMul", "Transpose"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "shape", "reason"),
    [
        pytest.param(
            "(float[4,7] z, float[7,5] x) => (float[4,5] y) { y = MatMul(z, x) }",
            None,
            "the left operand comes from another node; only a constant was measured",
            id="computed",
        ),
        pytest.param(
            "(float[7,5] x) => (float[5] y) { y = MatMul(c, x) }", (7,), "an operand is a vector", id="vector"
        ),
        pytest.param(
            "(float[7,5] x) => (float[2,4,5] y) { y = MatMul(c, x) }",
            (2, 4, 7),
            "the constant has 3 dimensions and the right operand only 2",
            id="rank",
        ),
    ],
)
def test_declines(text, shape, reason):
    constants = {} if shape is None else {"c": np.ones(shape, np.float32)}
    assert declines("matmul_constant_right", text, **constants) == reason
