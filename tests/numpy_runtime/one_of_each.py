"""A small network with one layer of several forms: what the tests of running a program run."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from tests.numpy_runtime.judge import draw
from tests.onnx_text import graph


def model(side: int) -> ir.Model:
    """x (1, 16, side, side): y (1, side, side, 24)."""
    rng = np.random.default_rng(0)
    text = f"""(float[1,16,{side},{side}] x) => (float[1,{side},{side},24] y) {{
        d = Conv<pads=[2, 2, 2, 2], group=16>(x, dw)
        c = Conv<pads=[1, 1, 1, 1]>(d, cw, cb)
        r = Relu(c)
        t = Transpose<perm=[0, 2, 3, 1]>(r)
        n = LayerNormalization<axis=-1>(t, s)
        m = MatMul(n, w)
        y = Gelu(m)
    }}"""
    weights = {
        "dw": draw(rng, 16, 1, 5, 5) / 5,
        "cw": draw(rng, 32, 16, 3, 3) / 12,
        "cb": draw(rng, 32),
        "s": draw(rng, 32),
    }
    return graph(text, **weights, w=draw(rng, 32, 24) / 6)
