"""What the tests of the rules for comparisons share: hard pairs of numbers, and the tests of one rule for several ops."""

from __future__ import annotations

import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.real import worst_on

TEXT = """(float[1,3,4,5] x, float[1,3,4,5] z) => (float[1,3,4,5] y) {
    m = OP(x, z)
    y = Cast<to=1>(m) }"""

EDGES = np.array(
    [0, -0.0, 1, -1, 1e-45, -1e-45, 2e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 1.0000001, np.inf, -np.inf],
    np.float32,
)


def one_of_each(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of the numbers."""
    x, z = np.meshgrid(numbers, numbers)
    return x.ravel(), z.ravel()


def feeds_for(rng: np.random.Generator, scale: float = 1.0) -> dict[str, np.ndarray]:
    """Two tensors that are equal in a third of the places, and next to one another in another third."""
    x = np.asarray(rng.uniform(-3, 3, (1, 3, 4, 5)) * scale, np.float32)
    way = rng.integers(0, 3, x.shape)
    z = np.where(way == 0, x, np.where(way == 1, np.nextafter(x, np.float32(0)), -x))
    return {"x": x, "z": z.astype(np.float32)}


class OfDifference:
    """Of a rule that compares the operands' difference with zero."""

    rule: str
    op: str

    @pytest.mark.parametrize("scale", [1e-44, 1, 1e38])
    def test_changes(self, scale, rng):
        model = changes(self.rule, TEXT.replace("OP", self.op), rng, feeds=feeds_for(rng, scale))
        assert ops(model) == ["Sub", self.op, "Cast"]

    def test_edges(self, rng):
        x, z = one_of_each(EDGES if self.op in ("Greater", "Less") else EDGES[np.isfinite(EDGES)])
        text = f"(float[{x.size}] x, float[{x.size}] z) => (bool[{x.size}] y) {{ y = {self.op}(x, z) }}"
        changes(self.rule, text, rng, feeds={"x": x, "z": z})

    def test_whole_numbers(self, rng):
        text = f"(int64[3,1] x, int64[3,4] z) => (bool[3,4] y) {{ y = {self.op}(x, z) }}"
        feeds = {"x": rng.integers(-3, 3, (3, 1)), "z": rng.integers(-3, 3, (3, 4))}
        model = changes(self.rule, text, rng, feeds=feeds)
        assert ops(model) == ["Cast", "Cast", self.op]

    def test_it_runs_on_opencv(self, rng):
        text = (
            f"(float[1,3,4,5] x, float[1,3,1,1] z) => (float[1,3,4,5] y) {{ m = {self.op}(z, x)  y = Cast<to=1>(m) }}"
        )
        model = changes(self.rule, text, rng)
        assert worst_on("4.10.0 5.0.0", model, rng, drawn(model, rng)) == 0

    def test_declines(self):
        text = f"(float[3] x) => (bool[3] y) {{ y = {self.op}(x, c) }}"
        assert declines(self.rule, text, c=np.array(0, np.float32)) == "it is compared with zero already"

    def test_declines_other_numbers(self):
        text = f"(double[3] x, double[3] z) => (bool[3] y) {{ y = {self.op}(x, z) }}"
        assert declines(self.rule, text) == "the operands are neither FLOAT nor whole numbers"
        text = f"(int64[3] x) => (bool[3] y) {{ y = {self.op}(x, c) }}"
        reason = "a constant is beyond 16777216, where float32 leaves out whole numbers"
        assert declines(self.rule, text, c=np.array(1 << 25)) == reason


class FillConstant:
    """Of a rule that gives a constant the tensor's shape."""

    rule: str
    op: str

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 1), (3, 1, 1)])
    def test_changes(self, shape, rng):
        text = f"(float[3,4,5] x) => (bool[3,4,5] y) {{ y = {self.op}(x, c) }}"
        feeds = {"x": rng.integers(-1, 2, (3, 4, 5)).astype(np.float32)}
        model = changes(self.rule, text, rng, feeds=feeds, c=rng.integers(-1, 2, shape).astype(np.float32))
        assert ops(model) == [self.op]
        assert worst_on("4.5.5 4.6.0 4.10.0 5.0.0", model, rng, feeds) == 0

    def test_declines(self):
        reason = "the constant has the tensor's shape already, or a larger one"
        for shape in ((3, 4), (2, 3, 4)):
            text = f"(float[3,4] x) => (bool[{','.join(map(str, shape))}] y) {{ y = {self.op}(x, c) }}"
            assert declines(self.rule, text, c=np.zeros(shape, np.float32)) == reason
        text = f"(float[3] x, float z) => (bool[3] y) {{ y = {self.op}(x, z) }}"
        assert declines(self.rule, text) == "the right operand is not the only constant one"
