"""The plan of the house as tests: who may import whom, what deployed code may use, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGE = REPO / "converter"
MAX_LINES = 400

LAYERS = (
    # tools that know no step
    "errors", "resources", "memory", "progress", "wire", "graph", "forms", "costs", "compare", "npz", "render",
    # where networks run
    "registered", "targets", "opencv_worker", "opencv", "numpy_runtime", "backends", "island_net", "islands",
    # the steps
    "checkpoint", "export", "passes", "rewrites", "steering", "support", "judging", "legalize", "locating",
    "repair", "preprocess", "zoo", "inputs", "verification", "reference",
    "tasks", "deploy_runtime", "deploy",
    # what they leave behind, and what looks at it
    "attempt", "halving", "manifest", "bundle", "checking", "proving", "search",
    "pipeline", "from_recipe", "demo", "sweep", "__init__", "console", "cli_parts", "cli_zoo", "cli", "__main__",
)  # fmt: skip
"""The rooms of converter/, each a file or a folder. One may import those before it, and itself."""

IMPORT_THE_PIPELINE = {"from_recipe", "demo", "sweep", "__init__", "cli", "__main__"}
RULES_MAY_IMPORT = {"numpy", "onnx_ir", "converter.rewrites", "converter.graph"}
HEAVY = {"torch", "torchvision", "timm", "onnxruntime", "onnxsim", "onnxscript", "cv2", "sklearn"}
DEPLOYED = {
    "converter.island_net",
    "converter.numpy_runtime.deployed",
    "converter.numpy_runtime.loading",
    "converter.numpy_runtime.running",
    "converter.numpy_runtime.team",
    "converter.opencv_worker",
    "converter.preprocess.execute",
    "converter.preprocess.geometry",
    "converter.preprocess.opencv_resize",
    "converter.preprocess.resampling",
    "converter.preprocess.torch_resize",
}
DEPLOYED_FOLDERS = ("converter.deploy_runtime.", "converter.numpy_runtime.fast.", "converter.numpy_runtime.kernels.",
                    "converter.tasks.")  # fmt: skip
DEPLOYED_MAY_IMPORT = {"numpy", "cv2"}
"""By code that is pasted into deployments, beside the standard library and other such code."""


def _is_deployed(name: str) -> bool:
    """Is this module pasted into scripts, or run by an interpreter that has only OpenCV and NumPy?"""
    return name in DEPLOYED or name.startswith(DEPLOYED_FOLDERS)


@dataclass(frozen=True)
class Import:
    """`module` as Python would load it; `at_start` when the import runs with the module that contains it."""

    module: str
    line: int
    at_start: bool


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def room(self) -> str:
        return _room(self.name)


def _room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def _place(room: str) -> int:
    return LAYERS.index(room) if room in LAYERS else len(LAYERS)


def _name(path: Path) -> str:
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    names = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    found = {}
    for name, path in names.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        found[name] = Module(name, path, tree, tuple(_imports(tree, names.keys())))
    return found


def _imports(tree: ast.AST, ours: object, at_start: bool = True) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_start) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports name the whole module, `from converter.x import y`"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield Import(below if below in ours else str(node.module), node.lineno, at_start)
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_types_only(node)
            yield from _imports(node, ours, at_start and not later)


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _root(module: str) -> str:
    return module.split(".")[0]


def _in_standard_library(module: str) -> bool:
    return _root(module) in sys.stdlib_module_names


def _at(module: Module, line: int) -> str:
    return f"{module.path.relative_to(REPO).as_posix()}:{line}"


def _every_import() -> Iterator[tuple[Module, Import]]:
    for module in modules().values():
        for found in module.imports:
            yield module, found


def test_every_room_has_a_place():
    assert sorted({module.room for module in modules().values()} - set(LAYERS)) == []


def test_rooms_import_only_rooms_before_them():
    wrong = [
        f"{_at(module, found.line)} {module.room} imports {_room(found.module)}"
        for module, found in _every_import()
        if _root(found.module) == "converter" and _place(_room(found.module)) > _place(module.room)
    ]
    assert wrong == []


@pytest.mark.parametrize(("room", "by"), [("pipeline", IMPORT_THE_PIPELINE), ("cli", {"__main__"})])
def test_nothing_imports_what_stands_at_the_end(room, by):
    wrong = [
        f"{_at(module, found.line)} imports {found.module}"
        for module, found in _every_import()
        if _root(found.module) == "converter" and _room(found.module) == room and module.room not in {room, *by}
    ]
    assert wrong == []


def test_rules_know_the_graph_and_nothing_else():
    wrong = [
        f"{_at(module, found.line)} imports {found.module}"
        for module, found in _every_import()
        if module.room == "rewrites"
        and not _in_standard_library(found.module)
        and not any(found.module == allowed or found.module.startswith(f"{allowed}.") for allowed in RULES_MAY_IMPORT)
    ]
    assert wrong == []


def test_each_rule_has_its_test():
    rules = {name.rsplit(".", 1)[1] for name in modules() if name.startswith("converter.rewrites.")}
    rules -= {name for name in rules if name.startswith("_")}  # shared by several rules
    tested = {path.stem.removeprefix("test_") for path in (REPO / "tests" / "rewrites").glob("test_*.py")}
    assert sorted(rules - tested) == []


def test_deployed_code_imports_numpy_and_cv2_only():
    wrong = [
        f"{_at(module, found.line)} imports {found.module}"
        for module, found in _every_import()
        if _is_deployed(module.name)
        and not _in_standard_library(found.module)
        and not _is_deployed(found.module)
        and _root(found.module) not in DEPLOYED_MAY_IMPORT
    ]
    assert wrong == []


def test_deployed_code_is_python_3_8():
    wrong = []
    for module in modules().values():
        if _is_deployed(module.name):
            ast.parse(module.path.read_text(encoding="utf-8"), str(module.path), feature_version=(3, 8))
            wrong += [f"{_at(module, line)} {what}" for line, what in _newer_than_3_8(module.tree)]
    assert wrong == []


NEWER_NAMES = {"removeprefix": "3.9", "removesuffix": "3.9", "bit_count": "3.10", "pairwise": "3.10"}
GENERIC_SINCE_3_9 = {"list", "dict", "tuple", "set", "type", "Callable", "Iterable", "Iterator", "Mapping", "Sequence"}


def _newer_than_3_8(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What parses as 3.8 but does not run there, in everything that is evaluated (annotations are not)."""
    unevaluated = {id(part) for hint in _annotations(tree) for part in ast.walk(hint)}
    for node in ast.walk(tree):
        match node:
            case _ if id(node) in unevaluated:
                continue
            case ast.keyword(arg="strict"):
                yield node.value.lineno, "zip(strict=) is 3.10"
            case ast.Call(func=ast.Name("isinstance" | "issubclass"), args=[_, ast.BinOp()]):
                yield node.lineno, "isinstance with A | B is 3.10"
            case ast.Subscript(value=ast.Name(name)) if name in GENERIC_SINCE_3_9:
                yield node.lineno, f"{name}[...] as a value is 3.9"
            case ast.ImportFrom(module="functools") if "cache" in {alias.name for alias in node.names}:
                yield node.lineno, "functools.cache is 3.9"
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in NEWER_NAMES:
                yield node.lineno, f"{name} is {NEWER_NAMES[name]}"


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    if not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body):
        return  # then they are evaluated
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as hint) | ast.AnnAssign(annotation=hint):
                yield hint
            case ast.FunctionDef(returns=ast.expr() as hint):
                yield hint


def test_the_check_for_3_8_sees_what_it_should():
    text = """
from functools import cache
Pair = tuple[int, int]
def f(x: list[int]) -> dict[str, int]:
    assert isinstance(x, int | float)
    return zip(x, "ab".removeprefix("a"), strict=True)
"""
    says = [what for _, what in sorted(_newer_than_3_8(ast.parse(text)))]
    assert says == [
        "functools.cache is 3.9",
        "tuple[...] as a value is 3.9",
        "dict[...] as a value is 3.9",
        "list[...] as a value is 3.9",
        "isinstance with A | B is 3.10",
        "removeprefix is 3.9",
        "zip(strict=) is 3.10",
    ]
    assert [line for line, _ in _newer_than_3_8(ast.parse("from __future__ import annotations" + text))].count(4) == 0


def test_no_circle_of_imports():
    """Over what is imported when a module starts; an import inside a function may point back."""
    ahead = {
        name: {found.module for found in module.imports if found.at_start and found.module in modules()} - {name}
        for name, module in modules().items()
    }
    while free := [name for name, needs in ahead.items() if not needs]:
        for name in free:
            del ahead[name]
        ahead = {name: needs - set(free) for name, needs in ahead.items()}
    assert ahead == {}, "these modules import each other in a circle, or stand behind one"


def test_heavy_packages_are_imported_where_they_are_used():
    wrong = [
        f"{_at(module, found.line)} imports {found.module} at module level"
        for module, found in _every_import()
        if found.at_start
        and _root(found.module) in HEAVY - (DEPLOYED_MAY_IMPORT if _is_deployed(module.name) else set())
    ]
    assert wrong == []


@pytest.mark.parametrize("module", ["converter", "converter.cli"])
def test_start_up_loads_nothing_heavy(module):
    """`convert --help` answers at once because nothing below is loaded for it."""
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPO, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & (HEAVY | {"onnx", "onnx_ir"}) == set()


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((REPO / folder).rglob("*.py"))]


def test_files_are_short():
    lines = {
        path.relative_to(REPO).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _sources("converter", "tests", "benchmarks", "model_zoo")
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_no_file_names_a_place_of_one_machine():
    homes = re.compile(r"(?<![\w.\-/])/(?:home|root|Users|work|tmp|mnt|scratch)/\w|\b[A-Z]:\\\\?Users\b")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, cwd=REPO, check=True).stdout.split("\0")
    wrong = []
    for name in filter(None, names):
        content = (REPO / name).read_bytes() if (REPO / name).is_file() else b""
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            if homes.search(line):
                wrong.append(f"{name}:{number}: {line.strip()[:100]}")
    assert wrong == []
