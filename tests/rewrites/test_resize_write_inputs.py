import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("attributes", ['mode="nearest", nearest_mode="floor"', 'mode="linear"'])
@pytest.mark.parametrize("by", ["sizes", "scales"])
def test_changes(attributes, by, rng):
    given = np.int64([1, 2, 10, 14]) if by == "sizes" else np.float32([1, 1, 2, 2])
    inputs = "x, , , s" if by == "sizes" else "x, , s"
    text = f"""(float[1,2,5,7] x) => (float[1,2,10,14] y) {{
        y = Resize<coordinate_transformation_mode="asymmetric", {attributes}>({inputs}) }}"""
    model = changes("resize_write_inputs", text, rng, s=given)
    assert ops(model) == ["Resize"]
    assert None not in model.graph[0].inputs
    assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng) < 1e-5


@pytest.mark.parametrize(
    ("inputs", "mode", "reason"),
    [
        ("x, r, s", "nearest", "no input is left out in the middle"),
        ("x, , s", "cubic", "mode cubic with antialiasing or interpolation of a higher order is refused in any form"),
    ],
)
def test_declines(inputs, mode, reason):
    text = f'(float[1,2,5,7] x) => (float[1,2,10,14] y) {{ y = Resize<mode="{mode}">({inputs}) }}'
    given = {"s": np.float32([1, 1, 2, 2]), "r": np.zeros(0, np.float32)}
    assert declines("resize_write_inputs", text, **given) == reason
