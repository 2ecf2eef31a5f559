import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("b", [2, 3])
@pytest.mark.parametrize("channels", [1, 4])
def test_changes(mode, b, channels, rng):
    text = f"""(float[2,{channels * b * b},3,5] x) => (float[2,{channels},{3 * b},{5 * b}] y) {{
        y = DepthToSpace<blocksize={b}, mode="{mode}">(x) }}"""
    model = changes("depth_to_space_by_transpose", text, rng)
    assert set(ops(model)) == {"Reshape", "Transpose"}
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[1,4,n,5] x) => (float[1,1,m,10] y) { y = DepthToSpace<blocksize=2>(x) }"
    reason = "the shape of the input is not known ([1,4,n,5]); fix the input shapes first"
    assert declines("depth_to_space_by_transpose", text) == reason
