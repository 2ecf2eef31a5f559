import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize(("axis", "result"), [(0, "1,24"), (1, "2,12"), (3, "24,1"), (-1, "6,4")])
def test_changes(axis, result, rng):
    text = f"(float[2,3,4] x) => (float[{result}] y) {{ y = Flatten<axis={axis}>(x) }}"
    model = changes("flatten_by_reshape", text, rng)
    assert ops(model) == ["Reshape"]
    assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    reason = "the shape of the output is not known ([2,n]); fix the input shapes first"
    assert declines("flatten_by_reshape", "(float[2,n] x) => (float[2,n] y) { y = Flatten(x) }") == reason
