import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(
    "attributes",
    [
        "kernel_shape=[2,2], dilations=[2,2]",
        "kernel_shape=[3,2], dilations=[1,3], strides=[2,1], pads=[1,1,1,1]",
        "kernel_shape=[2,2], dilations=[2,1], strides=[2,2], ceil_mode=1",
    ],
)
def test_changes(attributes, rng):
    text = f"(float[2,3,8,9] x) => (float[2,3,h,w] y) {{ y = MaxPool<{attributes}>(x) }}"
    model = changes("max_pool_by_slices", text, rng)
    assert set(ops(model)) <= {"Pad", "Slice", "Max"}
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[1,4,8,8] x) => (float[1,4,6,6] y) { y = MaxPool<kernel_shape=[3,3]>(x) }"
    assert declines("max_pool_by_slices", text) == "the window is not dilated"
    text = "(float[1,1,99,99] x) => (float[1,1,81,81] y) { y = MaxPool<kernel_shape=[10,10], dilations=[2,2]>(x) }"
    assert declines("max_pool_by_slices", text) == "the window has 100 pixels, more than 64"
