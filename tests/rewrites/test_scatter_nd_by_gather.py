import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 5])
def test_changes(depth, count, rng):
    shape = (4, 5, 3)
    positions = np.stack([rng.integers(-n, n, count) for n in shape[:depth]], axis=-1)
    written = ",".join(map(str, (count, *shape[depth:])))
    text = f"(float[4,5,3] x, float[{written}] v) => (float[4,5,3] y) {{ y = ScatterND(x, i, v) }}"
    model = changes("scatter_nd_by_gather", text, rng, i=positions)
    assert ops(model) == ["Reshape", "Reshape", "Concat", "Gather", "Reshape"]
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = '(float[4,3] x, float[1,3] v) => (float[4,3] y) { y = ScatterND<reduction="mul">(x, i, v) }'
    assert declines("scatter_nd_by_gather", text, i=np.int64([[2]])) == "it adds to what is there, or multiplies it"
