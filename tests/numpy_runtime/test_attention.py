"""Attention and what surrounds it, drawn, against ONNX Runtime; what it does not know yet, against loops over elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from tests.numpy_runtime.judge import agree, draw, ours, same


def queries_keys_values(rng: np.random.Generator, rank: int) -> tuple[list[Any], dict[str, Any], tuple[int, int]]:
    """Inputs, attributes and (length of the queries, length of the keys)."""
    batch, groups, heads = (int(n) for n in rng.integers(1, 4, 3))
    size, length, keys = (int(n) for n in rng.integers(1, 7, 3))
    many = heads * (groups if rng.random() < 0.5 else 1)
    arrays = [draw(rng, batch, many, length, size), *(draw(rng, batch, heads, keys, size) for _ in range(2))]
    attributes: dict[str, Any] = {}
    if rank == 3:
        arrays = [x.swapaxes(1, 2).reshape(batch, x.shape[2], -1) for x in arrays]
        attributes = {"q_num_heads": many, "kv_num_heads": heads}
    return arrays, attributes, (length, keys)


@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("seed", range(20))
def test_attention(seed: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    arrays, attributes, (length, keys) = queries_keys_values(rng, rank)
    if rng.random() < 0.3:
        attributes["scale"] = 0.3
    if rng.random() < 0.3:
        attributes["softcap"] = 0.7
    mask = rng.choice(["none", "bool", "float", "causal"])
    if mask == "bool":
        allowed = rng.random((length, keys)) < 0.7
        allowed[:, 0] = True  # each query may look somewhere
        arrays.append(allowed)
    elif mask == "float":
        arrays.append(draw(rng, *((length, keys) if rng.random() < 0.5 else (arrays[0].shape[0], 1, length, keys))))
    attributes["is_causal"] = int(mask == "causal")
    agree("Attention", arrays, attributes, error=5e-6, opset=23)


@pytest.mark.parametrize("seed", range(8))
def test_attention_with_a_past(seed: int) -> None:
    """And with everything that it can give: keys and values with the past ones, and the scores at a stage."""
    rng = np.random.default_rng(seed)
    arrays, attributes, _ = queries_keys_values(rng, 4)
    batch, heads, _, size = arrays[1].shape
    past = [draw(rng, batch, heads, 3, size) for _ in range(2)]
    attributes["qk_matmul_output_mode"] = seed % 4
    agree("Attention", [*arrays, None, *past], attributes, outputs=4, error=5e-6, opset=23)
    agree("Attention", [*arrays, None, *past], attributes, outputs=3, error=5e-6, opset=23)


def test_attention_to_nothing_is_zero() -> None:
    rng = np.random.default_rng(0)
    x = draw(rng, 1, 2, 3, 4)
    mask = np.array([[True, False, True], [False, False, False], [True, True, True]])
    y, *_, shares = ours("Attention", [x, x, x, mask], {"qk_matmul_output_mode": 3}, outputs=4)
    assert not y[:, :, 1].any()
    assert not shares[:, :, 1].any()
    np.testing.assert_allclose(shares.sum(-1)[:, :, [0, 2]], 1, rtol=1e-6)


@pytest.mark.parametrize(("left", "right", "causal"), [(2, 0, 0), (1, 1, 0), (-1, 0, 0), (0, -1, 0), (2, 3, 1)])
def test_attention_in_a_window(left: int, right: int, causal: int) -> None:
    """The same as with a mask of the pairs that are near enough."""
    rng = np.random.default_rng(0)
    q, k = draw(rng, 2, 3, 4, 5), draw(rng, 2, 3, 6, 5)
    ahead = np.arange(6) - np.arange(4)[:, None]
    mask = (ahead >= -left if left >= 0 else ahead > -99) & (ahead <= right if right >= 0 else ahead < 99)
    mask &= ahead <= (0 if causal else 99)
    got = ours("Attention", [q, k, k], {"left_window_size": left, "right_window_size": right, "is_causal": causal})[0]
    same(got, ours("Attention", [q, k, k, mask], {})[0], 1e-6)


def test_attention_with_padded_keys() -> None:
    """Of each item only its first keys count, and a causal query counts back from their end."""
    rng = np.random.default_rng(0)
    q, k, v = draw(rng, 2, 2, 2, 4), draw(rng, 2, 2, 6, 4), draw(rng, 2, 2, 6, 4)
    lengths = np.array([3, 6])
    for causal in (0, 1):
        got = ours("Attention", [q, k, v, None, None, None, lengths], {"is_causal": causal})[0]
        for item, length in enumerate(lengths):
            keys = [x[item : item + 1, :, :length] for x in (k, v)]
            mask = np.arange(length) <= np.arange(2)[:, None] + (length - 2 if causal else 99)
            same(got[item : item + 1], ours("Attention", [q[item : item + 1], *keys, mask], {})[0], 1e-6)


def test_attention_in_half_precision() -> None:
    rng = np.random.default_rng(0)
    q = draw(rng, 1, 2, 3, 4).astype(np.float16)
    got = ours("Attention", [q, q, q], {"softmax_precision": onnx.TensorProto.FLOAT})[0]
    exact = ours("Attention", [q.astype(np.float32)] * 3, {})[0]
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, exact, atol=2e-3)


def test_attention_without_heads() -> None:
    with pytest.raises(ValueError, match=r"^attention over arrays of rank 3 needs q_num_heads and kv_num_heads$"):
        ours("Attention", [np.ones((1, 2, 4), np.float32)] * 3, {})


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_rotary_embedding(seed: int, interleaved: int) -> None:
    rng = np.random.default_rng(seed)
    batch, heads, length = (int(n) for n in rng.integers(1, 5, 3))
    size = 2 * int(rng.integers(2, 6))
    turned = size if rng.random() < 0.5 else 2 * int(rng.integers(1, size // 2 + 1))
    attributes = {"interleaved": interleaved, "rotary_embedding_dim": 0 if turned == size else turned}
    x = draw(rng, batch, heads, length, size)
    if rng.random() < 0.5 or turned != size:  # ONNX Runtime wants num_heads for a part
        x, attributes["num_heads"] = x.swapaxes(1, 2).reshape(batch, length, -1), heads
    if rng.random() < 0.5:
        caches = [draw(rng, 9, turned // 2) for _ in range(2)]
        agree("RotaryEmbedding", [x, *caches, rng.integers(0, 9, (batch, length))], attributes, opset=23)
    else:
        agree("RotaryEmbedding", [x, *(draw(rng, batch, length, turned // 2) for _ in range(2))], attributes, opset=23)


@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize("axis", [-2, 1, 2, -1])
def test_tensor_scatter(axis: int, mode: str) -> None:
    rng = np.random.default_rng(0)
    cache = draw(rng, 3, 5, 6, 7)
    new = draw(rng, *(2 if n == axis % 4 else length for n, length in enumerate(cache.shape)))
    start = np.array([0, 2, 4 if mode == "circular" else 3])
    agree("TensorScatter", [cache, new, start], {"axis": axis, "mode": mode}, opset=24)
    agree("TensorScatter", [cache, new], {"axis": axis, "mode": mode}, opset=24)


@pytest.mark.parametrize("rank", range(2, 5))
def test_root_mean_square_normalisation(rank: int) -> None:
    rng = np.random.default_rng(rank)
    x = draw(rng, *(2, 3, 4, 5)[:rank])
    for axis in range(-rank, rank):
        agree("RMSNormalization", [x, draw(rng, *x.shape[axis:])], {"axis": axis, "epsilon": 1e-3}, opset=23)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize("share", [1, 2])
def test_linear_attention(rule: str, share: int) -> None:
    """The recurrence of ONNX's text, one item, one head and one step at a time."""
    rng = np.random.default_rng(0)
    batch, heads, length, size, width = 2, 2, 5, 3, 4
    q, k = draw(rng, batch, length, heads * share * size), draw(rng, batch, length, heads * size)
    v, state = draw(rng, batch, length, heads * width), draw(rng, batch, heads, size, width)
    decay = -abs(draw(rng, batch, length, heads)) if "gated" in rule else None
    beta = rng.random((batch, length, heads)).astype(np.float32) if "delta" in rule else None
    attributes = {"q_num_heads": heads * share, "kv_num_heads": heads, "update_rule": rule, "scale": 0.5}
    y, last = ours("LinearAttention", [q, k, v, state, decay, beta], attributes, outputs=2)
    for item in range(batch):
        for head in range(heads):
            s = state[item, head].astype(np.float64)
            for time in range(length):
                key, value = (x[item, time].reshape(heads, -1)[head] for x in (k, v))
                s = s * (1 if decay is None else np.exp(decay[item, time, head]))
                new = value if beta is None else (value - s.T @ key) * beta[item, time, head]
                s = s + np.outer(key, new)
                for number in range(head * share, (head + 1) * share):
                    query = q[item, time].reshape(heads * share, size)[number]
                    got = y[item, time].reshape(heads * share, width)[number]
                    np.testing.assert_allclose(got, 0.5 * s.T @ query, atol=2e-5)
            np.testing.assert_allclose(last[item, head], s, atol=2e-5)


@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("width", [1, 3])
def test_causal_convolution(width: int, activation: str) -> None:
    """As a convolution that is padded in front; cut in two, the second half goes on where the first ended."""
    rng = np.random.default_rng(0)
    x, w, b = draw(rng, 2, 4, 7), draw(rng, 4, 1, width), draw(rng, 4)
    attributes = {"activation": activation}
    y, state = ours("CausalConvWithState", [x, w, b], attributes, outputs=2)
    wanted = ours("Conv", [x, w, b], {"group": 4, "pads": [width - 1, 0]})[0]
    same(y, wanted if activation == "none" else (wanted / (1 + np.exp(-wanted))).astype(np.float32), 2e-6)
    np.testing.assert_array_equal(state, x[..., 7 - (width - 1) :])
    first, kept = ours("CausalConvWithState", [x[..., :1], w, b], attributes, outputs=2)
    second, last = ours("CausalConvWithState", [x[..., 1:], w, b, kept], attributes, outputs=2)
    same(np.concatenate([first, second], axis=-1), y, 1e-6)
    np.testing.assert_array_equal(last, state)
