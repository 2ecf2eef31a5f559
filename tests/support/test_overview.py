"""What `convert support` says of the tables: counts, evidence, names that nobody measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from converter.errors import InputError, TargetError
from converter.support import overview
from converter.support.table import CaseInfo, MeasuredTable

META = {"opencv": "4.10.0.84", "measured": "2026-11-21"}
ROWS = [
    ("unit/Relu/4", "Relu", "Relu(fvn)[]", "Relu(fv1)[]"),
    ("unit/Resize/cubic", "Resize", "Resize(fvnnnn)[cubic]", "Resize(fv4)[mode=cubic]"),
    ("unit/Resize/linear", "Resize", "Resize(fvnnnn)[linear]", "Resize(fv4)[mode=linear]"),
    ("unit/Resize/linear, odd", "Resize", "Resize(fv1nnn)[linear]", "Resize(fv4)[mode=linear]"),
    ("pattern/gate/1", "pattern:gate", "pattern:gate", "pattern:gate"),
    ("onnx/mean_expanded", "graph:Mul", "graph:onnx/mean_expanded", "graph:onnx/mean_expanded"),
    ("unit/abs/4", "Abs", "Abs(fvn)[]", "Abs(fv1)[]"),
]
CASES = [CaseInfo(*row, digest="") for row in ROWS]
OLD = MeasuredTable(
    "4.8.1", META, "ollwwn", {3: 0.03}, ["OpenCV(4.8.1) src/resize.cpp:7: no", "unstable"], {1: 0, 2: 0, 4: 1}
)
NEW = MeasuredTable("5.0.0", META, "rlotcoo", {}, ["OpenCV(5.0.0) src/resize.cpp:9: no"], {1: 0})


@pytest.fixture
def tables(monkeypatch):
    files = {"4.8.1-classic": OLD, "5.0.0-new": NEW}
    monkeypatch.setattr(overview, "measured_targets", lambda: list(files))
    monkeypatch.setattr(overview, "load_table", files.get)
    monkeypatch.setattr(overview, "load_cases", lambda: tuple(CASES))


def test_counts_of_every_op_with_several_nodes_last():
    assert overview.op_rows(CASES, [OLD, NEW]) == [
        ("Abs", "-", "1/1"),
        ("Relu", "1/1", "1/1"),
        ("Resize", "0/3", "1/3"),
        ("graph:Mul", "0/1", "1/1"),
        ("pattern:gate", "0/1", "0/1"),
        ("all", "1/6", "4/7"),
    ]


def test_every_signature_with_its_evidence():
    assert overview.op_text("Resize", CASES, [OLD, NEW]).splitlines() == [
        "Resize: 3 cases, 2 signatures",
        "",
        "Resize(fv4)[mode=cubic]  (1 case)",
        "  fails      4.8.1, 5.0.0  (case unit/Resize/cubic)",  # the same words but for version and line
        "             load: OpenCV(4.8.1) src/resize.cpp:7: no",
        "",
        "Resize(fv4)[mode=linear]  (2 cases)",
        "  ok         5.0.0 (1 of 2)  (case unit/Resize/linear)",
        "  wrong      4.8.1 (1 of 2)  (case unit/Resize/linear, odd)",
        "             relative difference 3e-02",
        "  fails      4.8.1 (1 of 2)  (case unit/Resize/linear)",
        "             load: OpenCV(4.8.1) src/resize.cpp:7: no",
        "  timeout    5.0.0 (1 of 2)  (case unit/Resize/linear, odd)",
    ]


@pytest.mark.parametrize(
    ("table", "index", "expected"),
    [
        (OLD, 0, overview.Finding("ok")),
        (NEW, 0, overview.Finding("reshaped")),
        (OLD, 1, overview.Finding("fails", None, "load: OpenCV(4.8.1) src/resize.cpp:7: no")),
        (OLD, 5, overview.Finding("fails", None, "run: ")),
        (NEW, 4, overview.Finding("crashes")),
        (OLD, 6, overview.Finding("unmeasured")),  # the table is older than the case
    ],
)
def test_findings(table, index, expected):
    assert overview.finding(table, index) == expected


def test_a_wrong_answer_always_says_what_was_wrong():
    assert overview.Finding("wrong", 0.03).why == "relative difference 3e-02"
    assert overview.Finding("wrong", 0.03, "unstable").why == "relative difference 3e-02; unstable"
    assert overview.Finding("wrong", None, "unstable").why == "unstable"
    assert overview.Finding("wrong").why == overview.UNSAID


@pytest.mark.parametrize(
    ("name", "op"),
    [("Resize", "Resize"), ("resize", "Resize"), ("gate", "pattern:gate"), ("pattern:gate", "pattern:gate")],
)
def test_ops_by_name(name, op):
    assert overview.find_op(name, CASES) == op


def test_an_unknown_op_gets_close_matches():
    with pytest.raises(InputError) as error:
        overview.find_op("Resise", CASES)
    assert str(error.value) == (
        "no case measures an op called 'Resise'\n"
        "  measured: 5 ops and patterns are measured\n"
        "  do:       did you mean: Resize\n"
        "  do:       see them all: convert support"
    )
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ([], ["4.8.1", "5.0.0"]),
        (["5.0.0"], ["5.0.0"]),
        (["5.0.0-new", "4.8.1", "5.0.0"], ["5.0.0", "4.8.1"]),
        (["4.8.1-classic"], ["4.8.1"]),
    ],
)
def test_targets_by_name(tables, asked, chosen):
    assert [table.target for table in overview.choose(asked)] == chosen


def test_a_target_that_was_not_measured_is_refused(tables):
    with pytest.raises(TargetError) as error:
        overview.choose(["4.6.0"])
    assert str(error.value) == (
        "OpenCV 4.6.0 was never measured\n"
        "  measured: measured: 4.8.1, 5.0.0\n"
        "  do:       give one of these, or leave out --target to see all of them"
    )


def test_no_tables_say_how_to_make_them(monkeypatch):
    monkeypatch.setattr(overview, "measured_targets", lambda: [])
    with pytest.raises(TargetError, match="no OpenCV was measured yet"):
        overview.choose()


def test_json_of_all_ops_and_of_one():
    every = json.loads(overview.to_json(None, CASES, [OLD, NEW]))
    assert every["targets"]["5.0.0"] == META
    assert every["ops"]["Resize"] == {"4.8.1": {"wrong": 1, "fails": 2}, "5.0.0": {"ok": 1, "fails": 1, "timeout": 1}}
    one = json.loads(overview.to_json("Relu", CASES, [NEW]))
    assert one["signatures"] == {
        "Relu(fv1)[]": [
            {
                "case": "unit/Relu/4",
                "key": "Relu(fvn)[]",
                "verdicts": {"5.0.0": {"verdict": "reshaped", "error": None, "text": ""}},
            }
        ]
    }


def test_the_command_needs_neither_opencv_nor_torch():
    code = (
        "import sys; from typer.testing import CliRunner; from converter import cli;"
        "CliRunner().invoke(cli.app, ['support', 'Relu', '--json']);"
        "assert 'converter.support.overview' in sys.modules;"
        "print(*{'torch', 'cv2', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_reading_the_tables_needs_no_onnx_and_no_torch():
    """`convert support` answers at once: what reads graphs is not loaded for it."""
    code = (
        "import sys\n"
        "from converter.cli import app\n"
        "app(['support', 'Relu', '--target', '5.0.0'], standalone_mode=False)\n"
        "heavy = {'torch', 'onnx', 'onnx_ir', 'onnxruntime', 'cv2', 'numpy', 'sympy'} & set(sys.modules)\n"
        "print('loaded:', sorted(heavy))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert run.stdout.startswith("Relu: ")
    assert run.stdout.endswith("loaded: []\n")
