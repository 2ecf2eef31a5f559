import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("group", [1, 4])
@pytest.mark.parametrize(
    "padding",
    [
        "pads=[0,0,1,1]",
        "pads=[1,2,0,0], dilations=[2,1]",
        'auto_pad="SAME_LOWER"',
        'auto_pad="SAME_UPPER"',
        'auto_pad="VALID"',
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_changes(group, padding, stride, rng):
    weight = rng.standard_normal((4, 4 // group, 3, 2)).astype(np.float32)
    text = f"""(float[1,4,8,9] x) => (float[1,4,h,w] y) {{
        y = Conv<group={group}, strides=[{stride},{stride}], {padding}>(x, k) }}"""
    model = changes("pad_before_conv", text, rng, k=weight)
    assert ops(model)[-1] == "Conv"
    assert [*model.graph[-1].attributes["kernel_shape"].as_ints()] == [3, 2]
    assert worst_on("4.5.5 4.7.0 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    weight = np.ones((4, 4, 3, 3), np.float32)
    text = "(float[1,4,8,9] x) => (float[1,4,8,9] y) { y = Conv<pads=[1,1,1,1]>(x, k) }"
    assert declines("pad_before_conv", text, k=weight) == "the padding is the same on both sides"
