"""Kernels and programs against ONNX Runtime on the same arrays: what the tests of this folder share."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper

from converter.graph import IR_VERSION, WORKING_OPSET
from converter.numpy_runtime import KERNELS, Program, plan
from tests.numpy_runtime.crews import run_together
from tests.onnx_text import ort_run


def node_model(
    op: str, arrays: list[Any], attributes: dict[str, Any], outputs: int = 1, opset: int = WORKING_OPSET
) -> onnx.ModelProto:
    """A model of one node; a None among the arrays is an absent input."""
    names = [f"x{n}" if array is not None else "" for n, array in enumerate(arrays)]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, arrays, strict=True)
        if array is not None
    ]
    results = [f"y{n}" for n in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=name) for name in results])
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", opset)])


def ours(op: str, arrays: list[Any], attributes: dict[str, Any], outputs: int = 1) -> list[np.ndarray]:
    """The kernel's results. What it was given must be as before."""
    before = [None if array is None else array.copy() for array in arrays]
    extra = {"outputs": outputs} if outputs > 1 and op not in ("Split", "TopK") else {}
    plain = {name: np.asarray(onnx.numpy_helper.to_array(value)) if isinstance(value, onnx.TensorProto) else value
             for name, value in attributes.items()}  # fmt: skip
    with np.errstate(all="ignore"):
        result = KERNELS[op](*arrays, **plain, **extra)
    for array, copy in zip(arrays, before, strict=True):
        if array is not None:
            np.testing.assert_array_equal(array, copy, err_msg=f"{op} changed its input")
    return [np.asarray(array) for array in (result if isinstance(result, tuple) else (result,))]


def agree(
    op: str,
    arrays: list[Any],
    attributes: dict[str, Any] | None = None,
    *,
    outputs: int = 1,
    error: float = 2e-6,
    opset: int = WORKING_OPSET,
) -> None:
    """The kernel gives ONNX Runtime's dtype, shape and numbers, within `error` of the largest of them."""
    attributes = attributes or {}
    model = node_model(op, arrays, attributes, outputs, opset)
    wanted = ort_run(model, {f"x{n}": array for n, array in enumerate(arrays) if array is not None})
    for got, want in zip(ours(op, arrays, attributes, outputs), wanted, strict=True):
        same(got, want, error)


def same(got: np.ndarray, want: np.ndarray, error: float) -> None:
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    finite = np.abs(want[np.isfinite(want)])
    scale = float(finite.max()) if finite.size else 1.0
    np.testing.assert_allclose(got, want, rtol=0, atol=error * max(scale, 1e-30))


def shape(rng: np.random.Generator, rank: int, low: int = 1, high: int = 6) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(low, high, rank))


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    return rng.normal(0, 2, shape).astype(dtype)


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 1, shape).astype(np.float32)


def right(model: ir.Model, *, error: float = 2e-6, **feeds: np.ndarray) -> Program:
    """The program of a model, checked against ONNX Runtime; the model must be as before."""
    before = ir.to_proto(model).SerializeToString()
    program = plan(model)
    assert ir.to_proto(model).SerializeToString() == before
    got = program.load().run(feeds)
    for array, want in zip(got.values(), ort_run(model, feeds), strict=True):
        assert (array.dtype, array.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(array, want, rtol=0, atol=error * max(1.0, float(np.abs(want).max(initial=0))))
    return program


def body(program: Program) -> str:
    """The function that runs the network, without its first lines."""
    text = program.source.split("def forward(w, feeds, work):\n", 1)[1].split("\n\n\nclass Model", 1)[0]
    return textwrap.dedent(text).split('"""\n', 1)[1]


def judged(model: ir.Model, feeds: dict[str, np.ndarray], error: float) -> Program:
    """The program, right on one thread, on two, in a crew of two and of three, and when it runs again in the same memory."""
    program = plan(model)
    wanted = ort_run(model, feeds)
    results = []
    for threads in (1, 2):
        loaded = program.load(threads=threads)
        loaded.run({name: array[::-1].copy() for name, array in feeds.items()})
        results.append(loaded.run(feeds))
    for ways in (2, 3):
        results += run_together(program, feeds, ways)
    for found in results:
        for got, want in zip(found.values(), wanted, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(got, want, rtol=0, atol=error * max(1.0, float(np.abs(want).max())))
    return program
