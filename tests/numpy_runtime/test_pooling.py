"""Maxima of windows as a form."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph


@pytest.mark.parametrize("seed", range(10))
def test_max_pool(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, strides = ([int(n) for n in rng.integers(1, 5, 2)] for _ in range(2))
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 70)), *(int(n) for n in rng.integers(5, 40, 2)))
    size = ",".join(map(str, shape))
    text = f"""(float[{size}] x) => (float[a,b,c,d] y) {{
        n = {"Neg(x)" if seed % 2 else "Conv(x, w)"}
        y = MaxPool<kernel_shape={kernel}, strides={strides}, pads={pads}>(n)
    }}"""
    weights = {} if seed % 2 else {"w": draw(rng, shape[1], shape[1], 1, 1)}
    program = judged(graph(text, **weights), {"x": draw(rng, *shape) - 5}, 3e-6)
    assert " = max_pool(" in body(program)


@pytest.mark.parametrize(
    "attributes", ["ceil_mode=1, strides=[2, 2]", "dilations=[2, 1]", 'auto_pad="SAME_UPPER", strides=[2, 2]']
)
def test_others(attributes: str) -> None:
    text = f"(float[1,3,8,9] x) => (float[a,b,c,d] y) {{ y = MaxPool<kernel_shape=[3, 2], {attributes}>(x) }}"
    program = judged(graph(text), {"x": draw(np.random.default_rng(0), 1, 3, 8, 9)}, 1e-6)
    assert (" = max_pool(" in body(program)) == ("auto_pad" in attributes)


def test_the_places_of_maxima_stay_with_the_kernel() -> None:
    text = "(float[1,3,8,9] x) => (float[a,b,c,d] y, int64[a,b,c,d] i) { y, i = MaxPool<kernel_shape=[3, 2]>(x) }"
    program = judged(graph(text), {"x": draw(np.random.default_rng(0), 1, 3, 8, 9)}, 1e-6)
    assert " = MaxPool(" in body(program)
