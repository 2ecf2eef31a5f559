import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

PLACES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("antialias", [0, 1])
@pytest.mark.parametrize("exclude", [0, 1])
@pytest.mark.parametrize(
    "sizes", [(5, 7, 11, 9), (16, 12, 7, 5), (4, 4, 9, 3), (6, 8, 1, 8), (1, 4, 6, 8), (3, 1, 3, 5), (240, 31, 224, 45)]
)
def test_changes(mode, place, antialias, exclude, sizes, rng):
    high, wide, rows, columns = sizes
    attributes = f'mode="{mode}", coordinate_transformation_mode="{place}", antialias={antialias}'
    if mode == "cubic" or antialias:
        attributes += f", exclude_outside={exclude}"
    text = f"""(float[2,3,{high},{wide}] x) => (float[2,3,{rows},{columns}] y) {{
        y = Resize<{attributes}>(x, , , s) }}"""
    model = changes("resize_by_matmul", text, rng, s=np.array([2, 3, rows, columns], np.int64))
    across = ["MatMul"] if wide != columns else []
    down = ["Transpose", "MatMul", "Transpose"] if high != rows else []
    assert ops(model) == across + down


@pytest.mark.parametrize("scales", [(1, 1, 1.7, 2.3), (1, 1, 0.6, 0.45)])
@pytest.mark.parametrize("place", ["half_pixel", "asymmetric"])
def test_scales_are_taken_as_given(scales, place, rng):
    rows, columns = (int(np.float32(n) * np.float32(s)) for n, s in zip((9, 7), scales[2:], strict=True))
    text = f"""(float[1,2,9,7] x) => (float[1,2,{rows},{columns}] y) {{
        y = Resize<mode="cubic", coordinate_transformation_mode="{place}">(x, , s) }}"""
    changes("resize_by_matmul", text, rng, s=np.array(scales, np.float32))


def test_sizes_of_some_axes(rng):
    text = '(float[1,2,9,7] x) => (float[1,2,5,9] y) { y = Resize<mode="cubic", axes=[3, 2]>(x, , , s) }'
    changes("resize_by_matmul", text, rng, s=np.array([9, 5], np.int64))
    text = '(float[1,2,8,6] x) => (float[1,2,4,9] y) { y = Resize<mode="cubic", axes=[-1, -2]>(x, , s) }'
    changes("resize_by_matmul", text, rng, s=np.array([1.5, 0.5], np.float32))


@pytest.mark.parametrize(
    ("attributes", "before", "after"),
    [
        ('mode="cubic"', "5,6", "9,11"),
        ('mode="linear", antialias=1', "12,10", "5,4"),
        ('mode="linear"', "1,4", "6,8"),
        ('mode="linear"', "4,1", "8,6"),
        ('mode="linear"', "1,1", "6,6"),
    ],
)
def test_opencv_runs_it_between_convolutions(attributes, before, after, rng, opencv):
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 1, 1), (5, 8, 1, 1)))
    text = f"""(float[1,3,{before}] x) => (float[1,5,{after}] y) {{
        a0 = Conv<kernel_shape=[1,1]>(x, w0)
        a = Relu(a0)
        m = Resize<{attributes}>(a, , , s)
        y = Conv<kernel_shape=[1,1]>(m, w1) }}"""
    sizes = np.array([1, 8, *(int(n) for n in after.split(","))], np.int64)
    model = changes("resize_by_matmul", text, rng, w0=w0, w1=w1, s=sizes)
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("attributes", "before", "after", "reason"),
    [
        pytest.param("", "1,2,4,4", "1,2,8,8", "mode nearest is not linear or cubic", id="nearest"),
        pytest.param('mode="linear"', "1,2,4,4", "1,2,4,4", "the size does not change", id="same"),
        pytest.param(
            'mode="linear"',
            "1,2,4,4",
            "1,4,4,4",
            "it resizes [1, 2, 4, 4] to [1, 4, 4, 4], not only height and width of four dimensions",
            id="channels",
        ),
        pytest.param(
            'mode="linear", coordinate_transformation_mode="half_pixel_symmetric"',
            "1,2,4,4",
            "1,2,8,8",
            "coordinate_transformation_mode half_pixel_symmetric was not measured",
            id="symmetric",
        ),
        pytest.param(
            'mode="linear", keep_aspect_ratio_policy="not_larger"',
            "1,2,4,4",
            "1,2,8,8",
            "the aspect ratio is kept by a policy",
            id="policy",
        ),
    ],
)
def test_declines(attributes, before, after, reason):
    text = f"(float[{before}] x) => (float[{after}] y) {{ y = Resize<{attributes}>(x, , , s) }}"
    if not attributes:
        text = text.replace("<>", "")
    assert declines("resize_by_matmul", text, s=np.array([int(n) for n in after.split(",")], np.int64)) == reason
