import numpy as np
import pytest

from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(8))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    high, wide = (int(k) for k in rng.integers(1, 5, 2))
    stride, group = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    weight = rng.standard_normal([4, 3, high, wide]).astype(np.float32)
    result = f"{4 * stride + high},{4 * stride + wide}"
    model = changes(
        "write_conv_transpose_kernel_shape",
        f"(float[1,4,5,5] x) => (float[1,{3 * group},{result}] y) "
        f"{{ y = ConvTranspose<group={group}, strides=[{stride},{stride}]>(x, w) }}",
        rng,
        w=weight,
    )
    (node,) = model.graph
    assert node.op_type == "ConvTranspose"
    assert list(node.attributes["kernel_shape"].value) == [high, wide]
    if group == 1:
        assert opencv(model, drawn(model, rng)) < 1e-5


def test_declines(rng):
    text = "(float[1,3,5,5] x) => (float[1,4,7,7] y) { y = ConvTranspose<kernel_shape=[3,3]>(x, w) }"
    weight = rng.standard_normal((3, 4, 3, 3)).astype(np.float32)
    assert declines("write_conv_transpose_kernel_shape", text, w=weight) == "kernel_shape is written already"
