"""Resizing images as a form: as the kernel, for every mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converter.numpy_runtime import plan
from tests.numpy_runtime.judge import body, draw, judged
from tests.onnx_text import graph

HOW = [
    'mode="linear"',
    'mode="linear", coordinate_transformation_mode="align_corners"',
    'mode="linear", antialias=1',
    'mode="cubic", coordinate_transformation_mode="pytorch_half_pixel"',
    'mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5',
    'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"',
    'mode="nearest"',
]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("target", ["scales 2, 3", "scales 0.6, 1.5", "sizes 130, 5", "sizes 9, 22", "axes"])
def test_resize(how: str, target: str) -> None:
    rng = np.random.default_rng(0)
    constants: dict[str, Any] = {"w": draw(rng, 7, 7, 1, 1)}
    numbers = [float(n) for n in target.split(" ", 1)[1].split(",")] if target != "axes" else [2.0, 2.0]
    given = "none, none, sizes" if "sizes" in target else "none, scales"
    if "sizes" in target:
        constants["sizes"] = np.array([2, 7, *numbers], np.int64)
        constants["none"] = np.zeros(0, np.float32)
    else:
        constants["scales"] = np.array(numbers if target == "axes" else [1, 1, *numbers], np.float32)
        constants["none"] = np.zeros(0, np.float32)
    axes = ", axes=[2, 3]" if target == "axes" else ""
    text = f"""(float[2,7,11,13] x) => (float[a,b,c,d] y) {{
        c = Conv(x, w)
        y = Resize<{how}{axes}>(c, {given})
    }}"""
    program = judged(graph(text, **constants), {"x": draw(rng, 2, 7, 11, 13)}, 4e-6)
    assert " = resize(" in body(program)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_the_aspect_ratio_is_kept(policy: str) -> None:
    text = f"""(float[1,3,8,10] x) => (float[a,b,c,d] y) {{
        y = Resize<mode="linear", axes=[2, 3], keep_aspect_ratio_policy="{policy}">(x, none, none, sizes)
    }}"""
    model = graph(text, sizes=np.array([12, 20]), none=np.zeros(0, np.float32))
    judged(model, {"x": draw(np.random.default_rng(0), 1, 3, 8, 10)}, 3e-6)


@pytest.mark.parametrize("shape", ["1,3,600,10", "1,3,10", "1,3,4,5,6"])
def test_large_matrices_and_other_ranks_stay_with_the_kernel(shape: str) -> None:
    sizes = [int(n) for n in shape.split(",")]
    text = f'(float[{shape}] x) => (float[y0] y) {{ y = Resize<mode="linear">(x, none, scales) }}'.replace(
        "y0", ",".join("abcde"[: len(sizes)])
    )
    model = graph(text, scales=np.array([1, 1] + [2] * (len(sizes) - 2), np.float32), none=np.zeros(0, np.float32))
    program = judged(model, {"x": draw(np.random.default_rng(0), *sizes)}, 3e-6)
    assert "Resize(" in body(program)


def test_any_batch() -> None:
    model = graph(
        '(float[n,3,8,10] x) => (float[n,3,16,20] y) { y = Resize<mode="linear">(x, none, scales) }',
        scales=np.array([1, 1, 2, 2], np.float32), none=np.zeros(0, np.float32),
    )  # fmt: skip
    loaded, x = plan(model).load(), draw(np.random.default_rng(0), 3, 3, 8, 10)
    np.testing.assert_array_equal(loaded.run({"x": x})["y"][1:2], loaded.run({"x": x[1:2]})["y"])


def test_half_weights_leave_how_to_resize_alone() -> None:
    model = graph(
        '(float[1,3,20,20] x) => (float[1,3,60,60] y) { y = Resize<mode="linear">(x, none, scales) }',
        scales=np.array([1, 1, 3, 3], np.float32), none=np.zeros(0, np.float32),
    )  # fmt: skip
    x = draw(np.random.default_rng(0), 1, 3, 20, 20)
    whole, half = (plan(model, half=half).load().run({"x": x})["y"] for half in (False, True))
    np.testing.assert_array_equal(half, whole)
