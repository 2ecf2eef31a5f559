"""Fourier transforms and mel scales. The last axis holds one real number, or the real and the imaginary part."""

# mypy: disable-error-code="no-any-return"
# NumPy's stubs say Any for arithmetic with arrays of any dtype

from __future__ import annotations

import numpy as np

from converter.numpy_runtime.kernels.arrays import _axes, _dtype, _ints


def _as_complex(x: np.ndarray) -> np.ndarray:
    return x[..., 0] if x.shape[-1] == 1 else x[..., 0] + 1j * x[..., 1]


def _as_pairs(x: np.ndarray, dtype: np.dtype) -> np.ndarray:  # type: ignore[type-arg]
    return np.stack([x.real, x.imag], axis=-1).astype(dtype, copy=False)


def DFT(
    input: np.ndarray,
    dft_length: np.ndarray | None = None,
    axis: np.ndarray | None = None,
    /,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> np.ndarray:
    """Of `dft_length` elements, cut or filled with zeros; one-sided and inverse gives real numbers."""
    (along,) = _axes(-2 if axis is None else axis, input.ndim)
    count = None if dft_length is None else _ints(dft_length)[0]
    x = _as_complex(input)
    if inverse and onesided:
        return np.fft.irfft(x, count, axis=along)[..., None].astype(input.dtype, copy=False)
    transform = np.fft.ifft if inverse else np.fft.rfft if onesided else np.fft.fft
    return _as_pairs(transform(x, count, axis=along), input.dtype)


def STFT(
    signal: np.ndarray,
    frame_step: np.ndarray,
    window: np.ndarray | None = None,
    frame_length: np.ndarray | None = None,
    /,
    *,
    onesided: int = 1,
) -> np.ndarray:
    """signal (batch, length, 1 or 2): (batch, frames, bins, 2)."""
    step = _ints(frame_step)[0]
    width = signal.shape[1]
    if window is not None or frame_length is not None:
        width = _ints(frame_length)[0] if frame_length is not None else len(window)  # type: ignore[arg-type]
    starts = np.arange((signal.shape[1] - width) // step + 1) * step
    frames = _as_complex(signal)[:, starts[:, None] + np.arange(width)]
    if window is not None:
        frames = frames * window
    one_side = onesided and signal.shape[-1] == 1
    return _as_pairs(np.fft.rfft(frames) if one_side else np.fft.fft(frames), signal.dtype)


def MelWeightMatrix(
    num_mel_bins: np.ndarray,
    dft_length: np.ndarray,
    sample_rate: np.ndarray,
    lower_edge_hertz: np.ndarray,
    upper_edge_hertz: np.ndarray,
    /,
    *,
    output_datatype: int = 1,
) -> np.ndarray:
    """(spectrum bins, mel bins): triangles, equally wide on the scale 2595 log10(1 + f / 700), their peaks 1."""
    bands, length, rate = _ints(num_mel_bins)[0], _ints(dft_length)[0], _ints(sample_rate)[0]
    edges = [np.asarray(edge, np.float64).item() for edge in (lower_edge_hertz, upper_edge_hertz)]
    low, high = (2595 * np.log10(1 + edge / 700) for edge in edges)
    hertz = 700 * (10 ** ((low + np.arange(bands + 2) * ((high - low) / (bands + 2))) / 2595) - 1)
    corners = (length + 1) * hertz // rate
    y = np.zeros((length // 2 + 1, bands))
    for band in range(bands):
        start, peak, end = (int(corner) for corner in corners[band : band + 3])
        if start == peak:
            y[peak, band] = 1
        else:
            y[start : peak + 1, band] = (np.arange(start, peak + 1) - start) / (peak - start)
        if peak < end:
            y[peak:end, band] = (end - np.arange(peak, end)) / (end - peak)
    return y.astype(_dtype(output_datatype))
