import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(("taken", "axis", "result"), [([2, -1], 0, "2,4"), ([[1, 0]], 1, "3,1,2"), (3, -1, "3")])
def test_changes(taken, axis, result, rng):
    text = f"(float[{result}] x) => (float[{result}] y) {{ a = Gather<axis={axis}>(t, i)  y = Add(x, a) }}"
    table = rng.standard_normal((3, 4)).astype(np.float32)
    model = changes("fold_gather", text, rng, t=table, i=np.array(taken, np.int64))
    assert ops(model) == ["Add"]
    if "," in result:
        assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[3,4] x) => (float[1,4] y) { y = Gather(x, i) }"
    reason = "the input comes from another node; only a constant was measured"
    assert declines("fold_gather", text, i=np.array([1], np.int64)) == reason
