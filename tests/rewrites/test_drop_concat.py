import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def test_changes(rng):
    model = changes("drop_concat", "(float[2,3] x) => (float[2,3] y) { a = Concat<axis=0>(x)  y = Relu(a) }", rng)
    assert ops(model) == ["Relu"]
    model = changes("drop_concat", "(float[2,3] x) => (float[2,3] y) { y = Concat<axis=0>(x) }", rng)
    assert ops(model) == ["Identity"]
    assert worst_on("4.5.5 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize("count", [2, 3])
def test_declines(count):
    text = f"(float[1,3] x) => (float[{count},3] y) {{ y = Concat<axis=0>({', '.join(['x'] * count)}) }}"
    assert declines("drop_concat", text) == f"it joins {count} operands"
