"""Graphs with islands, as one line of ONNX text each, for every target and either mechanism."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
import onnx_ir as ir

from tests.onnx_text import graph

IMAGE = "float[1,3,4,6] x"
_RNG = np.random.default_rng(7)
WEIGHT = _RNG.normal(size=(3, 3, 3, 3)).astype("f")
CONV = "Conv<kernel_shape=[3,3], pads=[1,1,1,1]>"


@dataclass(frozen=True)
class Case:
    """`islands`: which nodes, by their names n0, n1, ... in the order of the text."""

    text: str
    islands: tuple[str, ...]
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def model(self) -> onnx.ModelProto:
        return ir.to_proto(graph(self.text, **self.constants))

    def samples(self, model: onnx.ModelProto) -> list[dict[str, np.ndarray]]:
        """Two sets of inputs; integers are small, as indices are."""
        rng = np.random.default_rng(11)
        samples = []
        for _ in range(2):
            sample = {}
            for value in model.graph.input:
                kind = value.type.tensor_type
                shape = [dim.dim_value for dim in kind.shape.dim]
                dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
                array = rng.normal(size=shape) if dtype.kind == "f" else rng.integers(0, 3, size=shape)
                sample[value.name] = array.astype(dtype)
            samples.append(sample)
        return samples


def reshape(before: str, *after: int) -> Case:
    """From one shape to another."""
    text = f"(float{before} x) => (float{list(after)} y) {{ a = Relu(x)\nb = Reshape(a, k)\ny = Sigmoid(b) }}"
    return Case(text, ("n1",), {"k": np.array(after)})


CASES = {
    "middle": Case(f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Erf(a)\ny = Sigmoid(b) }}", ("n1",)),
    "first": Case(f"({IMAGE}) => (float[1,3,4,6] y) {{ b = Erf(x)\ny = Sigmoid(b) }}", ("n0",)),
    "last": Case(f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Sigmoid(x)\ny = Erf(a) }}", ("n1",)),
    "alone": Case(f"({IMAGE}) => (float[1,3,4,6] y) {{ y = Erf(x) }}", ("n0",)),
    "in a row": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Erf(a)\nc = Sin(b)\ny = Sigmoid(c) }}", ("n1", "n2")
    ),
    "two of one operator": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Erf(x)\nb = Sigmoid(a)\nc = Erf(b)\ny = Sigmoid(c) }}", ("n0", "n2")
    ),
    "an output of the graph": Case(
        f"({IMAGE}) => (float[1,3,4,6] y, float[1,3,4,6] b) {{ a = Relu(x)\nb = Erf(a)\ny = Sigmoid(b) }}", ("n1",)
    ),
    "constant first": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Pow(k, a)\ny = Sigmoid(b) }}",
        ("n1",),
        {"k": np.full((3, 1, 1), 1.5, "f")},
    ),
    "an input twice": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Mul(a, a)\ny = Sigmoid(b) }}", ("n1",)
    ),
    "a left-out input": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Clip(a, , k)\ny = Sigmoid(b) }}",
        ("n1",),
        {"k": np.float32(0.5)},
    ),
    "attributes": Case(
        f"({IMAGE}) => (float[1,4,6,3] y) {{ a = Relu(x)\nb = Transpose<perm=[0,2,3,1]>(a)\ny = Sigmoid(b) }}", ("n1",)
    ),
    "a region that is fused": Case(
        f"({IMAGE}, float[1,3,4,6] g) => (float[1,3,4,6] y) "
        "{ a = Relu(g)\nb = HardSigmoid<alpha=0.16666667, beta=0.5>(a)\ny = Mul(x, b) }",
        ("n1",),
    ),
    "inside a chain": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = {CONV}(x, w)\nb = Erf(a)\nc = {CONV}(b, w)\nd = Relu(c)\ny = Add(d, b) }}",
        ("n1",),
        {"w": WEIGHT},
    ),
    "an activation behind Conv": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = {CONV}(x, w)\nb = Relu(a)\nc = {CONV}(b, w)\ny = Add(c, a) }}",
        ("n1",),
        {"w": WEIGHT},
    ),
    "two inputs": Case(
        f"({IMAGE}, float[1,3,4,6] z) => (float[1,3,4,6] y) {{ a = Relu(x)\nb = Sub(a, z)\ny = Sigmoid(b) }}", ("n1",)
    ),
    "two outputs": Case(
        f"({IMAGE}) => (float[1,1,4,6] y, float[1,2,4,6] z) "
        "{ a = Relu(x)\nb, c = Split<axis=1>(a, k)\ny = Sigmoid(b)\nz = Sigmoid(c) }",
        ("n1",),
        {"k": np.array([1, 2])},
    ),
    "second output of the graph": Case(
        f"({IMAGE}) => (float[1,1,4,6] y, float[1,2,4,6] c) {{ a = Relu(x)\nb, c = Split<axis=1>(a, k)\ny = Sigmoid(b) }}",
        ("n1",),
        {"k": np.array([1, 2])},
    ),
    "integer output": Case(
        "(float[1,5] x) => (float[1,3] y) { a = Sigmoid(x)\nv, i = TopK<axis=1>(a, k)\nw = GatherElements<axis=1>(a, i)\n"
        "y = Relu(w) }",
        ("n1", "n2"),
        {"k": np.array([3])},
    ),
    "integers from the net": Case(
        f"({IMAGE}) => (float[1,1,4,6] y) {{ i = ArgMax<axis=1>(x)\nb = Cast<to=1>(i)\ny = Sigmoid(b) }}", ("n1",)
    ),
    "integers into the net": Case(
        f"({IMAGE}) => (float[1,1,4,6] y) {{ i = ArgMax<axis=1>(x)\nb = Cast<to=1>(i)\ny = Sigmoid(b) }}", ("n0",)
    ),
    "integer input": Case(
        "(float[1,3,4,6] x, int64[2] i) => (float[1,2,4,6] y) { a = Relu(x)\nb = Gather<axis=1>(a, i)\ny = Sigmoid(b) }",
        ("n1",),
    ),
    "booleans between islands": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nm = Greater(a, k)\nb = Where(m, a, x)\ny = Sigmoid(b) }}",
        ("n1", "n2"),
        {"k": np.float32(0.5)},
    ),
    "booleans into the net": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = Relu(x)\nm = Greater(a, k)\nb = Cast<to=1>(m)\ny = Sigmoid(b) }}",
        ("n1",),
        {"k": np.float32(0.5)},
    ),
    "rank 1": reshape("[1,12]", 12),
    "from rank 1": reshape("[12]", 1, 12),
    "rank 2": reshape("[3,4]", 6, 2),
    "rank 3": reshape("[1,3,4]", 1, 6, 2),
    "rank 3 last": Case(
        "(float[1,3,4] x) => (float[1,6,2] y) { a = Relu(x)\ny = Reshape(a, k) }", ("n1",), {"k": np.array([1, 6, 2])}
    ),
    "rank 5": Case("(float[1,2,3,4,5] x) => (float[1,2,3,4,5] y) { a = Relu(x)\nb = Erf(a)\ny = Sigmoid(b) }", ("n1",)),
    "scalar": Case("(float[1,3,4,6] x) => (float y) { a = Sigmoid(x)\ny = ReduceMax<keepdims=0>(a) }", ("n1",)),
    "branches": Case(
        f"({IMAGE}) => (float[1,3,4,6] y) {{ a = {CONV}(x, w)\nb = Erf(a)\nc = Sigmoid(b)\nd = Sin(a)\ne = {CONV}(d, w)\n"
        "f = Add(c, e)\ng = Erf(f)\ny = Add(g, a) }",
        ("n1", "n3", "n6"),
        {"w": WEIGHT},
    ),
}
"""Name -> case. What they have in common: everything but the islands runs right on every target, but for ranks."""
