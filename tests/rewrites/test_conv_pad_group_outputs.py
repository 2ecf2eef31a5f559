import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "conv_pad_group_outputs"
TEXT = """(float[{n},{c},{h},{w}] x) => (float[n,k,h,w] y) {{
    y = Conv<group={g}, kernel_shape={kernel}, pads={pads}>(x, w, b) }}"""


@pytest.mark.parametrize(
    ("groups", "taken", "made", "kernel", "space"),
    [(56, 96, 14, 1, (14, 1)), (28, 28, 28, 3, (7, 7)), (2, 3, 5, 3, (6, 4)), (4, 2, 9, 1, (5, 3))],
)
@pytest.mark.parametrize("batch", [1, 2])
def test_changes(groups, taken, made, kernel, space, batch, rng):
    weight = rng.standard_normal((groups * made, taken, kernel, kernel)).astype(np.float32)
    bias = rng.standard_normal(groups * made).astype(np.float32)
    text = TEXT.format(
        n=batch, c=groups * taken, h=space[0], w=space[1], g=groups, kernel=[kernel] * 2, pads=[kernel // 2] * 4
    )
    model = changes(RULE, text, rng, w=weight, b=bias)
    assert ops(model) == ["Conv", "Reshape", "Slice", "Reshape"]
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) < 1e-5


@pytest.mark.parametrize(("groups", "channels"), [(1, 12), (6, 6), (2, 16)])
def test_declines(groups, channels):
    text = f"(float[1,6,4,4] x) => (float[1,{channels},4,4] y) {{ y = Conv<group={groups}>(x, w) }}"
    weight = np.ones((channels, 6 // groups, 1, 1), np.float32)
    assert declines(RULE, text, w=weight) == "every group makes one channel, or a multiple of eight"
