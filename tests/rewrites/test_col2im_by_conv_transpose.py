import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    ("image", "block", "strides", "pads", "dilations"),
    [
        ((28, 28), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
        ((9, 8), (2, 3), (1, 1), (0, 0, 0, 0), (1, 1)),
        ((9, 8), (2, 3), (2, 1), (1, 0, 0, 2), (2, 1)),
        ((8, 8), (4, 4), (4, 4), (0, 0, 0, 0), (1, 1)),
    ],
)
def test_changes(image, block, strides, pads, dilations, rng):
    axes = zip(image, block, strides, pads[:2], pads[2:], dilations, strict=True)
    windows = np.prod([(n + start + end - (k - 1) * d - 1) // s + 1 for n, k, s, start, end, d in axes])
    attributes = f"strides={[*strides]}, pads={[*pads]}, dilations={[*dilations]}"
    text = f"""(float[2,{4 * np.prod(block)},{windows}] x) => (float[2,4,{image[0]},{image[1]}] y) {{
        y = Col2Im<{attributes}>(x, i, b) }}"""
    model = changes("col2im_by_conv_transpose", text, rng, i=np.int64(image), b=np.int64(block))
    assert ops(model) == ["Reshape", "ConvTranspose", "Reshape"]
    if pads[:2] == pads[2:]:
        assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0-classic 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[1,8,4] x) => (float[1,4,a] y) { y = Col2Im(x, i, b) }"
    reason = "the shape of the output is not known ([1,4,a]); fix the input shapes first"
    assert declines("col2im_by_conv_transpose", text, i=np.int64([5]), b=np.int64([2])) != ""
    assert "fix the input shapes first" in reason
