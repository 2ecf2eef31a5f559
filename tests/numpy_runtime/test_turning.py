"""Weights of products with few rows: turned or in blocks, and only where that is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converter.numpy_runtime import plan
from converter.numpy_runtime.fast import ACTIVATIONS
from converter.numpy_runtime.fast.attending import exponentials
from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph

ROWS = 120


def widening(between: str, rows: int = ROWS, outputs: str = "y") -> tuple[str, dict[str, np.ndarray]]:
    """A layer from 200 to 330 features, something between, and one back."""
    rng = np.random.default_rng(0)
    weights = {
        "w": draw(rng, 200, 330) / np.float32(14), "b": draw(rng, 330), "v": draw(rng, 330, 200) / np.float32(18),
        "apart": np.array([1, rows, 3, 110]), "whole": np.array([1, rows, 330]), "t": draw(rng, 330, 330) / np.float32(18),
    }  # fmt: skip
    more = f", float[1,{rows},330] g" if outputs == "y, g" else ""
    text = f"""(float[1,{rows},200] x) => (float[1,{rows},200] y{more}) {{
        m = MatMul(x, w)
        a = Add(m, b)
        {between}
        y = MatMul(h, v)
    }}"""
    return text, {name: array for name, array in weights.items() if name in text.replace("whole", "whole ")}


@pytest.mark.parametrize(
    "between",
    ["h = Gelu(a)", "h = Identity(a)", "s = Sigmoid(a) h = Mul(a, s)", "r = Reshape(a, apart) h = Reshape(r, whole)"],
)
def test_few_rows_and_many_features_are_stored_by_feature(between: str) -> None:
    text, weights = widening(between)
    program = judged(graph(text, **weights), {"x": draw(np.random.default_rng(1), 1, ROWS, 200)}, 3e-6)
    assert body(program).count(" = linear_turned(") == 1


@pytest.mark.parametrize(
    ("between", "rows", "outputs"),
    [
        pytest.param("g = Gelu(a) h = Identity(g)", ROWS, "y, g", id="an output"),
        pytest.param("e = Erf(a) h = Add(e, a)", ROWS, "y", id="a kernel"),
        pytest.param("h = Gelu(a)", 400, "y", id="many rows"),
        pytest.param("h = Gelu(a)", 1, "y", id="one row"),
    ],
)
def test_others_stay(between: str, rows: int, outputs: str) -> None:
    text, weights = widening(between, rows, outputs)
    program = judged(graph(text, **weights), {"x": draw(np.random.default_rng(1), 1, rows, 200)}, 3e-6)
    assert "linear_turned" not in body(program)


def test_attention_reads_heads_that_are_stored_by_feature() -> None:
    """As in a vision transformer: q, k and v from one layer."""
    rng = np.random.default_rng(0)
    text = f"""(float[1,{ROWS},160] x) => (float[1,{ROWS},160] y) {{
        a = MatMul(x, w)
        r = Reshape(a, apart)
        t = Transpose<perm=[2, 0, 3, 1, 4]>(r)
        q5, k5, v5 = Split<axis=0, num_outputs=3>(t)
        q = Squeeze(q5, first) k = Squeeze(k5, first) v = Squeeze(v5, first)
        kt = Transpose<perm=[0, 1, 3, 2]>(k)
        s = MatMul(q, kt)
        d = Mul(s, scale)
        p = Softmax<axis=-1>(d)
        o = MatMul(p, v)
        ot = Transpose<perm=[0, 2, 1, 3]>(o)
        f = Reshape(ot, whole)
        y = MatMul(f, u)
    }}"""
    weights = {
        "w": draw(rng, 160, 480) / 12, "u": draw(rng, 160, 160) / 12, "apart": np.array([1, ROWS, 3, 4, 40]),
        "whole": np.array([1, ROWS, 160]), "first": np.array([0]), "scale": np.float32(1 / 6),
    }  # fmt: skip
    program = judged(graph(text, **weights), {"x": draw(rng, 1, ROWS, 160)}, 3e-6)
    assert " = linear_turned(" in body(program)
    assert " = attention(" in body(program)


def test_a_residual_and_any_batch() -> None:
    rng = np.random.default_rng(0)
    text = """(float[1,120,200] x, float[1,120,330] r) => (float[1,120,200] y) {
        m = MatMul(x, w)
        a = Add(m, r)
        h = Relu(a)
        y = MatMul(h, v)
    }"""
    model = graph(text, w=draw(rng, 200, 330) / 14, v=draw(rng, 330, 200) / 18)
    feeds = {"x": draw(rng, 1, 120, 200), "r": draw(rng, 1, 120, 330)}
    assert " = linear_turned(" in body(judged(model, feeds, 3e-6))
    loaded = plan(model).load()
    many = {name: np.concatenate([array, 2 * array, array]) for name, array in feeds.items()}
    np.testing.assert_allclose(loaded.run(many)["y"][2], loaded.run(feeds)["y"][0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("following", ["", "Relu", "Gelu"])
@pytest.mark.parametrize(
    ("layer", "channels", "filters", "blocks"),
    [
        ("y = Conv(x, w, b)", 300, 320, 4), ("y = Conv(x, w, b)", 300, 301, 1), ("y = Conv(x, w, b)", 64, 320, 1),
        ("y = Conv<pads=[1, 1, 1, 1], strides=[2, 2]>(x, w, b)", 40, 320, 4),
    ],
)  # fmt: skip
def test_blocks(layer: str, channels: int, filters: int, blocks: int, following: str) -> None:
    rng = np.random.default_rng(0)
    kernel, out = (3, 5) if "pads" in layer else (1, 9)
    text = f"""(float[1,{channels},9,9] x) => (float[1,{filters},{out},{out}] y) {{
        {layer.replace("y =", "c =") if following else layer}
        {f"y = {following}(c)" if following else ""}
    }}"""
    weight = draw(rng, filters, channels, kernel, kernel) / np.float32(np.sqrt(channels * kernel**2))
    program = judged(graph(text, w=weight, b=draw(rng, filters)), {"x": draw(rng, 1, channels, 9, 9)}, 4e-6)
    (stored,) = (array for name, array in program.weights.items() if array.ndim > 1)
    assert (stored.shape[0] if stored.ndim == 3 else 1) == blocks


SCALED = {"gelu": "gelu_of_half", "swish": "swish_of_half", "hard_swish": "hard_swish_of_part"}


@pytest.mark.parametrize("name", SCALED)
def test_eased_activations_are_the_plain_ones_of_a_part(name: str) -> None:
    x = np.linspace(-40, 40, 2001, dtype=np.float32).reshape(3, -1)
    plain, eased = x.copy(), (x * np.float64(6**-0.5 if name == "hard_swish" else 0.5)).astype(np.float32)
    ACTIVATIONS[name](plain, np.empty_like(x))
    ACTIVATIONS[SCALED[name]](eased, np.empty_like(x))
    np.testing.assert_allclose(eased, plain, rtol=0, atol=4e-6)


@pytest.mark.parametrize("following", ["y = Gelu(a)", "s = Sigmoid(a) y = Mul(a, s)", "y = HardSwish(a)"])
def test_layers_ease_their_activation(following: str) -> None:
    rng = np.random.default_rng(0)
    text = f"(float[2,30] x) => (float[2,40] y) {{ a = Gemm(x, w, b) {following} }}"
    program = judged(graph(text, w=draw(rng, 30, 40) / 5, b=draw(rng, 40)), {"x": draw(rng, 2, 30)}, 3e-6)
    assert any(f"then=[{eased}]" in body(program) for eased in SCALED.values())


def test_a_weight_that_two_layers_share_stays_as_it_is() -> None:
    rng = np.random.default_rng(0)
    text = "(float[2,30] x) => (float[2,30] y) { a = MatMul(x, w) g = Gelu(a) y = MatMul(g, w) }"
    program: Any = judged(graph(text, w=draw(rng, 30, 30) / 5), {"x": draw(rng, 2, 30)}, 3e-6)
    assert "then=[gelu]" in body(program)


def test_exponentials_of_masked_scores_are_no_denormal_numbers() -> None:
    """A shifted window's mask is -100: products with exp(-100) take a hundred times as long."""
    scores = np.random.default_rng(0).normal(0, 1, (2, 3, 9, 9)).astype(np.float32)
    scores[..., ::2] -= 100
    exponentials(scores, lambda: None)
    assert scores.min() > 1e-37
    assert scores.max() == 1
