import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    ("shape", "taken", "axis"), [((4, 5), (2, 5), 0), ((4, 5), (3, 2), -1), ((2, 3, 4), (2, 3, 2), 2)]
)
def test_changes(shape, taken, axis, rng):
    positions = np.take(np.moveaxis(np.argsort(rng.random(shape), axis=axis), axis, 0), range(taken[axis]), axis=0)
    positions = np.moveaxis(positions, 0, axis)[tuple(slice(n) for n in taken)]
    x, v = (",".join(map(str, s)) for s in (shape, taken))
    text = f"(float[{x}] x, float[{v}] v) => (float[{x}] y) {{ y = ScatterElements<axis={axis}>(x, i, v) }}"
    model = changes("scatter_elements_by_scatter_nd", text, rng, i=positions)
    assert ops(model) == ["ScatterND"]
    assert worst_on("4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = '(float[4] x, float[1] v) => (float[4] y) { y = ScatterElements<reduction="add">(x, i, v) }'
    reason = declines("scatter_elements_by_scatter_nd", text, i=np.int64([2]))
    assert reason == "it adds to what is there, or multiplies it"
