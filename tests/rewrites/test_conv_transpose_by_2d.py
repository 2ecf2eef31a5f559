import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    "attributes", ["strides=[2]", "strides=[2], pads=[1,1], output_padding=[1]", "output_shape=[9], strides=[2]"]
)
@pytest.mark.parametrize("group", [1, 2])
def test_changes(attributes, group, rng):
    weight = rng.standard_normal((4, 6 // group, 3)).astype(np.float32)
    text = f"(float[2,4,5] x) => (float[2,6,n] y) {{ y = ConvTranspose<group={group}, {attributes}>(x, k) }}"
    model = changes("conv_transpose_by_2d", text, rng, k=weight)
    assert ops(model) == ["Reshape", "ConvTranspose", "Reshape"]
    if "output_shape" not in attributes:
        assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[1,4,5,4] x) => (float[1,6,7,6] y) { y = ConvTranspose(x, k) }"
    reason = "the input has 4 dimensions, not 3"
    assert declines("conv_transpose_by_2d", text, k=np.ones((4, 6, 3, 3), np.float32)) == reason
