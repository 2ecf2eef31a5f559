import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(20))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = rng.integers(5, 9, rng.integers(2, 5))
    pads = rng.integers(-2, 3, (2, len(shape)))
    pads[0, -1] = -1
    extents, result = (",".join(map(str, numbers)) for numbers in (shape, shape + pads.sum(axis=0)))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Pad(x, p, v) }}"
    model = changes("slice_negative_pad", text, rng, p=pads.ravel(), v=np.array(1.5, np.float32))
    assert ops(model) == (["Slice", "Pad"] if pads.max() > 0 else ["Slice"])
    if len(shape) == 4:
        assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_axes_and_modes(mode, rng):
    text = f'(float[2,6,7] x) => (float[2,3,5] y) {{ y = Pad<mode="{mode}">(x, p, , a) }}'
    numbers = {"p": np.array([-1, 0, -1, -3], np.int64), "a": np.array([-1, 1], np.int64)}
    assert ops(changes("slice_negative_pad", text, rng, **numbers)) == ["Slice"]


@pytest.mark.parametrize(
    ("mode", "pads", "reason"),
    [
        pytest.param("constant", [1, 0, 0, 1], "no amount is negative", id="positive"),
        pytest.param("reflect", [-1, 0, 1, 0], "mode reflect would repeat what is cropped", id="reflect"),
        pytest.param("constant", [-3, 0, -2, 0], "nothing is left between the crops", id="empty"),
    ],
)
def test_declines(mode, pads, reason):
    text = f'(float[5,5] x) => (float[n,m] y) {{ y = Pad<mode="{mode}">(x, p) }}'
    assert declines("slice_negative_pad", text, p=np.array(pads, np.int64)) == reason
