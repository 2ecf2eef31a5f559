import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on


@pytest.mark.parametrize("mode", ["linear", "cubic", "nearest"])
@pytest.mark.parametrize("by", ["sizes", "scales"])
def test_changes(mode, by, rng):
    given = np.int64([1, 2, 10, 21]) if by == "sizes" else np.float32([1, 1, 2, 3])
    inputs = "x, , , s" if by == "sizes" else "x, , s"
    text = f"""(float[1,2,5,7] x) => (float[1,2,10,21] y) {{
        y = Resize<coordinate_transformation_mode="half_pixel_symmetric", mode="{mode}">({inputs}) }}"""
    model = changes("resize_symmetric_by_half_pixel", text, rng, s=given)
    assert ops(model) == ["Resize"]
    if mode == "linear":
        assert worst_on("4.10.0 5.0.0", model, rng) < 1e-5


@pytest.mark.parametrize(
    ("place", "scale", "reason"),
    [
        ("half_pixel", 2.0, "the mode is not half_pixel_symmetric"),
        ("half_pixel_symmetric", 2.1, "a size is not the scale's multiple"),
    ],
)
def test_declines(place, scale, reason):
    text = f"""(float[1,1,1,5] x) => (float[1,1,1,10] y) {{
        y = Resize<coordinate_transformation_mode="{place}">(x, , s) }}"""
    assert declines("resize_symmetric_by_half_pixel", text, s=np.float32([1, 1, 1, scale])) == reason
