import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


def weights(rng, directions, hidden=5, width=6):
    """Input's and recurrent weights, and the bias."""
    shapes = {"w": (3 * hidden, width), "r": (3 * hidden, hidden), "b": (6 * hidden,)}
    return {name: (rng.standard_normal((directions, *s)) * 0.4).astype(np.float32) for name, s in shapes.items()}


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("inputs", ["x, w, r", "x, w, r, b", "x, w, r, b, , h"])
@pytest.mark.parametrize("outputs", ["y", "y, h1"])
def test_changes(direction, inputs, outputs, rng):
    count = 2 if direction == "bidirectional" else 1
    given = {**weights(rng, count), "h": rng.standard_normal((count, 3, 5)).astype(np.float32)}
    given = {name: array for name, array in given.items() if name in inputs.replace("h1", "")}
    declared = f"float[7,{count},3,5] y" + (f", float[{count},3,5] h1" if "h1" in outputs else "")
    text = f"""(float[7,3,6] x) => ({declared}) {{
        {outputs} = GRU<hidden_size=5, linear_before_reset=1, direction="{direction}">({inputs}) }}"""
    model = changes("gru_by_directions", text, rng, **given)
    assert ops(model).count("GRU") == count
    assert worst_on("4.8.1 4.10.0 4.14.0 5.0.0-classic", model, rng) < 1e-6


def test_reset_before_the_product(rng):
    text = '(float[7,3,6] x) => (float[7,1,3,5] y) { y = GRU<hidden_size=5, direction="reverse">(x, w, r, b) }'
    changes("gru_by_directions", text, rng, **weights(rng, 1))


@pytest.mark.parametrize("attribute", ["layout=1", "clip=1.0"])
def test_declines(attribute, rng):
    text = f"(float[7,3,6] x) => (float[a,b,c,d] y) {{ y = GRU<hidden_size=5, {attribute}>(x, w, r, b) }}"
    if "layout" in attribute:
        text = text.replace("float[7,3,6]", "float[3,7,6]")
    reason = "the layout is batch first, or the activations are others or clipped"
    assert declines("gru_by_directions", text, **weights(rng, 1)) == reason
