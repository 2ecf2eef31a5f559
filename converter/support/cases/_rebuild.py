"""A record (`_records.py`) as a model of one node again, with constants and inputs drawn so that its op makes sense of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from converter.backends import OnnxRuntime
from converter.graph import IR_VERSION, WORKING_OPSET
from converter.support.cases import Arrays, Case
from converter.support.cases._records import Record, attribute_proto, identity

SAMPLES = 2
"""Of inputs for each case: what reads memory that it was not given can be right once, by luck, and not twice."""

POSITIVE = {("Sqrt", 0), ("Log", 0), ("ReduceLogSum", 0), ("Acosh", 0), ("BatchNormalization", 4)}
AWAY_FROM_ZERO = {("Div", 1), ("Reciprocal", 0), ("Mod", 1)}
WITHIN_ONE = {("Asin", 0), ("Acos", 0), ("Atanh", 0)}


def model_of(record: Record, *, weights: bool = True) -> onnx.ModelProto:
    """The model: one node in the working opset, shapes static, constants as initializers, the used outputs declared.

    Without `weights`, constants whose numbers the record does not have are inputs.
    Raises ValueError when the node has no run-time input: such a node is folded before anything is asked about it.
    """
    if not _run_time(record):
        raise ValueError(f"{record['op']} has no run-time input")
    names, inputs, initializers = [], [], []
    for position, entry in enumerate(record["inputs"]):
        if entry is None:
            names.append("")
        elif "as" in entry:
            names.append(names[entry["as"]])
        elif entry.get("constant") and (weights or "values" in entry):
            names.append(f"c{position}")
            array = draw(record, position, _rng(record, position))
            initializers.append(onnx.numpy_helper.from_array(array, names[-1]))
        else:
            names.append(f"x{position}")
            inputs.append(_value_info(names[-1], entry))
    outputs = [_value_info(f"y{position}", entry) for position, entry in enumerate(record["outputs"])]
    used = [entry["used"] for entry in record["outputs"]]
    op, domain = record["op"], record["domain"]
    node = onnx.NodeProto(op_type=op, domain=domain, name=op, input=names, output=[value.name for value in outputs])
    node.attribute.extend(attribute_proto(op, domain, name, value) for name, value in record["attributes"].items())
    opsets = {"": WORKING_OPSET, **({domain: 1} if domain else {})}
    graph = onnx.GraphProto(
        name="seen",
        node=[node],
        input=inputs,
        initializer=initializers,
        output=[value for value, use in zip(outputs, used, strict=True) if use],
        value_info=[value for value, use in zip(outputs, used, strict=True) if not use],
    )
    return onnx.ModelProto(
        ir_version=IR_VERSION,
        producer_name="torch2cv",
        graph=graph,
        opset_import=[onnx.OperatorSetIdProto(domain=name, version=version) for name, version in opsets.items()],
    )


def node_of(record: Record) -> ir.Node:
    """The record's node, typed, to ask keys and tables about: large weights are zeros there, which takes no time."""
    node = next(iter(ir.from_proto(model_of(record, weights=False)).graph))
    for position, (value, entry) in enumerate(zip(node.inputs, record["inputs"], strict=True)):
        if value is None or not entry.get("constant") or "values" in entry:
            continue
        if "range" in entry:
            array = draw(record, position, _rng(record, position))
        else:
            array = np.zeros(entry["shape"], _dtype(entry))
        value.const_value = ir.tensor(array)
    return node


def samples_of(record: Record) -> list[dict[str, np.ndarray]]:
    """`SAMPLES` draws of the run-time inputs, by name."""
    return [
        {f"x{position}": draw(record, position, _rng(record, position, sample)) for position in _run_time(record)}
        for sample in range(1, SAMPLES + 1)
    ]


def _run_time(record: Record) -> list[int]:
    """The positions of the inputs that are fed."""
    return [
        position
        for position, entry in enumerate(record["inputs"])
        if entry is not None and "as" not in entry and not entry.get("constant")
    ]


def case_of(name: str, record: Record) -> Case:
    """The record as a case; what is right is what ONNX Runtime computes, its optimiser off."""
    model, samples = model_of(record), samples_of(record)
    return Case(name, model, samples, right_answers(model, samples))


def right_answers(model: onnx.ModelProto, samples: Sequence[Arrays]) -> list[dict[str, np.ndarray]]:
    """ONNX Runtime's outputs for each sample."""
    session = OnnxRuntime(model.SerializeToString(), threads=1)
    return [session.run(sample) for sample in samples]


def _rng(record: Record, position: int, sample: int = 0) -> np.random.Generator:
    digest = hashlib.sha256(identity(record).encode()).digest()
    return np.random.default_rng([int.from_bytes(digest[:8], "big"), position, sample])


def _value_info(name: str, entry: dict[str, Any]) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DataType.Value(entry["dtype"]), entry["shape"])


# --- numbers ---------------------------------------------------------------------------------------------------------


def draw(record: Record, position: int, rng: np.random.Generator) -> np.ndarray:
    """An array for one input: the record's own numbers where it has them, else fitting ones."""
    entry = record["inputs"][position]
    dtype, shape = _dtype(entry), tuple(entry["shape"])
    if "values" in entry:
        return np.array([float(n) if isinstance(n, str) else n for n in entry["values"]], dtype).reshape(shape)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if record["op"] in ("GatherND", "ScatterND") and position == 1:
        return _places(record, rng).astype(dtype)
    if dtype.kind in "iu":
        low, high = entry.get("range") or _integers(record, position)
        return rng.integers(low, high + 1, shape).astype(dtype)
    return np.asarray(_floats(record, position, rng, shape), dtype)


def _places(record: Record, rng: np.random.Generator) -> np.ndarray:
    """Coordinates into the first input, no two alike as long as there are enough: what is written twice has no right answer."""
    shape = record["inputs"][1]["shape"]
    batch = record["attributes"].get("batch_dims", 0)
    extents = record["inputs"][0]["shape"][batch : batch + shape[-1]]
    every, count = math.prod(extents), math.prod(shape[:-1])
    flat = rng.permutation(every)[:count] if count <= every else rng.integers(0, every, count)
    return np.stack(np.unravel_index(flat, extents), axis=-1).reshape(shape)


def _dtype(entry: dict[str, Any]) -> np.dtype[Any]:
    kind = onnx.TensorProto.DataType.Value(entry["dtype"])
    dtype: np.dtype[Any] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    return dtype


def _integers(record: Record, position: int) -> tuple[int, int]:
    """Bounds, both included, of run-time integers."""
    op = record["op"]
    if op in ("Gather", "GatherElements") and position == 1:
        return 0, record["inputs"][0]["shape"][record["attributes"].get("axis", 0)] - 1
    return (1, 5) if (op, position) in AWAY_FROM_ZERO else (0, 5)


def _floats(record: Record, position: int, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers, wide enough to reach every piece of an activation, or what the op or the constant's sign asks for."""
    op, entry = record["op"], record["inputs"][position]
    sign = entry.get("sign", "any")
    if sign == "infinite":  # a mask
        return np.where(rng.random(shape) < 0.3, -np.inf, 0.0)
    if (op, position) in POSITIVE or sign == "positive" or (op == "Pow" and position == 0 and _broken_power(record)):
        return rng.uniform(0.5, 1.5, shape)
    if sign == "not negative":
        return rng.uniform(0, 1, shape)
    if (op, position) in AWAY_FROM_ZERO:
        return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))
    if (op, position) in WITHIN_ONE:
        return rng.uniform(-0.9, 0.9, shape)
    # zeros are how random networks start (biases, means): trained ones have numbers there
    return np.asarray(rng.standard_normal(shape, np.float32) * (1 if entry.get("constant") else 2))


def _broken_power(record: Record) -> bool:
    exponent = record["inputs"][1].get("values")
    return exponent is None or float(exponent[0]) != int(float(exponent[0]))
