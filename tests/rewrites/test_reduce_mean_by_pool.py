import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ("2,5,7", [2]),
        ("2,5,7", [-1]),
        ("1,8,6,9", [2, 3]),
        ("2,3,6,9", [-1, -2]),
        ("2,3,1,1", [3, 2]),
        ("2,3,4,5,6", [2, 3, 4]),
    ],
)
def test_changes(shape, axes, keep, rng, opencv):
    first, second, *rest = shape.split(",")
    after = ",".join([first, second, *(["1"] * len(rest) if keep else [])])
    text = f"(float[{shape}] x) => (float[{after}] y) {{ y = ReduceMean<keepdims={keep}>(x, a) }}"
    model = changes("reduce_mean_by_pool", text, rng, a=np.array(axes, np.int64))
    assert ops(model) == (["GlobalAveragePool"] if keep else ["GlobalAveragePool", "Reshape"])
    if len(rest) == 2:
        assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("call", "axes", "reason"),
    [
        pytest.param("x", None, "it has no axes", id="none"),
        pytest.param("x, a", [1], "axes [1] of 4 dimensions are not the spatial ones", id="channels"),
        pytest.param("x, a", [-1], "axes [3] of 4 dimensions are not the spatial ones", id="width"),
    ],
)
def test_declines(call, axes, reason):
    constants = {} if axes is None else {"a": np.array(axes, np.int64)}
    text = f"(float[1,2,3,4] x) => (float[a0,b0,c0,d0] y) {{ y = ReduceMean({call}) }}"
    assert declines("reduce_mean_by_pool", text, **constants) == reason
