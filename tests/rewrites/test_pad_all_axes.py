import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize("value", ["", "v"])
def test_changes(mode, value, rng):
    text = f'(float[1,2,5,6] x) => (float[1,2,7,7] y) {{ y = Pad<mode="{mode}">(x, p, {value}, a) }}'
    given = {"p": np.int64([1, 0, 0, 2]), "a": np.int64([-1, 2]), "v": np.array(1.5, np.float32)}
    model = changes("pad_all_axes", text, rng, **given)
    assert ops(model) == ["Pad"]
    assert len(model.graph[0].inputs) == (3 if value else 2)
    if mode == "constant":
        assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[5] x) => (float[7] y) { y = Pad(x, p) }"
    assert declines("pad_all_axes", text, p=np.int64([1, 1])) == "it names no axes"
