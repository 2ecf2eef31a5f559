import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, -2, 0, 3])
@pytest.mark.parametrize("shape", ["4,5", "2,3,5,4"])
def test_changes(upper, k, shape, rng):
    inputs = "x" if k is None else "x, k"
    given = {} if k is None else {"k": np.array(k, np.int64)}
    text = f"(float[{shape}] x) => (float[{shape}] y) {{ y = Trilu<upper={upper}>(INPUTS) }}".replace("INPUTS", inputs)
    model = changes("trilu_by_mul", text, rng, **given)
    assert ops(model) == ["Mul"]
    assert worst_on("4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(int64[4,4] x) => (int64[4,4] y) { y = Trilu(x) }"
    assert declines("trilu_by_mul", text) == "the input is INT64, only FLOAT was measured"
