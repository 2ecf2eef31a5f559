import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(12))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    before = [int(n) for n in rng.integers(1, 5, rng.integers(2, 5))]
    repeats = rng.integers(1, 4, len(before))
    extents, result = (",".join(map(str, shape)) for shape in (before, repeats * before))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Tile(x, r) }}"
    model = changes("tile_by_concat", text, rng, r=repeats)
    assert ops(model) == (["Concat"] * int((repeats > 1).sum()) or ["Identity"])
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize(
    ("text", "repeats", "reason"),
    [
        pytest.param(
            "(float[1,3] x) => (float[600,3] y) { y = Tile(x, r) }",
            (600, 1),
            "a Concat of 600 copies is too many; up to 512 were measured",
            id="many",
        ),
        pytest.param(
            "(float[1,3] x) => (float[0,3] y) { y = Tile(x, r) }",
            (0, 1),
            "repeats are [0, 1], so the result is empty",
            id="0",
        ),
        pytest.param(
            "(int64[1,3] x) => (int64[2,3] y) { y = Tile(x, r) }",
            (2, 1),
            "the input is INT64, only FLOAT was measured",
            id="int",
        ),
    ],
)
def test_declines(text, repeats, reason):
    assert declines("tile_by_concat", text, r=np.array(repeats, np.int64)) == reason
