"""RNN, GRU and LSTM with drawn shapes, directions, activations, lengths and first states, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.numpy_runtime.judge import agree, normal, ours, same

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
FUNCTIONS = {"RNN": 1, "GRU": 2, "LSTM": 3}
PLAIN = ["Relu", "Tanh", "Sigmoid", "Softsign", "Softplus"]
WITH_NUMBERS = {"Affine": (1, 1), "LeakyRelu": (1, 0), "ThresholdedRelu": (1, 0), "ScaledTanh": (1, 1),
                "HardSigmoid": (1, 1), "Elu": (1, 0)}  # fmt: skip
"""How many numbers each takes from activation_alpha and from activation_beta."""


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.uniform(-0.7, 0.7, shape).astype(np.float32)


def draw_layer(rng: np.random.Generator, op: str) -> tuple[list[Any], dict[str, Any]]:
    """Inputs and attributes of a layer."""
    direction = str(rng.choice(["forward", "reverse", "bidirectional"]))
    directions = 2 if direction == "bidirectional" else 1
    time, batch, features, hidden = (int(n) for n in rng.integers(1, 6, 4))
    arrays: list[Any] = [
        normal(rng, (time, batch, features)),
        weights(rng, directions, GATES[op] * hidden, features),
        weights(rng, directions, GATES[op] * hidden, hidden),
        weights(rng, directions, 2 * GATES[op] * hidden),
        rng.integers(1, time + 1, batch).astype(np.int32),
        weights(rng, directions, batch, hidden),
    ]
    if op == "LSTM":
        arrays += [weights(rng, directions, batch, hidden), weights(rng, directions, 3 * hidden)]
    arrays = [array if number < 3 or rng.random() < 0.5 else None for number, array in enumerate(arrays)]
    attributes: dict[str, Any] = {"direction": direction, "hidden_size": hidden}
    if op == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(0, 2))
    if op == "LSTM" and arrays[7] is None:  # ONNX Runtime couples the gates only without peepholes
        attributes["input_forget"] = int(rng.integers(0, 2))
    if rng.random() < 0.3:
        attributes["clip"] = 0.5
    return arrays, attributes


@pytest.mark.parametrize("op", list(GATES))
@pytest.mark.parametrize("seed", range(40))
def test_drawn(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays, attributes = draw_layer(rng, op)
    directions = 2 if attributes["direction"] == "bidirectional" else 1
    if rng.random() < 0.4:  # gates are bounded, or the state grows beyond all numbers
        gate = [str(name) for name in rng.choice(PLAIN[1:4] if FUNCTIONS[op] > 1 else PLAIN, 1)]
        attributes["activations"] = (gate + [str(name) for name in rng.choice(PLAIN, FUNCTIONS[op] - 1)]) * directions
    while arrays[-1] is None:
        arrays.pop()
    agree(op, arrays, attributes, outputs=FUNCTIONS[op] if op == "LSTM" else 2, error=5e-6)


@pytest.mark.parametrize("name", list(WITH_NUMBERS))
@pytest.mark.parametrize("op", list(GATES))
def test_activations_with_numbers(op: str, name: str) -> None:
    """Each function takes its alpha and beta from the lists in turn; what takes none leaves them to the next."""
    rng = np.random.default_rng(len(name))
    arrays, _ = draw_layer(rng, op)
    directions, hidden = arrays[2].shape[0], arrays[2].shape[2]
    functions = ["Tanh", name, name][3 - FUNCTIONS[op] :] * directions
    alphas, betas = (functions.count(name) * many for many in WITH_NUMBERS[name])
    attributes = {
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
        "activations": functions,
        "activation_alpha": [0.2 + 0.1 * n for n in range(alphas)],
        "activation_beta": [0.3 + 0.1 * n for n in range(betas)],
    }
    agree(op, arrays[:4], {key: value for key, value in attributes.items() if value}, error=5e-6)


@pytest.mark.parametrize("op", list(GATES))
@pytest.mark.parametrize("seed", range(6))
def test_batch_in_front(op: str, seed: int) -> None:
    """`layout=1`, which ONNX Runtime refuses: the same numbers with the axes of `layout=0` exchanged."""
    arrays, attributes = draw_layer(np.random.default_rng(seed), op)
    count = 3 if op == "LSTM" else 2
    wanted = ours(op, arrays, attributes, outputs=count)
    moved = [array.swapaxes(0, 1) if n in (0, 5, 6) and array is not None else array for n, array in enumerate(arrays)]
    got = ours(op, moved, attributes | {"layout": 1}, outputs=count)
    np.testing.assert_array_equal(got[0], wanted[0].transpose(2, 0, 1, 3))
    for state, want in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_array_equal(state, want.swapaxes(0, 1))


def test_peepholes_with_coupled_gates() -> None:
    """Which ONNX Runtime refuses: one step of one unit, by hand."""
    x, w, r, p = 0.5, [0.1, 0.2, 0.3, 0.4], [0.0] * 4, [0.6, 0.7, 0.8]
    c0 = 0.25
    arrays = [np.array(value, np.float32).reshape(shape) for value, shape in (
        (x, (1, 1, 1)), (w, (1, 4, 1)), (r, (1, 4, 1)), (0, (1, 1, 1)), (c0, (1, 1, 1)), (p, (1, 3)))]  # fmt: skip

    def sigmoid(value: float) -> float:
        return float(1 / (1 + np.exp(-value)))

    into = sigmoid(w[0] * x + p[0] * c0)
    c = (1 - into) * c0 + into * float(np.tanh(w[3] * x))
    h = sigmoid(w[1] * x + p[1] * c) * float(np.tanh(c))
    got = ours("LSTM", [*arrays[:3], None, None, *arrays[3:]], {"input_forget": 1}, outputs=3)
    same(got[1], np.array([[[h]]], np.float32), 1e-6)
    same(got[2], np.array([[[c]]], np.float32), 1e-6)


def test_an_activation_that_does_not_exist() -> None:
    arrays, _ = draw_layer(np.random.default_rng(0), "RNN")
    with pytest.raises(ValueError, match=r"^a recurrent layer's activation is 'Swish', not one of \['affine', 'elu'"):
        ours("RNN", arrays[:3], {"activations": ["Swish"]})
