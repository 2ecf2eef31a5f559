"""How a family draws its cases: a recipe says what one node looks like, its name follows from it, the values from the name.

The right answers are ONNX Runtime's, with its optimiser off; where it has no kernel for a type, those of our own kernels.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converter.backends import OnnxRuntime
from converter.graph import IR_VERSION, WORKING_OPSET
from converter.support.cases import Case, text_model

SAMPLES = 2
"""A layer that reads what it was not given can be right once, by luck, and not twice."""

Arrays = dict[str, np.ndarray]
Shape = Sequence[int]

_SHORT = {"int64": "i64", "int32": "i32", "uint8": "u8", "int8": "i8", "bool": "b", "float16": "f16", "float64": "f64"}


@dataclass(frozen=True)
class Operand:
    """An input of the node: fed at run time, or a constant whose values are drawn once."""

    shape: tuple[int, ...]
    kind: str = "normal"
    dtype: str = "float32"
    constant: bool = False

    def __str__(self) -> str:
        text = "x".join(map(str, self.shape)) or "scalar"
        short = "" if self.dtype == "float32" else ":" + _SHORT[self.dtype]
        return f"{'const ' if self.constant else ''}{text}{short}"


SHAPES: dict[int, tuple[tuple[int, ...], ...]] = {
    0: ((),),
    1: ((6,), (1,)),
    2: ((3, 5), (1, 8), (5, 1), (1, 1)),
    3: ((2, 5, 4), (1, 6, 8), (1, 1, 9), (1, 7, 1), (3, 1, 4), (2, 5, 1)),
    4: (
        (1, 4, 5, 7),
        (2, 3, 4, 5),
        (1, 16, 1, 1),
        (1, 1, 5, 7),
        (1, 4, 1, 7),
        (1, 4, 5, 1),
        (3, 1, 4, 5),
        (1, 1, 1, 8),
    ),
    5: (
        (1, 2, 3, 4, 5),
        (2, 3, 2, 4, 3),
        (1, 1, 3, 4, 5),
        (1, 3, 1, 4, 5),
        (3, 1, 2, 4, 5),
        (1, 2, 3, 1, 5),
        (1, 4, 1, 1, 1),
    ),
    6: ((1, 2, 3, 2, 4, 3), (2, 2, 3, 2, 2, 3), (1, 1, 2, 3, 2, 4), (1, 2, 1, 3, 1, 4), (3, 1, 2, 2, 3, 2)),
}
"""Rank -> shapes, the usual first: where the ones are can decide what an importer makes of an axis."""


def feed(*shape: int, kind: str = "normal", dtype: str = "float32") -> Operand:
    """A run-time input."""
    return Operand(shape, kind, dtype)


def const(*shape: int, kind: str = "normal", dtype: str = "float32") -> Operand:
    """A constant with drawn values (weights)."""
    return Operand(shape, kind, dtype, constant=True)


def ints(*values: int) -> np.ndarray:
    """A constant vector of integers: axes, shapes, pads."""
    return np.array(values, np.int64)


def floats(*values: float) -> np.ndarray:
    """A constant vector of float32."""
    return np.array(values, np.float32)


def scalar(value: float, dtype: str = "float32") -> np.ndarray:
    """A constant of rank 0."""
    return np.asarray(value, dtype)


@dataclass(frozen=True)
class Recipe:
    """One node. `operands` in order; an array is a constant with these values, None an input left out."""

    op: str
    operands: tuple[Operand | np.ndarray | None, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = WORKING_OPSET
    outputs: int = 1

    @property
    def detail(self) -> str:
        """All that makes this recipe differ from others of its op, as text."""
        operands = ", ".join(_spell(operand) for operand in self.operands)
        if len(operands) > 120:
            crc = zlib.crc32(operands.encode())
            operands = f"{len(self.operands)} operands {_spell(self.operands[0])}, ... #{crc:08x}"
        parts = [operands]
        parts += [f"{name}={_spell_attribute(value)}" for name, value in self.attributes.items()]
        if self.opset != WORKING_OPSET:
            parts.append(f"opset={self.opset}")
        if self.outputs > 1:
            parts.append(f"outputs={self.outputs}")
        return " ".join(parts)


def node(
    op: str, *operands: Operand | np.ndarray | None, opset: int = WORKING_OPSET, outputs: int = 1, **attributes: Any
) -> Recipe:
    """The recipe of one node; attributes that are None are left out."""
    given = {name: value for name, value in attributes.items() if value is not None}
    return Recipe(op, operands, given, opset, outputs)


def _spell(operand: Operand | np.ndarray | None) -> str:
    if operand is None:
        return "-"
    if isinstance(operand, Operand):
        return str(operand)
    if operand.size > 12:
        return f"{operand.dtype}{list(operand.shape)}#{zlib.crc32(operand.tobytes()):08x}".replace(" ", "")
    short = "" if operand.dtype in (np.int64, np.float32) else ":" + _SHORT[operand.dtype.name]
    return f"={str(operand.tolist()).replace(' ', '')}{short}"


def _spell_attribute(value: Any) -> str:
    if isinstance(value, onnx.TensorProto):
        return str(numpy_helper.to_array(value).tolist()).replace(" ", "")
    if isinstance(value, float):
        return f"{value:.6g}"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def draw(family: str, recipes: Iterable[Recipe]) -> Iterator[Case]:
    """The case of each recipe; equal recipes make one case, and a recipe that nobody can judge makes none."""
    seen = set()
    for recipe in recipes:
        name = f"{family}/{recipe.op}/{recipe.detail}"
        if name not in seen and (case := _case(name, recipe)) is not None:
            yield case
        seen.add(name)


def refused(family: str, recipes: Iterable[Recipe]) -> list[str]:
    """The names of the recipes that nobody can judge."""
    asked = list(recipes)
    return sorted({f"{family}/{r.op}/{r.detail}" for r in asked} - {case.name for case in draw(family, asked)})


def _case(name: str, recipe: Recipe) -> Case | None:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    graph = onnx.GraphProto(name="g")
    inputs, fed = [], []
    for position, operand in enumerate(recipe.operands):
        inputs.append("" if operand is None else f"x{position}")
        if isinstance(operand, np.ndarray):
            graph.initializer.append(numpy_helper.from_array(operand, inputs[-1]))
        elif operand is not None and operand.constant:
            graph.initializer.append(numpy_helper.from_array(values(rng, operand), inputs[-1]))
        elif operand is not None:
            fed.append((inputs[-1], operand))
    outputs = [f"y{position}" if position else "y" for position in range(recipe.outputs)]
    graph.node.append(helper.make_node(recipe.op, inputs, outputs, name=recipe.op, **recipe.attributes))
    for label, operand in fed:
        dtype = helper.np_dtype_to_tensor_dtype(np.dtype(operand.dtype))
        graph.input.append(helper.make_tensor_value_info(label, dtype, operand.shape))
    graph.output.extend(onnx.ValueInfoProto(name=output) for output in outputs)
    samples = [{label: values(rng, operand) for label, operand in fed} for _ in range(SAMPLES)]
    return finished(name, model_of(graph, recipe.opset), samples)


def model_of(graph: onnx.GraphProto, opset: int) -> onnx.ModelProto:
    """The graph as a model of the given opset."""
    return onnx.ModelProto(
        ir_version=IR_VERSION
        if opset <= WORKING_OPSET
        else helper.find_min_ir_version_for([helper.make_opsetid("", opset)]),
        producer_name="torch2cv",
        graph=graph,
        opset_import=[helper.make_opsetid("", opset)],
    )


def pattern(
    name: str,
    text: str,
    *,
    opset: int = WORKING_OPSET,
    kinds: Mapping[str, str] | None = None,
    **constants: np.ndarray | Operand,
) -> Case:
    """A case of several nodes, written as ONNX text with typed inputs, untyped outputs and constants by keyword."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    arrays = {key: a if isinstance(a, np.ndarray) else values(rng, a) for key, a in constants.items()}
    model = text_model(text, opset=opset, **arrays)
    kinds = kinds or {}
    fed = []
    for info in model.graph.input:
        tensor = info.type.tensor_type
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
        shape = tuple(dim.dim_value for dim in tensor.shape.dim)
        fed.append((info.name, Operand(shape, kinds.get(info.name, "normal"), dtype)))
    samples = [{label: values(rng, operand) for label, operand in fed} for _ in range(SAMPLES)]
    case = finished(name, model, samples)
    if case is None:
        raise ValueError(f"nobody can judge {name}")
    return case


def finished(name: str, model: onnx.ModelProto, samples: Sequence[Arrays]) -> Case | None:
    """The case with its right answers, its outputs typed after them; None where nobody can judge it."""
    for output in model.graph.output:
        output.ClearField("type")
    try:
        expected = _judged(model, samples)
    except Exception as error:  # ONNX Runtime's own come without a common base; this recipe is wrong
        raise ValueError(f"{name}: {error}") from error
    if expected is None:
        return None
    for output in model.graph.output:
        array = expected[0][output.name]
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        output.CopyFrom(helper.make_tensor_value_info(output.name, dtype, array.shape))
    return Case(name, model, samples, expected)


def _judged(model: onnx.ModelProto, samples: Sequence[Arrays]) -> list[Arrays] | None:
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

    try:
        session = OnnxRuntime(model.SerializeToString(), threads=1)
        return [session.run(sample) for sample in samples]
    except NoKernel:
        return _by_own_kernels(model, samples)


def _by_own_kernels(model: onnx.ModelProto, samples: Sequence[Arrays]) -> list[Arrays] | None:
    """What ONNX Runtime has no kernel for, mostly for an element type; None where we have none either."""
    import onnx_ir as ir

    from converter.errors import UnsupportedOpError
    from converter.numpy_runtime import plan

    if model.opset_import[0].version != WORKING_OPSET:
        return None
    typed = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    try:
        program = plan(ir.from_proto(typed))
    except UnsupportedOpError:
        return None
    loaded = program.load()
    return [dict(loaded.run(dict(sample))) for sample in samples]


def values(rng: np.random.Generator, operand: Operand) -> np.ndarray:
    """An array for the operand; its kind says from where."""
    return np.asarray(_KINDS[operand.kind](rng, operand.shape, np.dtype(operand.dtype)), operand.dtype)


Draw = Callable[[np.random.Generator, "tuple[int, ...]", "np.dtype[Any]"], Any]


def _normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape)
    return rng.standard_normal(shape)


def _positive(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        return rng.integers(1, 10, shape)
    return rng.uniform(0.2, 3, shape)


def _away_from_zero(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    signs = np.ones(shape) if dtype.kind == "u" else rng.choice([-1, 1], shape)
    return _positive(rng, shape, dtype) * signs


_KINDS: dict[str, Draw] = {
    "normal": _normal,
    "wide": lambda rng, shape, _: rng.normal(0, 4, shape),
    "small": lambda rng, shape, _: rng.normal(0, 0.2, shape),
    "positive": _positive,
    "nonzero": _away_from_zero,
    "unit": lambda rng, shape, _: rng.uniform(-0.95, 0.95, shape),
    "above one": lambda rng, shape, _: rng.uniform(1.05, 4, shape),
    "few": lambda rng, shape, _: rng.integers(0, 3, shape),
    "distinct": lambda rng, shape, _: rng.permutation(int(np.prod(shape))).reshape(shape) - 5,
    "grid": lambda rng, shape, _: rng.uniform(-1.1, 1.1, shape),
    "zeros": lambda rng, shape, _: np.zeros(shape),
}
"""How values are drawn. "few": small integers, equal now and then, and valid as indices of axes of three or more."""
