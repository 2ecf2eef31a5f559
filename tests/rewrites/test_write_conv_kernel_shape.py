import numpy as np
import pytest

from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(12))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    rank, group = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    kernel = [int(k) for k in rng.integers(1, 4, rank)]
    stride = int(rng.integers(1, 3))
    weight = rng.standard_normal([4, 6 // group, *kernel]).astype(np.float32)
    space = ",".join(["8"] * rank)
    result = ",".join(str((8 - k) // stride + 1) for k in kernel)
    strides = ",".join([str(stride)] * rank)
    model = changes(
        "write_conv_kernel_shape",
        f"(float[2,6,{space}] x) => (float[2,4,{result}] y) {{ y = Conv<group={group}, strides=[{strides}]>(x, w) }}",
        rng,
        w=weight,
    )
    (node,) = model.graph
    assert node.op_type == "Conv"
    assert list(node.attributes["kernel_shape"].value) == kernel
    assert list(node.attributes["strides"].value) == [stride] * rank
    if rank == 2:
        assert opencv(model, drawn(model, rng)) < 1e-5


def test_a_computed_weight_is_as_good_as_a_constant(rng):
    model = changes(
        "write_conv_kernel_shape",
        "(float[1,3,8,8] x, float[4,3,3,5] w) => (float[1,4,6,4] y) { y = Conv(x, w) }",
        rng,
    )
    assert list(model.graph[0].attributes["kernel_shape"].value) == [3, 5]


def test_declines(rng):
    text = "(float[1,3,8,8] x) => (float[1,4,6,6] y) { y = Conv<kernel_shape=[3,3]>(x, w) }"
    weight = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    assert declines("write_conv_kernel_shape", text, w=weight) == "kernel_shape is written already"


def test_declines_an_unknown_weight_shape():
    text = "(float[1,3,8,8] x, float[4,3,k,3] w) => (float[1,4,h,6] y) { y = Conv(x, w) }"
    reason = "the shape of the weight is not known ([4,3,k,3]); fix the input shapes first"
    assert declines("write_conv_kernel_shape", text) == reason
