"""Means of channels, and channels times a number each."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph

MEANS = {
    "GlobalAveragePool(c)": True,
    "ReduceMean<keepdims=1>(c, axes)": True,
    "ReduceMean<keepdims=1>(c, negative)": True,
    "ReduceMean<keepdims=1>(c, rows)": False,
    "ReduceMean<keepdims=1>(c)": False,
}


@pytest.mark.parametrize("stored", ["channels last", "channels first"])
@pytest.mark.parametrize("mean", MEANS)
def test_squeeze_and_excitation(mean: str, stored: str) -> None:
    rng = np.random.default_rng(0)
    axes = {"axes": np.array([2, 3]), "negative": np.array([-1, -2]), "rows": np.array([2])}
    layer = "c = Conv(x, w)" if stored == "channels last" else "c = Erf(x)"
    text = f"""(float[2,9,7,5] x) => (float[a,b,c,d] y) {{
        {layer}
        m = {mean}
        s = Sigmoid(m)
        y = Mul(s, c)
    }}"""
    used = {name: array for name, array in axes.items() if f"{name})" in mean}
    weights = {"w": draw(rng, 9, 9, 1, 1)} if stored == "channels last" else {}
    program = judged(graph(text, **weights, **used), {"x": draw(rng, 2, 9, 7, 5)}, 3e-6)
    assert ("mean_pool(" in body(program)) == MEANS[mean]
    assert ("gated(" in body(program)) == MEANS[mean]


def test_without_the_axes() -> None:
    rng = np.random.default_rng(0)
    text = "(float[2,9,7,5] x) => (float[2,9] y) { c = Relu(x) y = ReduceMean<keepdims=0>(c, axes) }"
    assert "mean_pool(" in body(judged(graph(text, axes=np.array([2, 3])), {"x": draw(rng, 2, 9, 7, 5)}, 3e-6))


@pytest.mark.parametrize(
    ("x", "gate"), [("2,9,7,5", "2,1,7,5"), ("2,9,7,5", "1,9,1,1"), ("2,9,1,1", "2,9,1,1"), ("9,7,5", "9,1,1")]
)
def test_other_products_stay(x: str, gate: str) -> None:
    rng = np.random.default_rng(0)
    feeds = {name: draw(rng, *map(int, shape.split(","))) for name, shape in (("x", x), ("g", gate))}
    model = graph(f"(float[{x}] x, float[{gate}] g) => (float[{x}] y) {{ y = Mul(x, g) }}")
    assert "Mul(" in body(judged(model, feeds, 2e-6))


def test_integers_stay_with_the_kernels() -> None:
    model = graph(
        "(int32[1,2,4,4] x) => (int32[1,2,1,1] y) { y = ReduceMean<keepdims=1>(x, axes) }", axes=np.array([2, 3])
    )
    assert "ReduceMean(" in body(judged(model, {"x": np.arange(32, dtype=np.int32).reshape(1, 2, 4, 4)}, 0))
