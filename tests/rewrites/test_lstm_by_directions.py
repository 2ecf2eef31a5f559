import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

ALL = "4.5.5 4.6.0 4.8.1 4.10.0 4.14.0 5.0.0-classic 5.0.0"


def weights(rng, directions, hidden=5, width=6):
    """Input's and recurrent weights, and the bias."""
    shapes = {"w": (4 * hidden, width), "r": (4 * hidden, hidden), "b": (8 * hidden,)}
    return {name: (rng.standard_normal((directions, *s)) * 0.4).astype(np.float32) for name, s in shapes.items()}


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("inputs", ["x, w, r", "x, w, r, b", "x, w, r, b, , h, c"])
def test_changes(direction, inputs, rng):
    count = 2 if direction == "bidirectional" else 1
    given = {**weights(rng, count), **{s: rng.standard_normal((count, 3, 5)).astype(np.float32) for s in "hc"}}
    given = {name: array for name, array in given.items() if name in inputs}
    text = f"""(float[7,3,6] x) => (float[7,{count},3,5] y) {{
        y = LSTM<hidden_size=5, direction="{direction}">({inputs}) }}"""
    model = changes("lstm_by_directions", text, rng, **given)
    assert ops(model) == ["LSTM"] * count + ["Concat"] * (count - 1)
    assert worst_on(ALL, model, rng) < 1e-6


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_the_last_state_is_a_step_of_the_sequence(direction, rng):
    count = 2 if direction == "bidirectional" else 1
    text = f"""(float[7,3,6] x) => (float[7,{count},3,5] y, float[{count},3,5] h) {{
        y, h = LSTM<hidden_size=5, direction="{direction}">(x, w, r, b) }}"""
    model = changes("lstm_by_directions", text, rng, **weights(rng, count))
    assert worst_on(ALL, model, rng) < 1e-6


@pytest.mark.parametrize(
    ("attributes", "outputs", "reason"),
    [
        ("layout=1", "y", "the layout is batch first, or the activations are others or clipped"),
        ("clip=1.0", "y", "the layout is batch first, or the activations are others or clipped"),
        ("input_forget=1", "y", "its gates are coupled, or it has sequence lengths or peepholes"),
        ("direction=\"forward\"", "y, h, c", "the last cell state (Y_c) is used"),
    ],
)  # fmt: skip
def test_declines(attributes, outputs, reason, rng):
    declared = ", ".join(f"float[a{i},b{i},3,5] {o}" if o == "y" else f"float[1,3,5] {o}"
                         for i, o in enumerate(outputs.split(", ")))  # fmt: skip
    text = f"(float[7,3,6] x) => ({declared}) {{ {outputs} = LSTM<hidden_size=5, {attributes}>(x, w, r, b) }}"
    if "layout" in attributes:
        text = text.replace("float[7,3,6]", "float[3,7,6]")
    assert declines("lstm_by_directions", text, **weights(rng, 1)) == reason
