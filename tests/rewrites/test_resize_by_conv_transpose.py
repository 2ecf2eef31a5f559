import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    "attributes",
    [
        'coordinate_transformation_mode="asymmetric", nearest_mode="floor"',
        'nearest_mode="round_prefer_ceil"',
        'mode="nearest"',
    ],
)
@pytest.mark.parametrize("factors", [(2, 2), (3, 1), (1, 4)])
def test_changes(attributes, factors, rng):
    high, wide = 5 * factors[0], 7 * factors[1]
    text = f"(float[2,3,5,7] x) => (float[2,3,{high},{wide}] y) {{ y = Resize<{attributes}>(x, , , s) }}"
    model = changes("resize_by_conv_transpose", text, rng, s=np.int64([2, 3, high, wide]))
    assert ops(model) == ["Reshape", "ConvTranspose", "Reshape"]
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize(
    ("attributes", "after", "reason"),
    [
        ('mode="nearest"', "9,14", "[5, 7] to [9, 14] is not a whole factor"),
        ('nearest_mode="floor"', "10,14", "a pixel does not become a block of pixels in this mode"),
        ('mode="linear"', "10,14", "a pixel does not become a block of pixels in this mode"),
        ('mode="nearest"', "5,7", "it resizes [1, 2, 5, 7] to [1, 2, 5, 7], not height and width of four dimensions"),
    ],
)
def test_declines(attributes, after, reason):
    text = f"(float[1,2,5,7] x) => (float[1,2,{after}] y) {{ y = Resize<{attributes}>(x, , , s) }}"
    assert declines("resize_by_conv_transpose", text, s=np.int64([1, 2, *(int(n) for n in after.split(","))])) == reason
