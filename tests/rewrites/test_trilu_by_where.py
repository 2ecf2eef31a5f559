import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines

RULE = "trilu_by_where"


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("shape", ["5,5", "2,3,7", "2,3,4,2"])
@pytest.mark.parametrize("diagonal", [None, 0, 1, -2, 9])
def test_changes(upper, shape, diagonal, rng):
    constants = {} if diagonal is None else {"k": np.array(diagonal)}
    call = "x" if diagonal is None else "x, k"
    text = f"(float[{shape}] x) => (float[{shape}] y) {{ y = Trilu<upper={upper}>({call}) }}"
    assert ops(changes(RULE, text, rng, **constants)) == ["Where"]


def test_declines():
    text = "(float[3,3] x, int64 k) => (float[3,3] y) { y = Trilu(x, k) }"
    assert declines(RULE, text) == "the diagonal comes from another node; only a constant was measured"


def test_declines_a_huge_mask():
    text = "(float[4097,4097] x) => (float[4097,4097] y) { y = Trilu(x) }"
    assert declines(RULE, text) == "the mask would be 16785409 elements, more than 16777216"
