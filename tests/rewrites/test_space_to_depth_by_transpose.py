import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("b", [2, 3])
@pytest.mark.parametrize("channels", [1, 4])
def test_changes(b, channels, rng):
    text = f"""(float[2,{channels},{3 * b},{5 * b}] x) => (float[2,{channels * b * b},3,5] y) {{
        y = SpaceToDepth<blocksize={b}>(x) }}"""
    model = changes("space_to_depth_by_transpose", text, rng)
    assert set(ops(model)) == {"Reshape", "Transpose"}
    assert worst_on("4.5.5 4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(float[1,1,n,10] x) => (float[1,4,m,5] y) { y = SpaceToDepth<blocksize=2>(x) }"
    reason = "the shape of the input is not known ([1,1,n,10]); fix the input shapes first"
    assert declines("space_to_depth_by_transpose", text) == reason
