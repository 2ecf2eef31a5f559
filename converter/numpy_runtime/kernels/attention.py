"""Attention and what surrounds it: rotary embeddings, caches, linear attention, causal convolution."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

from typing import Any

import numpy as np

from converter.numpy_runtime.kernels.activations import Sigmoid
from converter.numpy_runtime.kernels.arrays import _dtype


def _heads(x: np.ndarray, count: int | None) -> np.ndarray:
    """(batch, heads, length, size), from that or from (batch, length, heads * size)."""
    if x.ndim == 4:
        return x
    if not count:
        raise ValueError("attention over arrays of rank 3 needs q_num_heads and kv_num_heads")
    return x.reshape(x.shape[0], x.shape[1], count, -1).swapaxes(1, 2)


def Attention(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    attn_mask: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    nonpad_kv_seqlen: np.ndarray | None = None,
    /,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
    outputs: int = 1,
) -> Any:
    """Vaswani et al., arXiv 1706.03762; query heads that share keys: Ainslie et al., arXiv 2305.13245.

    Q, K, V (batch, heads, length, size) or (batch, length, heads * size). More `outputs`: the keys and the values with
    the past ones before them, and the scores at the stage `qk_matmul_output_mode`. A query that may attend to nothing
    gets zeros.
    """
    q, k, v = _heads(Q, q_num_heads), _heads(K, kv_num_heads), _heads(V, kv_num_heads)
    past = 0
    if past_key is not None and past_value is not None:
        past = past_key.shape[2]
        k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    keys, values = k, v
    if q.shape[1] != k.shape[1]:
        k, v = (np.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    kind = q.dtype.type
    root = kind(np.sqrt(q.shape[-1] ** -0.5 if scale is None else scale))
    scores = np.matmul(q * root, k.swapaxes(2, 3) * root)
    seen = scores
    if softcap:
        scores = kind(softcap) * np.tanh(scores / kind(softcap))
    seen = scores if qk_matmul_output_mode == 1 else seen
    lengths = nonpad_kv_seqlen if past_key is None else None
    offset = np.array(past) if lengths is None else lengths.reshape(-1, 1, 1, 1) - q.shape[2]
    allowed = _allowed(q.shape[2], k.shape[2], offset, is_causal, left_window_size, right_window_size)
    if nonpad_kv_seqlen is not None:
        allowed = allowed & (np.arange(k.shape[2]) < nonpad_kv_seqlen.reshape(-1, 1, 1, 1))
    bias = np.where(allowed, kind(0), kind(-np.inf))
    if attn_mask is not None:
        bias = bias + _mask_bias(attn_mask, k.shape[2], q.dtype)
    scores = scores + bias
    seen = scores if qk_matmul_output_mode == 2 else seen
    if softmax_precision is not None:
        scores = scores.astype(_dtype(softmax_precision))
    nothing = np.isneginf(bias.max(axis=-1, keepdims=True))
    share = np.exp(scores - np.where(nothing, 0, scores.max(axis=-1, keepdims=True)).astype(scores.dtype))
    share = np.where(nothing, scores.dtype.type(0), share / np.where(nothing, 1, share.sum(axis=-1, keepdims=True)))
    share = share.astype(q.dtype)
    seen = share if qk_matmul_output_mode == 3 else seen
    y = np.matmul(share, v)
    if Q.ndim == 3:
        y = y.swapaxes(1, 2).reshape(Q.shape[0], Q.shape[1], -1)
    return y if outputs == 1 else (y, keys, values, seen)[:outputs]


def _allowed(queries: int, keys: int, offset: np.ndarray, is_causal: int, left: int, right: int) -> np.ndarray:
    """Which keys each query may attend to; query i stands at place i + offset among the keys."""
    ahead = np.arange(keys) - (np.arange(queries)[:, None] + offset)
    allowed = np.ones(ahead.shape, np.bool_)
    if is_causal:
        allowed &= ahead <= 0
    if left >= 0:
        allowed &= ahead >= -left
    if right >= 0:
        allowed &= ahead <= right
    return allowed


def _mask_bias(mask: np.ndarray, keys: int, dtype: Any) -> np.ndarray:
    """What to add to the scores; a mask may say nothing about the last keys, which then are not attended to."""
    bias = np.where(mask, dtype.type(0), dtype.type(-np.inf)) if mask.dtype == np.bool_ else mask.astype(dtype)
    if 1 < bias.shape[-1] < keys:
        rest = np.full((*bias.shape[:-1], keys - bias.shape[-1]), -np.inf, dtype)
        bias = np.concatenate([bias, rest], axis=-1)
    return bias


def RotaryEmbedding(
    X: np.ndarray,
    cos_cache: np.ndarray,
    sin_cache: np.ndarray,
    position_ids: np.ndarray | None = None,
    /,
    *,
    interleaved: int = 0,
    num_heads: int | None = None,
    rotary_embedding_dim: int = 0,
) -> np.ndarray:
    """Su et al., arXiv 2104.09864. X (batch, heads, length, size) or (batch, length, heads * size)."""
    x = _heads(X, num_heads)
    cos, sin = (cache if position_ids is None else np.asarray(cache)[position_ids] for cache in (cos_cache, sin_cache))
    cos, sin = cos[:, None], sin[:, None]  # the same for all heads
    turned = rotary_embedding_dim or x.shape[-1]
    half = turned // 2
    first = slice(0, turned, 2) if interleaved else slice(0, half)
    second = slice(1, turned, 2) if interleaved else slice(half, turned)
    y = np.array(x)
    y[..., first] = cos * x[..., first] - sin * x[..., second]
    y[..., second] = sin * x[..., first] + cos * x[..., second]
    return y if X.ndim == 4 else y.swapaxes(1, 2).reshape(X.shape)


def TensorScatter(
    past_cache: np.ndarray,
    update: np.ndarray,
    write_indices: np.ndarray | None = None,
    /,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> np.ndarray:
    """`update` written into the cache along `axis`, for each item of the batch from its own index on."""
    cache = np.array(np.moveaxis(past_cache, axis, 1))
    new = np.moveaxis(update, axis, 1)
    start = np.zeros(cache.shape[0], np.int64) if write_indices is None else write_indices.reshape(-1)
    places = start[:, None] + np.arange(new.shape[1])
    if mode == "circular":
        places = places % cache.shape[1]
    cache[np.arange(cache.shape[0])[:, None], places] = new
    return np.moveaxis(cache, 1, axis)


def LinearAttention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    past_state: np.ndarray | None = None,
    decay: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    /,
    *,
    chunk_size: int = 64,
    kv_num_heads: int,
    q_num_heads: int,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
    outputs: int = 1,
) -> Any:
    """Yang, Kautz and Hatamizadeh, Gated Delta Networks, arXiv 2412.06464: the recurrence, a step at a time.

    query, key, value (batch, length, heads * size), decay and beta one a head or one an element of the key. With
    `outputs=2` also the last state.
    """
    work = np.float32 if query.dtype == np.float16 else query.dtype
    q, k, v = (
        _heads(x, n).astype(work, copy=False)
        for x, n in ((query, q_num_heads), (key, kv_num_heads), (value, kv_num_heads))
    )
    batch, heads, length, size = k.shape
    gated, delta = "gated" in update_rule, "delta" in update_rule
    gate = np.exp(_per_head(decay, heads, work)) if gated and decay is not None else None
    rate = _per_head(beta, heads, work) if delta and beta is not None else None
    factor = q.dtype.type(scale if scale else size**-0.5)
    state = np.zeros((batch, heads, size, v.shape[-1]), work) if past_state is None else past_state.astype(work)
    y = np.empty((batch, q_num_heads, length, v.shape[-1]), work)
    for time in range(length):
        if gate is not None:
            state = state * gate[:, :, time, :, None]
        new = v[:, :, time]
        if delta:
            new = new - np.einsum("bhkv,bhk->bhv", state, k[:, :, time])
            if rate is not None:
                new = new * rate[:, :, time]
        state = state + k[:, :, time, :, None] * new[:, :, None, :]
        asked = q[:, :, time].reshape(batch, heads, -1, size)
        y[:, :, time] = (factor * np.matmul(asked, state)).reshape(batch, q_num_heads, -1)
    packed = y.swapaxes(1, 2).reshape(batch, length, -1).astype(query.dtype, copy=False)
    kind = query.dtype if past_state is None else past_state.dtype
    return packed if outputs == 1 else (packed, state.astype(kind, copy=False))


def _per_head(x: np.ndarray, heads: int, dtype: Any) -> np.ndarray:
    """(batch, length, heads * n), or (batch, length, 1) for all heads, as (batch, heads, length, n)."""
    x = np.asarray(x, dtype)
    return x[:, None] if x.shape[-1] < heads else _heads(x, heads)


def CausalConvWithState(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    past_state: np.ndarray | None = None,
    /,
    *,
    activation: str = "none",
    outputs: int = 1,
) -> Any:
    """input (batch, channels, length), weight (channels, 1, k): each place sees itself and the k - 1 before it.

    With `outputs=2` also what the next call has to know: the last k - 1 places.
    """
    width, length = weight.shape[-1], input.shape[-1]
    before = np.zeros((*input.shape[:2], width - 1), input.dtype) if past_state is None else past_state
    x = np.concatenate([before.astype(input.dtype, copy=False), input], axis=-1)
    work = np.float32 if x.dtype == np.float16 else x.dtype
    y = np.zeros(input.shape, work)
    for place in range(width):
        y += x[..., place : place + length].astype(work, copy=False) * weight[:, 0, place, None].astype(work)
    if bias is not None:
        y += bias.reshape(-1, 1)
    if activation in ("silu", "swish"):
        y = y * Sigmoid(y)
    y = y.astype(input.dtype, copy=False)
    return y if outputs == 1 else (y, x[..., x.shape[-1] - (width - 1) :])
