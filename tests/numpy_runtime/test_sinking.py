"""What follows the Transpose behind a linear layer goes into the layer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph

SUNK = {
    "a scale": "y = Mul(t, gamma)",
    "a sum": "y = Add(r, t)",
    "a scale and a sum": "s = Mul(t, gamma) y = Add(s, r)",
    "one number": "y = Mul(half, t)",
}
KEPT = {
    "a scale of rows": "y = Mul(t, rows)",
    "another reads it": "s = Mul(t, gamma) y = Sub(s, t)",
    "the tensor itself": "y = Mul(t, t)",
    "a constant sum": "y = Add(t, rows)",
    "a smaller sum": "y = Add(t, small)",
}


def network(then: str, bias: bool) -> tuple[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    constants = {
        "w": draw(rng, 8, 6) / 3, "b": draw(rng, 6), "gamma": draw(rng, 1, 6, 1, 1), "half": np.float32(0.5),
        "rows": draw(rng, 1, 1, 4, 1),
    }  # fmt: skip
    text = f"""(float[2,4,5,8] x, float[2,6,4,5] r, float[2,1,4,5] small) => (float[2,6,4,5] y) {{
        m = MatMul(x, w)
        {"a = Add(m, b)" if bias else "a = Identity(m)"}
        t = Transpose<perm=[0, 3, 1, 2]>(a)
        {then}
    }}"""
    words = set(text.replace("(", " ").replace(")", " ").replace(",", " ").split())
    return text, {name: array for name, array in constants.items() if name in words}


FEEDS = {
    name: draw(np.random.default_rng(n), 2, *shape)
    for n, (name, shape) in enumerate({"x": (4, 5, 8), "r": (6, 4, 5), "small": (1, 4, 5)}.items())
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("then", SUNK.values(), ids=SUNK)
def test_sunk(then: str, bias: bool) -> None:
    text, constants = network(then, bias)
    lines = body(judged(graph(text, **constants), FEEDS, 3e-6))
    assert " = linear(" in lines
    assert "Mul(" not in lines
    assert "Add(" not in lines


@pytest.mark.parametrize("then", KEPT.values(), ids=KEPT)
def test_kept(then: str) -> None:
    text, constants = network(then, True)
    lines = body(judged(graph(text, **constants), FEEDS, 3e-6))
    assert any(f"{op}(" in lines for op in ("Mul", "Add", "Sub"))
