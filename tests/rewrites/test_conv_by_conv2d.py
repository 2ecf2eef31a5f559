import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("group", [1, 4])
@pytest.mark.parametrize(
    "attributes", ["pads=[1,1]", "pads=[0,2], strides=[2]", "dilations=[2], pads=[1,2]", 'auto_pad="SAME_LOWER"']
)
@pytest.mark.parametrize("constant", [True, False])
def test_changes(group, attributes, constant, rng):
    given = {"k": rng.standard_normal((8, 4 // group, 3)).astype(np.float32)} if constant else {}
    declared = "float[2,4,9] x" + ("" if constant else f", float[8,{4 // group},3] k")
    text = f"({declared}) => (float[2,8,n] y) {{ y = Conv<group={group}, {attributes}>(x, k) }}"
    model = changes("conv_by_conv2d", text, rng, **given)
    assert ops(model) == ["Reshape"] * (1 if constant else 2) + ["Conv", "Reshape"]
    if "auto" not in attributes:
        assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-6


def test_declines():
    text = "(float[1,3,8,9] x) => (float[1,4,6,7] y) { y = Conv(x, k) }"
    reason = "the input has 4 dimensions, not 3"
    assert declines("conv_by_conv2d", text, k=np.ones((4, 3, 3, 3), np.float32)) == reason
