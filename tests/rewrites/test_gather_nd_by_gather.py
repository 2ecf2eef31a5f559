import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    ("shape", "indices", "batch", "depth"),
    [
        ("4,5", (3,), 0, 2),
        ("4,5,3", (2, 3), 0, 2),
        ("4,5,3", (6,), 0, 1),
        ("2,4,5", (2, 3), 1, 1),
        ("2,3,4,5", (2, 3, 2), 2, 2),
    ],
)
def test_changes(shape, indices, batch, depth, rng):
    extents = [int(n) for n in shape.split(",")]
    named = extents[batch : batch + depth]
    taken = np.stack([rng.integers(-n, n, indices) for n in named], axis=-1)
    result = ",".join(map(str, [*indices, *extents[batch + depth :]]))
    text = f"(float[{shape}] x) => (float[{result}] y) {{ y = GatherND<batch_dims={batch}>(x, i) }}"
    model = changes("gather_nd_by_gather", text, rng, i=taken)
    assert ops(model) == ["Reshape", "Gather", "Reshape"]
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[4,5] x, int64[3,2] i) => (float[3] y) { y = GatherND(x, i) }"
    assert declines("gather_nd_by_gather", text) == "the indices comes from another node; only a constant was measured"
