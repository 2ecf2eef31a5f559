import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(20))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))
    space, kernel, stride = rng.integers(5, 12, rank), rng.integers(2, 5, rank), rng.integers(1, 3, rank)
    pads = np.concatenate([rng.integers(0, kernel) for _ in range(2)])
    pads[0] = max(pads[0], 1)
    after = (space + pads[:rank] + pads[rank:] - kernel) // stride + 1
    extents, result, k, s, p = (",".join(map(str, numbers)) for numbers in (space, after, kernel, stride, pads))
    text = f"""(float[2,3,{extents}] x) => (float[2,3,{result}] y) {{
        y = AveragePool<kernel_shape=[{k}], strides=[{s}], pads=[{p}], count_include_pad=1>(x) }}"""
    model = changes("pad_before_average_pool", text, rng)
    assert ops(model) == ["Pad", "AveragePool"]
    if rank == 2:
        assert opencv(model, drawn(model, rng)) < 1e-5


def test_opencv_runs_it_between_convolutions(rng, opencv):
    w0, w1 = (rng.standard_normal(shape).astype(np.float32) for shape in ((8, 3, 3, 3), (5, 8, 1, 1)))
    text = """(float[1,3,8,8] x) => (float[1,5,6,6] y) {
        a = Conv<kernel_shape=[3,3]>(x, w0)
        m = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(a)
        y = Conv<kernel_shape=[1,1]>(m, w1) }"""
    model = changes("pad_before_average_pool", text, rng, w0=w0, w1=w1)
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param("pads=[1,1,1,1]", "no padding is counted", id="excluded"),
        pytest.param("count_include_pad=1", "no padding is counted", id="none"),
        pytest.param(
            "pads=[1,1,1,1], count_include_pad=1, ceil_mode=1",
            "ceil_mode=1 adds a padding at the end that is not counted",
            id="ceil",
        ),
    ],
)
def test_declines(attributes, reason):
    text = f"(float[1,2,8,8] x) => (float[1,2,h,w] y) {{ y = AveragePool<kernel_shape=[3,3], {attributes}>(x) }}"
    assert declines("pad_before_average_pool", text) == reason
