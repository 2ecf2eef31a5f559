"""Generated scripts: tested code pasted in, a template for the glue, every value as a literal.

`paste` copies functions of our own modules, with all that they use, as they stand: what runs in a deployment is what our
tests ran. Only numpy, cv2 and the standard library may be imported by pasted code.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pprint
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import jinja2

from converter.resources import resource

ALLOWED_IMPORTS = {
    "__future__", "argparse", "base64", "collections", "contextlib", "dataclasses", "functools", "glob", "hashlib",
    "importlib", "io", "itertools", "json", "math", "mmap", "numpy", "cv2", "os", "pathlib", "queue", "re", "select", "struct",
    "subprocess", "sys", "threading", "time", "types", "typing", "warnings", "weakref", "zipfile", "zlib",
}  # fmt: skip


OUR_LINTER = re.compile(r"\s*# noqa: (?![EF]\d).*$")  # E and F are on by default; the rest is unused elsewhere


@dataclass(frozen=True)
class Pasted:
    """Source text that stands on its own once `imports` are written above `body`."""

    imports: tuple[str, ...]
    body: str


def render(template: str, **context: Any) -> str:
    """The template `template` + ".j2" filled in. A script that does not parse is never returned.

    Raises jinja2.UndefinedError for a name that `context` lacks, SyntaxError for a result that is not Python.
    """
    text = _environment().get_template(f"{template}.j2").render(context)
    if template.endswith(".py"):
        ast.parse(text, filename=template)
    return text


def paste(objects: Iterable[Any]) -> Pasted:
    """The source of functions and classes, with every top-level name of our modules that they use, each once."""
    wanted = [(importlib.import_module(thing.__module__), thing.__name__) for thing in objects]
    found: dict[tuple[str, str], str] = {}
    imports: dict[str, None] = {}
    for module, name in wanted:
        _collect(module, name, found, imports)
    names: dict[str, str] = {}
    for module_name, name in found:
        if names.setdefault(name, module_name) != module_name:
            raise ValueError(f"two pasted modules define {name}: {names[name]}, {module_name}")
    future = [line for line in imports if "__future__" in line]
    return Pasted(
        tuple(future + sorted(set(imports) - set(future))), "\n\n\n".join(dict.fromkeys(found.values())) + "\n"
    )  # once, of several names


def import_block(statements: Iterable[str]) -> str:
    """Import statements, of one name each, as sorters write them: merged, plain ones first, a block for each origin."""
    plain: dict[int, list[str]] = {}
    members: dict[int, dict[str, list[str]]] = {}
    for statement in dict.fromkeys(statements):
        (node,) = ast.parse(statement).body
        module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name  # type: ignore[attr-defined]
        place = 0 if module == "__future__" else 1 if module.split(".")[0] in sys.stdlib_module_names else 2
        if isinstance(node, ast.ImportFrom):
            members.setdefault(place, {}).setdefault(module, []).extend(alias.name for alias in node.names)
        else:
            plain.setdefault(place, []).append(statement)
    blocks = []
    for place in sorted({*plain, *members}):
        lines = sorted(plain.get(place, ()))
        lines += [
            f"from {module} import {', '.join(sorted(n))}" for module, n in sorted(members.get(place, {}).items())
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _collect(module: ModuleType, name: str, found: dict[tuple[str, str], str], imports: dict[str, None]) -> None:
    key = (module.__name__, name)
    if key in found:
        return
    definitions, module_imports = _read(module)
    if name not in definitions:
        raise ValueError(f"{module.__name__} defines no {name} at its top level")
    node, source = definitions[name]
    found[key] = ""  # holds the place: functions may call each other
    for used in _names(node):
        if used in definitions:
            _collect(module, used, found, imports)
        elif used in module_imports:
            statement, origin = module_imports[used]
            if origin.split(".")[0] == "converter":
                _collect(importlib.import_module(origin), used, found, imports)
            elif origin.split(".")[0] in ALLOWED_IMPORTS:
                imports[statement] = None
            else:
                raise ValueError(f"{module.__name__}.{name} uses {origin}, which a deployment does not have")
    if "from __future__ import annotations" in inspect.getsource(module):
        imports["from __future__ import annotations"] = None
    del found[key]
    found[key] = source  # after what it uses: constants and base classes must exist first


def _names(node: ast.AST) -> list[str]:
    """Every name that the definition reads, annotations included, in order."""
    return list(dict.fromkeys(found.id for found in ast.walk(node) if isinstance(found, ast.Name)))


@cache
def _read(module: ModuleType) -> tuple[dict[str, tuple[ast.stmt, str]], dict[str, tuple[str, str]]]:
    """The module's top-level definitions (node, source) and its imports: bound name -> (statement, module)."""
    text = inspect.getsource(module)
    lines = text.splitlines()
    definitions: dict[str, tuple[ast.stmt, str]] = {}
    imports: dict[str, tuple[str, str]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                imports[bound] = (ast.unparse(ast.Import([alias])), alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                statement = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
                imports[alias.asname or alias.name] = (statement, node.module or "")
        else:
            for name in _defines(node):
                definitions[name] = (node, _source(node, lines))
    return definitions, imports


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [part.id for target in node.targets for part in _parts(target) if isinstance(part, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _parts(target: ast.expr) -> list[ast.expr]:
    """What an assignment gives values to: of `low, high = 1, 2` both."""
    return target.elts if isinstance(target, ast.Tuple) else [target]


def _source(node: ast.stmt, lines: list[str]) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(OUR_LINTER.sub("", line) for line in lines[first - 1 : node.end_lineno])


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
    )
    environment.filters["pyrepr"] = _literal
    return environment


def _literal(value: Any) -> str:
    """A Python literal that evaluates to `value`: data enters a script as data, never as code."""
    text = pprint.pformat(value, width=110, sort_dicts=False)
    if ast.literal_eval(text) != value:
        raise ValueError(f"{type(value).__name__} has no literal form: {text[:80]}")
    return text
