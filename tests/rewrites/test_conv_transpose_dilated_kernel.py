import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("attributes", ["dilations=[2,2]", "dilations=[1,3], strides=[2,1], pads=[1,1,1,1]"])
@pytest.mark.parametrize("group", [1, 2])
def test_changes(attributes, group, rng):
    weight = rng.standard_normal((4, 6 // group, 3, 2)).astype(np.float32)
    text = f"(float[1,4,5,4] x) => (float[1,6,h,w] y) {{ y = ConvTranspose<group={group}, {attributes}>(x, k, b) }}"
    model = changes("conv_transpose_dilated_kernel", text, rng, k=weight, b=np.ones(6, np.float32))
    assert ops(model) == ["ConvTranspose"]
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[1,4,5,4] x) => (float[1,6,7,6] y) { y = ConvTranspose(x, k) }"
    reason = "the kernel is not dilated"
    assert declines("conv_transpose_dilated_kernel", text, k=np.ones((4, 6, 3, 3), np.float32)) == reason
