import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("space", ["8", "8,9"])
def test_changes(space, rng):
    rank = len(space.split(","))
    weight = rng.standard_normal((4, 3, *[3] * rank)).astype(np.float32)
    result = ",".join(str(int(n) - 2) for n in space.split(","))
    text = f"(float[2,3,{space}] x, float[4] b) => (float[2,4,{result}] y) {{ y = Conv(x, k, b) }}"
    model = changes("add_after_conv", text, rng, k=weight)
    assert ops(model) == ["Conv", "Reshape", "Add"]
    if rank == 2:
        assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


@pytest.mark.parametrize("inputs", ["x, k", "x, k, b"])
def test_declines(inputs):
    text = f"(float[1,3,8,9] x) => (float[1,4,6,7] y) {{ y = Conv({inputs}) }}"
    given = {"k": np.ones((4, 3, 3, 3), np.float32), "b": np.ones(4, np.float32)}
    assert declines("add_after_conv", text, **given) == "the bias is absent or constant"
