import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ("5,6", (1, 0, 0, 2)),
        ("2,5,6", (0, 2, 1, 0, 0, 3)),
        ("1,3,5,6", (0, 0, 2, 2, 0, 0, 2, 2)),
        ("1,2,4,5,6", (0, 0, 1, 1, 1) * 2),
    ],
)
def test_changes(mode, shape, pads, rng):
    extents = np.int64([int(n) for n in shape.split(",")])
    result = ",".join(map(str, extents + np.reshape(pads, (2, -1)).sum(axis=0)))
    text = f'(float[{shape}] x) => (float[{result}] y) {{ y = Pad<mode="{mode}">(x, p) }}'
    model = changes("pad_by_concat", text, rng, p=np.int64(pads))
    assert set(ops(model)) == {"Slice", "Concat"}
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_axes(rng):
    text = '(float[4,5] x) => (float[4,8] y) { y = Pad<mode="edge">(x, p, , a) }'
    model = changes("pad_by_concat", text, rng, p=np.int64([1, 2]), a=np.int64([-1]))
    assert ops(model) == ["Slice", "Slice", "Concat"]


@pytest.mark.parametrize(
    ("mode", "pads", "reason"),
    [
        ("constant", [1, 1], "mode constant does not repeat the input"),
        ("edge", [1, -1], "an amount is negative"),
        ("edge", [0, 0], "nothing is padded"),
        ("reflect", [5, 0], "axis 0 is padded by more than it is long"),
    ],
)
def test_declines(mode, pads, reason):
    text = f'(float[5] x) => (float[n] y) {{ y = Pad<mode="{mode}">(x, p) }}'
    assert declines("pad_by_concat", text, p=np.int64(pads)) == reason
