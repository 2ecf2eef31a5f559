import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn

MODES = [
    'mode="linear"',
    'mode="cubic"',
    'mode="nearest"',
    'mode="linear", coordinate_transformation_mode="align_corners"',
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after", ["1,8,6,6", "1,8,1,9", "1,8,7,1", "1,8,33,20"])
def test_changes(mode, after, rng):
    text = f"(float[1,8,1,1] x) => (float[{after}] y) {{ y = Resize<{mode}>(x, , , s) }}"
    model = changes("resize_pixel_by_mul", text, rng, s=np.array([int(n) for n in after.split(",")], np.int64))
    assert ops(model) == ["Mul"]


def test_scales_say_the_size_too(rng):
    text = '(float[1,8,1,1] x) => (float[1,8,3,5] y) { y = Resize<mode="nearest">(x, , s) }'
    assert ops(changes("resize_pixel_by_mul", text, rng, s=np.array([1, 1, 3, 5.5], np.float32))) == ["Mul"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [3, 8, 24])
def test_opencv_runs_the_image_pooling_branch(mode, channels, rng, opencv):
    shapes = ((channels, 3, 3, 3), (channels, channels, 1, 1), (5, 2 * channels, 1, 1))
    w0, w1, w2 = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    text = f"""(float[1,3,9,8] x) => (float[1,5,7,6] y) {{
        a0 = Conv<kernel_shape=[3,3]>(x, w0)
        a = Relu(a0)
        p = GlobalAveragePool(a)
        c = Conv<kernel_shape=[1,1]>(p, w1)
        r = Relu(c)
        q = Resize<{mode}>(r, , , s)
        k = Concat<axis=1>(a, q)
        y = Conv<kernel_shape=[1,1]>(k, w2) }}"""
    model = changes("resize_pixel_by_mul", text, rng, w0=w0, w1=w1, w2=w2, s=np.array([1, channels, 7, 6], np.int64))
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("before", "after", "attributes", "reason"),
    [
        pytest.param("1,8,1,1", "1,8,1,1", "", "the size does not change", id="same"),
        pytest.param(
            "1,8,1,2", "1,8,2,4", "", "it resizes [1, 8, 1, 2] to [1, 8, 2, 4], which is not one pixel", id="two pixels"
        ),
        pytest.param(
            "1,8,1,1",
            "1,8,2,2",
            '<coordinate_transformation_mode="tf_crop_and_resize">',
            "tf_crop_and_resize may fill with another value than the pixel",
            id="crop",
        ),
    ],
)
def test_declines(before, after, attributes, reason):
    constants = {"s": np.array([int(n) for n in after.split(",")], np.int64), "roi": np.zeros(8, np.float32)}
    text = f"(float[{before}] x) => (float[{after}] y) {{ y = Resize{attributes}(x, roi, , s) }}"
    assert declines("resize_pixel_by_mul", text, **constants) == reason
