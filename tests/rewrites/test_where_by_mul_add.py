import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

SHAPES = [
    ((2, 3), (2, 3), (2, 3)),
    ((1, 3), (2, 3), (2, 3)),
    ((3,), (2, 1), (2, 3)),
    ((2, 1), (1, 3), (3,)),
    ((4, 1, 1), (2, 3), ()),
]


def kind(shape):
    return f"float[{','.join(map(str, shape))}]" if shape else "float"


@pytest.mark.parametrize(("mask", "a", "b"), SHAPES)
@pytest.mark.parametrize("flip", [False, True])
def test_two_tensors(mask, a, b, flip, rng):
    a, b = (b, a) if flip else (a, b)
    after = np.broadcast_shapes(mask, a, b)
    text = f"({kind(a)} x, {kind(b)} z) => ({kind(after)} y) {{ y = Where(m, x, z) }}"
    assert ops(changes("where_by_mul_add", text, rng, m=rng.random(mask) < 0.5)) == ["Mul", "Mul", "Add"]


@pytest.mark.parametrize(("mask", "a", "b"), SHAPES)
@pytest.mark.parametrize("call", ["m, x, c", "m, c, x"])
@pytest.mark.parametrize("fill", [0.0, -3.5, 1e30, -np.inf, np.inf])
def test_a_constant_branch_is_folded(mask, a, b, call, fill, rng):
    after = np.broadcast_shapes(mask, a, b)
    text = f"({kind(a)} x) => ({kind(after)} y) {{ y = Where({call}) }}"
    constants = {"m": rng.random(mask) < 0.5, "c": np.full(b, fill, np.float32)}
    assert ops(changes("where_by_mul_add", text, rng, **constants)) == ["Mul", "Add"]


@pytest.mark.parametrize("call", ["m, a, z", "m, a, c", "m, c, a"])
def test_opencv_runs_it_behind_a_convolution(call, rng, opencv):
    text = f"""(float[1,3,8,8] x) => (float[1,5,6,6] y) {{
        a = Conv<kernel_shape=[3,3]>(x, w0)
        z = Sigmoid(a)
        s = Where({call})
        y = Conv<kernel_shape=[1,1]>(s, w1) }}"""
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 3, 3), (5, 8, 1, 1)))
    constants = {"m": rng.random((1, 1, 6, 6)) < 0.5, "w0": w0, "w1": w1}
    if "c" in call:
        constants["c"] = np.array(-3, np.float32)
    model = changes("where_by_mul_add", text, rng, **constants)
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_opencv_runs_an_attention_mask(rng, opencv):
    text = """(float[1,2,6,6] x) => (float[1,2,6,6] y) {
        s = Where(m, x, c)
        y = Softmax<axis=-1>(s) }"""
    model = changes("where_by_mul_add", text, rng, m=np.tri(6, dtype=bool)[None, None], c=np.array(-np.inf, np.float32))
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,3] x, bool[2,3] k) => (float[2,3] y) { y = Where(k, x, x) }",
            "the mask comes from another node; only a constant was measured",
            id="computed",
        ),
        pytest.param(
            "(int64[2,3] x) => (int64[2,3] y) { y = Where(m, x, x) }",
            "a branch is INT64, only FLOAT was measured",
            id="int",
        ),
        pytest.param(
            "(float[2,3] x) => (float[2,3] y) { s = Where(m, c, c)  y = Add(x, s) }",
            "both branches are constant: the result is too",
            id="constant",
        ),
    ],
)
def test_declines(text, reason):
    constants = {"m": np.array([True, False, True]), "c": np.ones((2, 3), np.float32)}
    used = {name: array for name, array in constants.items() if f"({name}," in text or f" {name})" in text}
    assert declines("where_by_mul_add", text, **used) == reason


def test_declines_a_huge_constant():
    text = "(float[4097,1] x) => (float[4097,4097] y) { y = Where(m, x, x) }"
    reason = "a mask would have 16785409 elements, more than 16777216"
    assert declines("where_by_mul_add", text, m=np.arange(4097) % 2 == 0) == reason
