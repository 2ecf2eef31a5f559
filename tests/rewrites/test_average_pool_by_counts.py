import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

POOLS = [
    "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], ceil_mode=1",
    "kernel_shape=[3,3], strides=[2,2], ceil_mode=1",
    "kernel_shape=[2,2], strides=[2,2], pads=[1,1,1,1], ceil_mode=1",
    "kernel_shape=[1,1], strides=[3,3], ceil_mode=1",
    "kernel_shape=[3,2], strides=[1,2], pads=[0,1,1,0]",
    'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_LOWER"',
    'kernel_shape=[2,2], auto_pad="SAME_UPPER"',
]


@pytest.mark.parametrize("attributes", [*POOLS, "kernel_shape=[2,3], dilations=[2,1], pads=[1,1,1,1]"])
@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("shape", ["1,4,8,8", "2,3,7,10"])
def test_changes(attributes, include, shape, rng):
    text = (
        f"(float[{shape}] x) => (float[n,c,h,w] y) {{ y = AveragePool<{attributes}, count_include_pad={include}>(x) }}"
    )
    model = changes("average_pool_by_counts", text, rng)
    assert "AveragePool" in ops(model) or "Conv" in ops(model)
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[1,4,8,8] x) => (float[1,4,6,6] y) { y = AveragePool<kernel_shape=[3,3]>(x) }"
    assert declines("average_pool_by_counts", text) == "no window hangs over the edge"
