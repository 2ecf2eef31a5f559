"""Recurrent layers: RNN, GRU, LSTM, in one or both directions."""

# ruff: noqa: B905 - pasted code runs on Python 3.8, whose zip knows no `strict`
# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.activations import (
    Elu,
    HardSigmoid,
    LeakyRelu,
    Relu,
    Sigmoid,
    Softplus,
    Softsign,
    ThresholdedRelu,
)
from converter.numpy_runtime.kernels.shaping import ReverseSequence


def _affine(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return x * x.dtype.type(alpha) + x.dtype.type(beta)


def _scaled_tanh(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.tanh(x * x.dtype.type(beta)) * x.dtype.type(alpha)


_ACTIVATIONS: dict[str, tuple[Callable[..., np.ndarray], tuple[float, ...]]] = {
    "affine": (_affine, (1.0, 0.0)),
    "elu": (lambda x, alpha: Elu(x, alpha=alpha), (1.0,)),
    "hardsigmoid": (lambda x, alpha, beta: HardSigmoid(x, alpha=alpha, beta=beta), (0.2, 0.5)),
    "leakyrelu": (lambda x, alpha: LeakyRelu(x, alpha=alpha), (0.01,)),
    "relu": (Relu, ()),
    "scaledtanh": (_scaled_tanh, (1.0, 1.0)),
    "sigmoid": (Sigmoid, ()),
    "softplus": (Softplus, ()),
    "softsign": (Softsign, ()),
    "tanh": (np.tanh, ()),
    "thresholdedrelu": (lambda x, alpha: ThresholdedRelu(x, alpha=alpha), (1.0,)),
}
"""Each with the defaults of its alpha and beta, as many as it takes."""


def _activations(
    names: Sequence[str], alphas: Sequence[float] | None, betas: Sequence[float] | None, clip: float | None
) -> list[Callable[[np.ndarray], np.ndarray]]:
    """The functions in order; those that take an alpha or a beta take the next one of the list while it lasts."""
    left = [list(alphas or ()), list(betas or ())]
    found: list[Callable[[np.ndarray], np.ndarray]] = []
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            raise ValueError(f"a recurrent layer's activation is {name!r}, not one of {sorted(_ACTIVATIONS)}")
        function, defaults = _ACTIVATIONS[name.lower()]
        values = [given.pop(0) if given else default for given, default in zip(left, defaults)]
        found.append(_clipped(function, values, clip))
    return found


def _clipped(
    function: Callable[..., np.ndarray], values: Sequence[float], clip: float | None
) -> Callable[[np.ndarray], np.ndarray]:
    if clip is None:
        return lambda x: function(x, *values)
    return lambda x: function(np.clip(x, x.dtype.type(-clip), x.dtype.type(clip)), *values)


def _run(
    X: np.ndarray,
    lengths: np.ndarray | None,
    initial: Sequence[np.ndarray | None],
    cells: Sequence[Callable[..., tuple[np.ndarray, ...]]],
    inputs: Sequence[Callable[[np.ndarray], np.ndarray]],
    hidden: int,
    direction: str,
    layout: int,
) -> tuple[np.ndarray, ...]:
    """The output of every step and the last states, laid out as ONNX has them.

    inputs: for each direction, X (time, batch, features) to what its cell takes at each time: one product for all times.
    cells: for each direction, (x at one time, states ...) to the new states, the first of which is the output.
    """
    x = X.swapaxes(0, 1) if layout else X
    zeros = np.zeros((len(cells), x.shape[1], hidden), X.dtype)
    given = [state.swapaxes(0, 1) if layout and state is not None else state for state in initial]
    states_of = [zeros if state is None else state for state in given]
    y = np.zeros((x.shape[0], len(cells), x.shape[1], hidden), X.dtype)
    last: list[list[np.ndarray]] = [[] for _ in initial]
    for number, (cell, prepare) in enumerate(zip(cells, inputs)):
        backwards = direction == "reverse" or number == 1
        gates = prepare(_turned(x, lengths) if backwards else x)
        states = tuple(state[number] for state in states_of)
        part = np.zeros((x.shape[0], x.shape[1], hidden), X.dtype)
        for time in range(x.shape[0]):
            new = cell(gates[time], *states)
            if lengths is None:
                part[time], states = new[0], new
                continue
            alive = (time < lengths).reshape(-1, 1)  # a sequence that has ended gives zeros and keeps its state
            part[time] = np.where(alive, new[0], 0)
            states = tuple(np.where(alive, after, before) for after, before in zip(new, states))
        y[:, number] = _turned(part, lengths) if backwards else part
        for found, state in zip(last, states):
            found.append(state)
    finals = [np.stack(found) for found in last]
    if layout:
        return (y.transpose(2, 0, 1, 3), *(state.swapaxes(0, 1) for state in finals))
    return (y, *finals)


def _turned(x: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """(time, batch, ...) backwards, each sequence within its length."""
    return x[::-1] if lengths is None else ReverseSequence(x, lengths)


def _product(W: np.ndarray, bias: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.matmul(x.reshape(-1, x.shape[-1]), W.T).reshape(*x.shape[:-1], W.shape[0]) + bias


def _several(directions: int, functions: Sequence[str] | None, default: Sequence[str]) -> list[str]:
    return list(default) * directions if functions is None else list(functions)


def RNN(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    /,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] = ("Tanh", "Tanh"),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    outputs: int = 1,
) -> Any:
    """X (time, batch, features), W (directions, hidden, features), R (directions, hidden, hidden), B (directions, 2 hidden).

    Y (time, directions, batch, hidden); with `outputs=2` also the last state. `layout=1` has the batch in front.
    """
    hidden = R.shape[-1]
    functions = _activations(activations, activation_alpha, activation_beta, clip)
    bias = np.zeros((R.shape[0], 2 * hidden), X.dtype) if B is None else B

    def cell(number: int) -> Callable[..., tuple[np.ndarray, ...]]:
        return lambda x, h: (functions[number](x + np.matmul(h, R[number].T)),)

    found = _run(
        X,
        sequence_lens,
        [initial_h],
        [cell(number) for number in range(R.shape[0])],
        [_product(w, b[:hidden] + b[hidden:]) for w, b in zip(W, bias)],
        hidden,
        direction,
        layout,
    )
    return found[0] if outputs == 1 else found[:outputs]


def GRU(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    /,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
    outputs: int = 1,
) -> Any:
    """Cho et al., arXiv 1406.1078. Like RNN, with three gates in W, R and B: update, reset, hidden."""
    hidden = R.shape[-1]
    names = _several(R.shape[0], activations, ("Sigmoid", "Tanh"))
    functions = _activations(names, activation_alpha, activation_beta, clip)
    bias = np.zeros((R.shape[0], 6 * hidden), X.dtype) if B is None else B

    def cell(number: int) -> Callable[..., tuple[np.ndarray, ...]]:
        f, g = functions[2 * number : 2 * number + 2]
        gates, candidate = R[number, : 2 * hidden].T, R[number, 2 * hidden :].T
        shift = bias[number, 5 * hidden :]

        def step(x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
            both = f(x[:, : 2 * hidden] + np.matmul(h, gates))
            update, reset = both[:, :hidden], both[:, hidden:]
            if linear_before_reset:
                back = reset * (np.matmul(h, candidate) + shift)
            else:
                back = np.matmul(reset * h, candidate) + shift
            new = g(x[:, 2 * hidden :] + back)
            return (new + update * (h - new),)

        return step

    shifts = [np.concatenate([b[: 2 * hidden] + b[3 * hidden : 5 * hidden], b[2 * hidden : 3 * hidden]]) for b in bias]
    found = _run(
        X,
        sequence_lens,
        [initial_h],
        [cell(number) for number in range(R.shape[0])],
        [_product(w, shift) for w, shift in zip(W, shifts)],
        hidden,
        direction,
        layout,
    )
    return found[0] if outputs == 1 else found[:outputs]


def LSTM(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    initial_c: np.ndarray | None = None,
    P: np.ndarray | None = None,
    /,
    *,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
    outputs: int = 1,
) -> Any:
    """Hochreiter and Schmidhuber, 1997, with the peepholes P of Gers, Schraudolph and Schmidhuber, 2002.

    Like RNN, with four gates in W, R and B: input, output, forget, cell; P (directions, 3 hidden): input, output,
    forget. With `outputs=3` also the last cell state.
    """
    hidden = R.shape[-1]
    names = _several(R.shape[0], activations, ("Sigmoid", "Tanh", "Tanh"))
    functions = _activations(names, activation_alpha, activation_beta, clip)
    # the cell's own output is not clipped: it is no input of a gate
    plain = _activations(names, activation_alpha, activation_beta, None)
    bias = np.zeros((R.shape[0], 8 * hidden), X.dtype) if B is None else B

    def cell(number: int) -> Callable[..., tuple[np.ndarray, ...]]:
        f, g, h_of = functions[3 * number], functions[3 * number + 1], plain[3 * number + 2]
        peep = None if P is None else P[number].reshape(3, hidden)
        back = R[number].T

        def step(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
            gates = x + np.matmul(h, back)
            into, out, forget, new = np.split(gates, 4, axis=1)
            if peep is not None:
                into, forget = into + peep[0] * c, forget + peep[2] * c
            into = f(into)
            kept = 1 - into if input_forget else f(forget)
            c = kept * c + into * g(new)
            out = f(out if peep is None else out + peep[1] * c)
            return out * h_of(c), c

        return step

    found = _run(
        X,
        sequence_lens,
        [initial_h, initial_c],
        [cell(number) for number in range(R.shape[0])],
        [_product(w, b[: 4 * hidden] + b[4 * hidden :]) for w, b in zip(W, bias)],
        hidden,
        direction,
        layout,
    )
    return found[0] if outputs == 1 else found[:outputs]
