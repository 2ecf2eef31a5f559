"""What a rule's result is judged by before OpenCV sees it: the memory that it takes, and its numbers in ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import onnx
import onnx_ir as ir

from converter.backends import Arrays, OnnxRuntime
from converter.compare import compare
from converter.graph import static_shape

MOST_BYTES = 2**31
"""Of one value that a rule makes: nobody deploys that, and trying it may end the process."""


def too_large(nodes: Iterable[ir.Node]) -> str | None:
    """Why what a rule built is not tried: the size of a value, when it is larger than `MOST_BYTES`."""
    for node in nodes:
        for value in node.outputs:
            shape = static_shape(value)
            size = math.prod(shape) * (value.dtype.itemsize if value.dtype is not None else 4) if shape else 0
            if size > MOST_BYTES:
                return f"its {node.op_type} makes {size / 2**30:.1f} GiB at once"
    return None


SUMS = frozenset({"AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum"})
"""Ops whose result is uncertain in proportion to what they add up, not to the sum: terms may cancel."""


def error_in_onnxruntime(before: onnx.ModelProto, after: onnx.ModelProto, samples: Sequence[Arrays]) -> float:
    """max |difference| over max |before|, the worst output on the worst sample, both run on the same arrays.

    For a sum, over max of the sum of the absolute values: the usual bound of its rounding error (Higham, Accuracy and Stability
    of Numerical Algorithms, 4.2).
    """
    first, then = OnnxRuntime(before.SerializeToString()), OnnxRuntime(after.SerializeToString())
    sums = all(node.op_type in SUMS for node in before.graph.node)
    worst = 0.0
    for sample in samples:
        expected, got = first.run(sample), then.run(sample)
        absolute = first.run({name: np.abs(array) for name, array in sample.items()}) if sums else expected
        for name, array in expected.items():
            relative = compare(got[name], array).relative
            if sums and 0 < relative < math.inf:
                relative *= (float(np.abs(array).max()) or 1.0) / (float(absolute[name].max()) or 1.0)
            worst = max(worst, relative)
    return worst
