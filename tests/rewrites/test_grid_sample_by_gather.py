import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "grid_sample_by_gather"


def text(shape, points, mode="linear", padding="zeros", aligned=0):
    n, c, h, w = shape
    node = f'GridSample<mode="{mode}", padding_mode="{padding}", align_corners={aligned}>(x, g)'
    return f"(float[{n},{c},{h},{w}] x) => (float[{n},{c},{points[0]},{points[1]}] y) {{ y = {node} }}"


def grid_of(points, rng, reach=1.6, n=1):
    return rng.uniform(-reach, reach, (n, *points, 2)).astype(np.float32)


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize(("shape", "points"), [((1, 3, 6, 8), (5, 7)), ((1, 1, 7, 7), (4, 6)), ((1, 2, 1, 5), (2, 3))])
def test_changes(mode, padding, aligned, shape, points, rng):
    changes(RULE, text(shape, points, mode, padding, aligned), rng, g=grid_of(points, rng))


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_points_far_outside(mode, padding, rng):
    grid = np.concatenate([grid_of((6, 6), rng, 8), np.zeros((1, 1, 6, 2), np.float32)], axis=1)
    changes(RULE, text((1, 3, 8, 8), (7, 6), mode, padding), rng, g=grid)


def test_whole_pixels_are_only_gathered(rng):
    ticks = np.linspace(-1, 1, 5, dtype=np.float32)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)[None]
    model = changes(RULE, text((1, 2, 5, 5), (5, 5), aligned=1), rng, g=grid)
    assert ops(model) == ["Reshape", "Gather", "Reshape"]


def test_it_runs_on_opencv(rng):
    model = changes(RULE, text((1, 3, 6, 8), (5, 7)), rng, g=grid_of((5, 7), rng))
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) < 1e-5


def test_declines(rng):
    node = "(float[1,2,4,4] x, float[1,2,2,2] g) => (float[1,2,2,2] y) { y = GridSample(x, g) }"
    assert declines(RULE, node) == "the grid comes from another node; only a constant was measured"


def test_declines_batches_and_what_reads_nothing(rng):
    reason = "the batch has 2 images, each with points of its own"
    assert declines(RULE, text((2, 3, 4, 4), (2, 2)), g=grid_of((2, 2), rng, n=2)) == reason
    outside = np.full((1, 2, 2, 2), 5, np.float32)
    reason = "no point lies in the image: the result is constant"
    assert declines(RULE, text((1, 3, 4, 4), (2, 2)), g=outside) == reason
