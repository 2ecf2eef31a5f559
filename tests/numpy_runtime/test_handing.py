"""Normalisations whose scale and bias the linear layers behind them take over, and those that keep them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph

TAKEN = {
    "a product": "y = MatMul(n, w)",
    "a product and a bias": "m = MatMul(n, w) y = Add(m, c)",
    "two layers": "m = MatMul(n, w) k = MatMul(n, v) y = Add(m, k)",
    "heads": "r = Reshape(n, to_rows) t = Transpose<perm=[1, 0, 2]>(r) m = MatMul(t, w) y = Reshape(m, back)",
    "one row": "r = Gather<axis=1>(n, first) y = MatMul(r, w)",
    "a shift": "a = Slice(n, one, far, axis) b = Slice(n, nought, one, axis) s = Concat<axis=1>(a, b) y = MatMul(s, w)",
}
KEPT = {
    "another reads it": "m = MatMul(n, v) y = Add(m, n)",
    "an output": "y = Identity(n) z = MatMul(n, w)",
    "an activation": "a = Relu(n) y = MatMul(a, w)",
    "columns moved": "r = Reshape(n, apart) t = Transpose<perm=[0, 1, 3, 2]>(r) f = Reshape(t, whole) y = MatMul(f, w)",
    "rows joined": "r = Reshape(n, flat) y = MatMul(r, long)",
    "columns joined": "k = Concat<axis=2>(n, n) y = MatMul(k, wide)",
    "padding": "p = Pad(n, pads) y = MatMul(p, w)",
}
WIDTH = 8


def norm_then(then: str, bias: bool) -> tuple[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(len(then))
    numbers = {
        "gamma": draw(rng, WIDTH), "beta": draw(rng, WIDTH), "w": draw(rng, WIDTH, 5), "v": draw(rng, WIDTH, WIDTH),
        "c": draw(rng, 5), "long": draw(rng, 7 * WIDTH, 5), "wide": draw(rng, 2 * WIDTH, 5),
        "to_rows": np.array([14, 1, WIDTH]), "back": np.array([2, 7, 5]), "apart": np.array([2, 7, 2, WIDTH // 2]),
        "whole": np.array([2, 7, WIDTH]), "flat": np.array([2, 7 * WIDTH]), "first": np.array(0), "one": np.array([1]),
        "nought": np.array([0]), "far": np.array([7]), "axis": np.array([1]), "pads": np.array([0, 1, 0, 0, 0, 0]),
    }  # fmt: skip
    if then == TAKEN["two layers"]:
        numbers["v"] = draw(rng, WIDTH, 5)
    words = {word.strip("(),") for word in f"{then} gamma {'beta' if bias else ''}".replace("(", " ").split()}
    more = ", float[a0, a1, a2] z" if "z" in words else ""
    shape = "a0" if then in (TAKEN["one row"], KEPT["rows joined"]) else "a0, a1"
    text = f"""(float[2,7,{WIDTH}] x) => (float[{shape}, m] y{more}) {{
        n = LayerNormalization<axis=-1, epsilon=0.001>(x, gamma{", beta" if bias else ""})
        {then}
    }}"""
    return text, {name: array for name, array in numbers.items() if name in words}


def normalisation(then: str, bias: bool) -> str:
    """The line of the program that normalises; the program is right."""
    text, numbers = norm_then(then, bias)
    feeds = {"x": draw(np.random.default_rng(1), 2, 7, WIDTH) + np.float32(1)}
    lines = body(judged(graph(text, **numbers), feeds, 1e-5)).replace("(\n", "(").splitlines()
    (line,) = [line for line in lines if " = layer_norm(" in line]
    return line


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("then", TAKEN.values(), ids=TAKEN)
def test_linear_layers_take_scale_and_bias(then: str, bias: bool) -> None:
    assert "w[" not in normalisation(then, bias)


@pytest.mark.parametrize("then", KEPT.values(), ids=KEPT)
def test_what_else_reads_the_result_keeps_them(then: str) -> None:
    assert "w[" in normalisation(then, True)
