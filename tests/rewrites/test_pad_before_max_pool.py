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


@pytest.mark.parametrize("attributes", POOLS)
@pytest.mark.parametrize("shape", ["1,4,8,8", "2,3,7,10"])
def test_changes(attributes, shape, rng):
    text = f"(float[{shape}] x) => (float[n,c,h,w] y) {{ y = MaxPool<{attributes}>(x) }}"
    model = changes("pad_before_max_pool", text, rng)
    assert ops(model) in (["Pad", "MaxPool"], ["MaxPool"])
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[1,4,8,8] x) => (float[1,4,8,8] y) { y = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(x) }"
    assert declines("pad_before_max_pool", text) == "the padding is the same on both sides and ceil_mode is 0"
