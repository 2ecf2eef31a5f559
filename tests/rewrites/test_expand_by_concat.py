import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(12))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    after = [int(n) for n in rng.integers(2, 6, rng.integers(2, 5))]
    grows = rng.random(len(after)) < 0.5
    grows[-1] |= not grows.any()
    before = [1 if grow else n for n, grow in zip(after, grows, strict=True)][int(grows[0]) :]
    extents, result = (",".join(map(str, shape)) for shape in (before, after))
    text = f"(float[{extents}] x) => (float[{result}] y) {{ y = Expand(x, s) }}"
    model = changes("expand_by_concat", text, rng, s=np.array(after, np.int64))
    reshape = ["Reshape"] if grows[0] else []
    assert ops(model) == reshape + ["Concat"] * int(grows.sum())
    assert opencv(model, drawn(model, rng)) == 0


@pytest.mark.parametrize(
    ("text", "shape", "reason"),
    [
        pytest.param("(float[2,3] x) => (float[2,3] y) { y = Expand(x, s) }", (2, 3), "nothing grows", id="same"),
        pytest.param(
            "(float[1,3] x) => (float[600,3] y) { y = Expand(x, s) }",
            (600, 3),
            "a Concat of 600 copies is too many; up to 512 were measured",
            id="many",
        ),
        pytest.param(
            "(int64[1,3] x) => (int64[2,3] y) { y = Expand(x, s) }",
            (2, 3),
            "the input is INT64, only FLOAT was measured",
            id="int",
        ),
    ],
)
def test_declines(text, shape, reason):
    assert declines("expand_by_concat", text, s=np.array(shape, np.int64)) == reason
