"""Nodes of older opsets in the form that the kernels take: the one that ONNX gives the operator today.

Most changes are of one kind: an attribute became an input. ONNX's own schemas say which. The rest is listed by operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from converter.errors import UnsupportedOpError
from converter.numpy_runtime.network import Network, Step

_SINCE = 7
"""Operators that changed up to this opset are not known in their older form: broadcasting had rules of its own."""


def modernise(step: Step, version: int, network: Network) -> list[Step]:
    """The node of opset `version` as steps in today's form, constants added where attributes became inputs.

    Raises UnsupportedOpError for the form that an operator had before opset 7, and for Scan of opset 8.
    """
    schema = _schema(step.op, version)
    if schema is None:
        return [step]
    if version < _SINCE and schema.since_version != getattr(_schema(step.op, _SINCE), "since_version", None):
        raise UnsupportedOpError(
            f"{step.op} {step.name!r} of opset {version} cannot run in NumPy",
            measured=f"the operator meant something else before opset {_SINCE}",
            do=("export the model in opset 9 or later",),
        )
    for change in CHANGES.get(step.op, ()):
        if schema.since_version < change.before:
            step.op = change.op or step.op
            change.apply(step, network)
    today = _schema(step.op, onnx.defs.onnx_opset_version())
    if today is not None:
        _attributes_to_inputs(step, today, network)
    if step.op in _COERCED and schema.since_version < 13:
        return _coerced(step, network)
    return [step]


def _schema(op: str, version: int) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(op, version)
    except onnx.defs.SchemaError:
        return None


def _attributes_to_inputs(step: Step, today: onnx.defs.OpSchema, network: Network) -> None:
    """Attributes that are inputs today, as constants: ReduceSum's axes, Slice's starts, TopK's k ..."""
    positions = {formal.name.lower(): number for number, formal in enumerate(today.inputs)}
    for name in [name for name in step.attributes if name not in today.attributes and name.lower() in positions]:
        array = _as_input(step, step.attributes.pop(name), network)
        _set_input(step, positions[name.lower()], name, array, network)


def _as_input(step: Step, value: Any, network: Network) -> np.ndarray:
    """Integers are int64 in ONNX's inputs; a single float has the type of the data, several are scales."""
    if isinstance(value, float):
        return np.array(value, network.dtypes.get(step.inputs[0], "float32"))
    if isinstance(value, list) and value and isinstance(value[0], float):
        return np.array(value, np.float32)
    return np.array(value, np.int64)


def _set_input(step: Step, position: int, name: str, array: np.ndarray, network: Network) -> None:
    step.inputs += [""] * (position + 1 - len(step.inputs))
    step.inputs[position] = network.add_constant(f"{step.outputs[0]}/{name}", array)


class Change:
    """What to do to nodes from schemas older than `before`; `op` is the operator that they are today."""

    def __init__(self, before: int, apply: Callable[[Step, Network], None], op: str = "") -> None:
        self.before, self.apply, self.op = before, apply, op


def _set(**attributes: Any) -> Callable[[Step, Network], None]:
    """Say the old default, where today's is another one."""

    def apply(step: Step, network: Network) -> None:
        step.attributes = {**attributes, **step.attributes}

    return apply


def _rename(attribute: str, **values: str) -> Callable[[Step, Network], None]:
    def apply(step: Step, network: Network) -> None:
        if attribute in step.attributes:
            step.attributes[attribute] = values.get(step.attributes[attribute], step.attributes[attribute])

    return apply


def _drop(attribute: str) -> Callable[[Step, Network], None]:
    def apply(step: Step, network: Network) -> None:
        step.attributes.pop(attribute, None)

    return apply


def _pad_value(step: Step, network: Network) -> None:
    if "value" in step.attributes:
        step.attributes["constant_value"] = step.attributes.pop("value")


def _scales_only(step: Step, network: Network) -> None:
    """Upsample, and Resize of opset 10: no roi between the data and the scales, and no half pixels."""
    if "scales" not in step.attributes:
        step.inputs.insert(1, "")
    step.attributes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", **step.attributes}


def _batched_scan(step: Step, network: Network) -> None:
    raise UnsupportedOpError(
        f"Scan {step.name!r} of opset 8 cannot run in NumPy",
        measured="it scans the second axis, once for each item of the first, which no later opset does",
        do=("export the model in opset 9 or later",),
    )


CHANGES: dict[str, tuple[Change, ...]] = {
    "BatchNormalization": (Change(9, _drop("spatial")),),
    "DFT": (Change(20, _set(axis=1)),),
    "GridSample": (Change(20, _set(mode="linear")), Change(20, _rename("mode", bilinear="linear", bicubic="cubic"))),
    "Pad": (Change(11, _pad_value),),
    "Resize": (Change(11, _scales_only),),
    "RoiAlign": (Change(16, _set(coordinate_transformation_mode="output_half_pixel")),),
    "Scan": (Change(9, _batched_scan),),
    "Scatter": (Change(99, lambda step, network: None, op="ScatterElements"),),
    "Upsample": (Change(99, _scales_only, op="Resize"),),
}
"""Besides attributes that became inputs."""

_COERCED = ("Softmax", "LogSoftmax", "Hardmax")


def _coerced(step: Step, network: Network) -> list[Step]:
    """Before opset 13, `axis` (1 by default) said where the array was cut into a matrix, whose rows were then taken."""
    axis = step.attributes.get("axis", 1)
    shape = network.shapes.get(step.inputs[0])
    if shape is not None and axis in (len(shape) - 1, -1):
        step.attributes["axis"] = -1
        return [step]
    out = step.outputs[0]
    return [
        Step("Flatten", f"{step.name}/flatten", step.inputs, [f"{out}/rows"], {"axis": axis}),
        Step(step.op, step.name, [f"{out}/rows"], [f"{out}/done"], {"axis": -1}),
        Step("Shape", f"{step.name}/shape", step.inputs, [f"{out}/shape"]),
        Step("Reshape", f"{step.name}/reshape", [f"{out}/done", f"{out}/shape"], [out], {"allowzero": 1}),
    ]
