"""Every kernel has exactly the inputs and attributes of its ONNX operator's newest form, with ONNX's defaults."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import onnx
import pytest

import converter.numpy_runtime.kernels as kernels
from converter.numpy_runtime import KERNELS
from converter.render import paste

ONNX_OPTIONAL = onnx.defs.OpSchema.FormalParameterOption.Optional
ONNX_VARIADIC = onnx.defs.OpSchema.FormalParameterOption.Variadic


@pytest.mark.parametrize("op", sorted(KERNELS))
def test_signature(op: str) -> None:
    schema = onnx.defs.get_schema(op)
    parameters = inspect.signature(KERNELS[op]).parameters.values()
    inputs = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    attributes = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    assert [p.name for p in inputs] == [formal.name for formal in schema.inputs]
    assert [p.kind is p.VAR_POSITIONAL for p in inputs] == [formal.option == ONNX_VARIADIC for formal in schema.inputs]
    assert [p.default is None for p in inputs] == [formal.option == ONNX_OPTIONAL for formal in schema.inputs]
    if "outputs" in attributes and "outputs" not in schema.attributes:
        assert len(schema.outputs) > 1 or schema.outputs[0].option == ONNX_VARIADIC
        del attributes["outputs"]
    assert attributes == {name: default(attribute) for name, attribute in schema.attributes.items()}
    assert not [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_KEYWORD)]


def default(attribute: onnx.defs.OpSchema.Attribute) -> object:
    if attribute.required:
        return inspect.Parameter.empty
    if not attribute.default_value.type:
        return None
    value = onnx.helper.get_attribute_value(attribute.default_value)
    if isinstance(value, list):
        return tuple(item.decode() if isinstance(item, bytes) else item for item in value)
    return value.decode() if isinstance(value, bytes) else value


def test_kernels_are_many() -> None:
    assert len(KERNELS) >= 184


@pytest.mark.parametrize("op", sorted(KERNELS))
def test_pasted_source_runs_on_python_3_8_and_imports_numpy_only(op: str) -> None:
    pasted = paste([KERNELS[op]])
    text = "\n".join([*pasted.imports, pasted.body])
    ast.parse(text, feature_version=(3, 8))
    namespace: dict[str, object] = {"__name__": "pasted"}
    exec(compile(text, "pasted", "exec"), namespace)
    assert callable(namespace[op])
    assert not [line for line in pasted.imports if "onnx" in line or "converter" in line or "cv2" in line]


def test_kernel_modules_import_numpy_and_each_other_only() -> None:
    allowed = {"__future__", "collections", "itertools", "math", "numpy", "typing"}
    for path in Path(kernels.__path__[0]).glob("*.py"):
        if path.name == "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith("converter.numpy_runtime.kernels."), path


def test_a_second_kernel_of_the_same_name_is_refused() -> None:
    with pytest.raises(ValueError, match="two kernels are called"):
        kernels._discover()  # everything is registered already
