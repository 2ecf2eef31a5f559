import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    "attributes",
    [
        "strides=[2,2], pads=[1,0,0,1]",
        "strides=[2,2], pads=[1,1,0,0], output_padding=[1,1]",
        'strides=[2,2], auto_pad="SAME_UPPER"',
        'strides=[2,2], auto_pad="SAME_LOWER"',
        "strides=[2,2], output_shape=[10,9]",
        "strides=[2,2], pads=[1,1,1,1]",
    ],
)
@pytest.mark.parametrize("group", [1, 2])
def test_changes(attributes, group, rng):
    weight = rng.standard_normal((4, 6 // group, 3, 3)).astype(np.float32)
    text = f"(float[1,4,5,4] x) => (float[1,6,h,w] y) {{ y = ConvTranspose<group={group}, {attributes}>(x, k) }}"
    model = changes("crop_after_conv_transpose", text, rng, k=weight)
    assert ops(model) == ["ConvTranspose", "Slice"]
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines(rng):
    text = "(float[1,4,5,4] x) => (float[1,6,7,6] y) { y = ConvTranspose(x, k) }"
    assert declines("crop_after_conv_transpose", text, k=np.ones((4, 6, 3, 3), np.float32)) == "nothing is cropped"
