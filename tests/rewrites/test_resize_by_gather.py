import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

PLACES = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_changes(place, rounding, rng):
    for before, after in [("5,7", "9,4"), ("3,3", "7,7"), ("10,13", "12,8"), ("6,1", "1,5"), ("14,7", "28,16")]:
        text = f"""(float[1,2,{before}] x) => (float[1,2,{after}] y) {{
            y = Resize<coordinate_transformation_mode="{place}", nearest_mode="{rounding}">(x, , , s) }}"""
        model = changes("resize_by_gather", text, rng, s=np.int64([1, 2, *(int(n) for n in after.split(","))]))
        assert set(ops(model)) == {"Gather"}
    assert worst_on("4.7.0 4.10.0 5.0.0", model, rng) == 0


@pytest.mark.parametrize("place", ["half_pixel", "asymmetric"])
def test_scales_are_taken_as_given(place, rng):
    text = f"""(float[1,2,9,7] x) => (float[1,2,15,16] y) {{
        y = Resize<coordinate_transformation_mode="{place}", axes=[3, 2]>(x, , s) }}"""
    changes("resize_by_gather", text, rng, s=np.float32([2.3, 1.7]))


@pytest.mark.parametrize(
    ("attributes", "after", "reason"),
    [
        ('mode="linear"', "9,4", "mode linear is not nearest"),
        ('mode="nearest"', "5,7", "the size does not change"),
        ('coordinate_transformation_mode="half_pixel_symmetric"', "9,4",
         "coordinate_transformation_mode half_pixel_symmetric was not measured"),
        ('keep_aspect_ratio_policy="not_larger"', "9,4", "the aspect ratio is kept by a policy"),
    ],
)  # fmt: skip
def test_declines(attributes, after, reason):
    text = f"(float[1,2,5,7] x) => (float[1,2,{after}] y) {{ y = Resize<{attributes}>(x, , , s) }}"
    assert declines("resize_by_gather", text, s=np.int64([1, 2, *(int(n) for n in after.split(","))])) == reason
