"""Measuring: every target in a process of its own, its table written; registered interpreters' tables are the user's own."""

import gzip
import json
import pickle
import sys

import numpy as np
import pytest

from converter import registered
from converter.errors import TargetError
from converter.support import measuring
from converter.support import table as room
from converter.support.cases import Case, text_model
from converter.support.measuring import (
    UNSTABLE,
    Result,
    agreed,
    digest,
    known,
    main,
    measure,
    measure_all,
    row,
    table_of,
    write_cases,
)
from converter.support.overview import choose
from converter.targets import Target, default_targets, installed_version

HERE = default_targets()[0]
REFUSED = "n" if HERE.engine == "new" else "l"
"""When an op that nobody has fails: the new engine's importer lets it through."""


def case(name, body, right=True):
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    expected = np.maximum(x, 0) + (0 if right else 1)
    model = text_model(f"(float[2,4] x) => (float[2,4] y) {{ {body} }}")
    return Case(f"unit/{name}", model, [{"x": x}, {"x": -x}], [{"y": expected}, {"y": np.maximum(-x, 0)}])


CASES = [
    case("Relu/right", "y = Relu(x)"),
    case("Relu/wrong", "y = Relu(x)", right=False),
    case("Nothing/0", "y = NoSuchOp(x)"),
]
ROWS = [[*row(each), digest(each)] for each in CASES]


def forget():
    for cached in (room._listed, room.load_cases, room.load_table, room._index):
        cached.cache_clear()


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A folder of tables of the test's own, and a configuration directory, in child processes too."""
    folder = tmp_path / "tables"
    monkeypatch.setattr(room, "_folder", lambda: folder)
    monkeypatch.setattr(measuring, "TABLES", folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_cases(ROWS)
    forget()
    yield folder
    forget()


@pytest.fixture
def board(tables):
    """This interpreter, registered."""
    registered.add("board", sys.executable)
    return Target.parse("board")


def test_a_target_is_measured_in_a_process_of_its_own(tables, capfd):
    assert not measure_all([HERE], CASES, jobs=2, again=False)
    table = json.loads((tables / f"{HERE.key}.json").read_text())
    assert table["codes"] == "ow" + REFUSED
    assert table["target"] == HERE.name
    assert list(table["why"]) == ["2"]
    assert len(table["texts"]) == 1
    assert "cases" not in table
    assert capfd.readouterr().out.startswith(f"{HERE}: {{'o': 1, 'w': 1, '{REFUSED}': 1}}, ")
    before = (tables / f"{HERE.key}.json").stat().st_mtime_ns
    forget()
    assert not measure_all([HERE], CASES, jobs=1, again=True)
    assert (tables / f"{HERE.key}.json").stat().st_mtime_ns == before
    assert capfd.readouterr().out.endswith("unchanged\n")
    assert list(tables.glob("*.part")) == []


def test_what_the_table_knows_is_not_run_again(tables):
    old = table_of(HERE, [Result("c", None, "told before"), Result("u"), Result("o")], {"measured": "2020-01-01"})
    (tables / f"{HERE.key}.json").write_text(json.dumps(old))
    changed = [CASES[0], CASES[1], case("Nothing/0", "y = Relu(x)", right=False)]
    measure_all([HERE], changed, jobs=1, again=False)
    assert json.loads((tables / f"{HERE.key}.json").read_text())["codes"] == "cww"
    forget()
    assert [entry.digest for entry in room.load_cases()] == [digest(each) for each in changed]


@pytest.mark.parametrize(
    ("before", "now", "result"),
    [
        pytest.param(None, Result("w", 0.5), Result("w", 0.5), id="first"),
        pytest.param(Result("o"), Result("o"), Result("o"), id="same"),
        pytest.param(Result("w", 0.5), Result("w", 0.6), Result("w", 0.5), id="steady"),
        pytest.param(Result("w", 0.5), Result("w", 3e7), Result("w"), id="garbage"),
        pytest.param(Result("w"), Result("w", 3e7), Result("w"), id="once-garbage-always-garbage"),
        pytest.param(Result("o"), Result("w", 0.5), Result("w", None, UNSTABLE), id="worse"),
        pytest.param(Result("c", None, "died"), Result("l", None, "no"), Result("c", None, f"{UNSTABLE}; died"), id="better"),
        pytest.param(Result("w", None, UNSTABLE), Result("o"), Result("w", None, UNSTABLE), id="kept"),
        pytest.param(Result("c", None, "SIGABRT"), Result("c", None, "SIGSEGV"), Result("c", None, "SIGABRT"), id="signal"),
        pytest.param(Result("t"), Result("o"), Result("o"), id="a-slow-machine-then"),
        pytest.param(Result("o"), Result("t"), Result("o"), id="a-slow-machine-now"),
    ],
)  # fmt: skip
def test_two_measurements_of_one_build_agree_on_the_worse(before, now, result):
    assert agreed(before, now) == result
    assert agreed(result, now) == result  # so that measuring again writes the same table


def test_another_builds_measurement_does_not_count(tables):
    measure_all([HERE], CASES, jobs=1, again=False)
    file = tables / f"{HERE.key}.json"
    table = json.loads(file.read_text())
    for opencv, codes in ((table["opencv"], "ww"), ("4.0.0.0", "ow")):
        file.write_text(json.dumps({**table, "opencv": opencv, "codes": "ww" + REFUSED}))
        forget()
        measure_all([HERE], CASES, jobs=1, again=True)
        assert json.loads(file.read_text())["codes"] == codes + REFUSED


def test_every_table_follows_the_list(tables):
    other = Target("4.1.0", "classic")
    old = table_of(other, [Result("o"), Result("w", 0.5), Result("l", None, "no")], {"measured": "2020-01-01"})
    (tables / "4.1.0-classic.json").write_text(json.dumps(old))
    measure_all([HERE], [CASES[2], case("Relu/new", "y = Relu(x)"), CASES[1]], jobs=1, again=False)
    table = json.loads((tables / "4.1.0-classic.json").read_text())
    assert (table["codes"], table["errors"], table["why"]) == ("luw", {"2": 0.5}, {"0": 0})
    assert table["measured"] == "2020-01-01"


def test_it_says_how_far_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measuring, "EVERY", 0.0)
    with (tmp_path / "cases").open("wb") as file:
        for entry in enumerate(CASES):
            pickle.dump(entry, file)
    results = measure(HERE, tmp_path / "cases", frozenset({0, 2}))
    assert [(index, result.code) for index, result in results.items()] == [(0, "o"), (2, REFUSED)]
    assert capsys.readouterr().err == f"{HERE}: 1 of 2 cases\n{HERE}: 2 of 2 cases\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the configuration directory is elsewhere")
def test_a_registered_interpreters_table_is_the_users(board, tables, tmp_path, capfd):
    listed = (tables / "cases.json.gz").read_bytes()
    assert not measure_all([board], [case("Relu/new", "y = Relu(x)"), CASES[1], CASES[0]], jobs=1, again=False)
    assert "1 of the listed cases cannot be built here: unmeasured" in capfd.readouterr().err
    assert [file.name for file in tables.iterdir()] == ["cases.json.gz"]  # nothing of ours changed
    assert (tables / "cases.json.gz").read_bytes() == listed
    file = tmp_path / "config" / "torch2cv" / "tables" / f"{board.key}.json"
    table = json.loads(file.read_text())
    assert (table["codes"], table["target"], table["cases"]) == ("owu", "board", room.checksum())
    assert table["opencv"].startswith(str(installed_version()))

    forget()
    assert room.measured_targets() == []
    assert room.measured_customs() == [board.key]
    assert room.load_table(board.key).codes == "owu"
    assert known(board)["unit/Relu/wrong", digest(CASES[1])].code == "w"
    (tables / f"{HERE.key}.json").write_text(json.dumps(table_of(HERE, [Result("o")] * 3, {})))
    assert [found.target for found in choose()] == [HERE.name]  # what the page shows
    assert [found.target for found in choose(["board", board.key])] == ["board"]

    forget()
    measure_all([HERE], CASES[::-1], jobs=1, again=False)  # another list: the user's table follows it too
    forget()
    assert (room.load_table(board.key).codes, room.load_table(HERE.key).codes) == ("uwo", "ooo")

    registered.remove("board")
    assert not file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the configuration directory is elsewhere")
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"codes": "oo"}, "it is of 2 cases, and there are 3", id="length"),
        pytest.param({"cases": "00000000"}, "it is of other cases than the present ones", id="other-cases"),
        pytest.param({"errors": None}, "AttributeError: 'NoneType' object has no attribute 'items'", id="damaged"),
    ],
)
def test_a_table_that_does_not_fit_the_cases_is_refused(board, tables, tmp_path, capsys, change, problem):
    good = table_of(board, [Result("o")] * 3, {"cases": room.checksum()})
    file = registered.tables_folder() / f"{board.key}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({**good, **change}))
    with pytest.raises(TargetError) as error:
        room.load_table(board.key)
    assert str(error.value) == (
        f"the measured table of {board.key} cannot be used\n"
        f"  measured: {file}: {problem}\n"
        f"  do:       measure again: python -m converter.support.measuring {board.key}\n"
        "  do:       or remove that file: nodes are probed then"
    )
    assert known(board) == {}  # so that measuring again is possible
    assert problem in capsys.readouterr().err
    if "cases" not in change:
        (tables / "4.1.0-classic.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(ValueError, match=r"4\.1\.0-classic\.json is damaged: ") as damaged:
            room.load_table("4.1.0-classic")
        assert problem in str(damaged.value)


@pytest.mark.skipif(sys.platform != "linux", reason="the configuration directory is elsewhere")
def test_another_interpreter_of_that_name_has_no_table(board, tmp_path):
    file = registered.tables_folder() / f"{board.key}.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    registered.add("board", sys.executable)
    assert file.exists()  # the same again
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    wrapper.chmod(0o755)
    registered.add("board", wrapper)
    assert not file.exists()


def test_the_lists_checksum_is_that_of_its_rows(tables):
    assert room.checksum(gzip.decompress((tables / "cases.json.gz").read_bytes())) == room.checksum()
    again = [[entry.name, entry.op, entry.fine, entry.coarse, entry.digest] for entry in room.load_cases()]
    assert room.checksum(measuring._spelt(again)) == room.checksum()


def test_an_unknown_target_is_told_before_anything_is_built(tables, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measuring", "no-such-board"])
    monkeypatch.setattr(measuring, "all_cases", None)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("'no-such-board' is not an OpenCV version that torch2cv knows\n")
