"""Interpreters that the user registered: added, used everywhere a target is, found out when they change, removed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from converter import registered
from converter.errors import TargetError
from converter.opencv import OpenCVWorker
from converter.registered import add, config_file, look, remove
from converter.targets import Target, installed_version, python_for, untried
from tests.onnx_text import graph

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the interpreters made here are shell scripts")

NEW_HERE = not str(installed_version()).startswith("4.")


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """A configuration directory of the test's own."""
    file = tmp_path / "config" / "targets.json"
    monkeypatch.setattr(registered, "config_file", lambda: file)
    return file


@pytest.fixture
def script(tmp_path):
    """make(lines) -> a program that does that."""

    def make(text, name="python"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def here(script):
    """An interpreter with cv2: a wrapper of ours, as boards have."""
    return script(f'exec "{sys.executable}" "$@"')


def test_added_listed_and_removed(here, config):
    added = add("board", here)
    assert (added.name, added.python, added.version) == ("board", here, installed_version())
    assert registered.registered() == {"board": added}
    assert json.loads(config.read_text()) == {
        "board": {"python": str(here), "opencv": added.opencv, "numpy": np.__version__}
    }
    assert list(config.parent.iterdir()) == [config]  # nothing of the writing is left
    add("a-second", here)
    assert list(registered.registered()) == ["a-second", "board"]
    remove("board")
    assert list(registered.registered()) == ["a-second"]


def test_a_target_like_any_other(here):
    add("board-2.0", here)
    target = Target.parse(" board-2.0 ")
    assert (target.name, str(target), target.version) == ("board-2.0", "OpenCV board-2.0", installed_version())
    assert target.key == f"board-2.0-{target.engine}"
    assert Target.parse(f"board-2.0-{target.engine}") == target
    assert target != Target(target.version, target.engine)
    assert python_for(target) == here
    with OpenCVWorker(target) as worker:
        model = ir.to_proto(graph("(float[2,3,4] x) => (float[2,3,4] y) { y = Relu(x) }")).SerializeToString()
        run = worker.run(model, [{"x": np.full((2, 3, 4), -1, "f")}], ["y"])
    assert run.status == "ran"
    assert run.outputs[0]["y"].shape == (2, 3, 4)


@pytest.mark.skipif(not NEW_HERE, reason="4.x has one engine")
def test_both_engines_of_a_new_opencv(here):
    add("board", here)
    assert Target.parse("board") == Target(str(installed_version()), "new", "board")
    assert Target.parse("board-classic") == Target(str(installed_version()), "classic", "board")
    assert Target.parse("board-classic").name == "board-classic"


def test_an_old_opencv_has_one_engine(config):
    config.parent.mkdir()
    config.write_text('{"old": {"python": "python", "opencv": "4.6.0-dev", "numpy": "1.24.2"}}')
    assert Target.parse("old") == Target("4.6.0", "classic", "old")
    assert Target.parse("old").name == "old"
    with pytest.raises(TargetError, match="'old-new' is not an OpenCV version that torch2cv knows") as error:
        Target.parse("old-new")
    assert "; registered: old\n" in str(error.value)


@pytest.mark.parametrize(
    "name", ["", "4.6.0", "1board", "-x", "all", "a b", "a/b", "a_b", "board-classic", "board-new", "x" * 65, "bœrd"]
)
def test_names_that_cannot_be(name, here, config):
    with pytest.raises(TargetError) as error:
        add(name, here)
    assert str(error.value) == (
        f"{name!r} cannot be the name of a target\n"
        "  measured: expected letters, digits, dots and dashes, a letter first; not 'all', nor -classic or -new at its end\n"
        "  do:       choose another, such as debian-4.6.0 or board"
    )
    assert not config.exists()


ANSWER = '{"python": "3.9.2"}'


@pytest.mark.parametrize(
    ("text", "what", "measured"),
    [
        pytest.param("echo hello", "is no Python", "exit code 0, and it says: hello", id="not-python"),
        pytest.param("exit 3", "is no Python", "exit code 3, and it says: nothing", id="says-nothing"),
        pytest.param(
            f"echo '{ANSWER}'; kill -ILL $$",
            "cannot be used", "importing cv2 ends the process, exit code -4", id="dies",
        ),
        pytest.param(
            f'exec "{sys.executable}" -S -E "$@"',
            "cannot be used", "ModuleNotFoundError: No module named 'numpy'", id="bare",
        ),
        pytest.param(
            """echo '{"python": "2.7.18"}'; echo '{"python": "2.7.18", "error": "x"}'""",
            "cannot be used", "Python 2.7.18, expected 3.8 or later", id="old-python",
        ),
        pytest.param(
            f"""echo '{ANSWER}'; echo '{{"python": "3.9.2", "opencv": "3.4.18", "numpy": "1.21.0", "reads": true}}'""",
            "cannot be used", "OpenCV 3.4.18; expected 4.0 or later with its dnn module", id="old-opencv",
        ),
        pytest.param(
            f"""echo '{ANSWER}'; echo '{{"python": "3.9.2", "opencv": "4.8.0", "numpy": "1.21.0", "reads": false}}'""",
            "cannot be used", "OpenCV 4.8.0; expected 4.0 or later with its dnn module", id="no-dnn",
        ),
    ],
)  # fmt: skip
def test_interpreters_that_cannot_be_used(script, config, text, what, measured):
    path = script(text)
    with pytest.raises(TargetError) as error:
        add("board", path)
    assert what in str(error.value).splitlines()[0]
    assert str(path) in str(error.value).splitlines()[0]
    assert measured in str(error.value)
    assert not config.exists()


def test_paths_that_are_no_program(tmp_path):
    (tmp_path / "text").write_text("not a program")
    for path, problem in [
        (tmp_path / "nothing", "no such file, and no such program on PATH"),
        (tmp_path / "text", "that file is not executable"),
        (tmp_path, "that is a folder; a virtual environment's interpreter is its bin/python"),
    ]:
        with pytest.raises(TargetError) as error:
            add("board", path)
        assert str(error.value) == (
            f"{path} is no Python that can be started\n"
            f"  measured: {problem}\n"
            "  do:       give the interpreter that has cv2, for example: --python /usr/bin/python3"
        )


def test_a_link_is_kept_as_it_is(tmp_path, here):
    """A virtual environment's python is a link, and finds its packages by where the link lies."""
    link = tmp_path / "bin" / "python3"
    link.parent.mkdir()
    link.symlink_to(here)
    assert add("board", link).python == link


def test_what_lies_in_the_current_folder_is_not_the_interpreters(tmp_path, monkeypatch):
    (tmp_path / "cv2.py").write_text("__version__ = '0.0.0'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)  # might say "." too
    assert look(Path(sys.executable))[0].startswith(str(installed_version()))


def test_an_interpreter_that_is_gone(here):
    add("board", here)
    target = Target.parse("board")
    here.unlink()
    with pytest.raises(TargetError) as error:
        python_for(target)
    assert str(error.value).splitlines()[0] == "the Python of board is gone"
    remove("board")
    with pytest.raises(TargetError, match="no target is registered as 'board'"):
        python_for(target)
    with pytest.raises(TargetError, match="no target is registered as 'board'"):
        remove("board")


def test_an_interpreter_that_changed_is_found_out(here, config, script):
    """Verdicts must not be filed under a version that is not there any more."""
    add("board", here)
    config.write_text(config.read_text().replace(str(installed_version()), "4.5.9"))
    with OpenCVWorker(Target.parse("board")) as worker, pytest.raises(TargetError) as error:
        worker.run(b"", [], [])
    assert str(error.value).splitlines()[0] == "OpenCV board cannot be measured any more"
    assert f"{here} had OpenCV 4.5.9; it has OpenCV {installed_version()}" in str(error.value)

    script(f'exec "{sys.executable}" -S -E "$@"')  # cv2 was removed
    with OpenCVWorker(Target.parse("board")) as worker, pytest.raises(TargetError) as error:
        worker.run(b"", [], [])
    assert "importing cv2 there ended with exit code 1" in str(error.value)


def test_a_damaged_file_is_said_to_be(config):
    config.parent.mkdir()
    for text in ("{", "[]", '{"board": {}}', '{"board": 3}'):
        config.write_text(text)
        with pytest.raises(TargetError, match="the registered targets cannot be read from") as error:
            Target.parse("board")
        assert str(config) in str(error.value)


def test_a_bundle_knows_its_target_by_name(here, tmp_path):
    """It was proven on that interpreter, not on whatever else has the same version."""
    from torch import nn

    import converter

    add("board", here)
    bundle = converter.convert(nn.ReLU(), example="1x3x4x4", targets=["board"], out=tmp_path / "bundle")
    (target,) = bundle.manifest["targets"]
    assert (target["name"], target["version"]) == ("board", installed_version())
    assert f"<td>board, OpenCV {installed_version()}</td>" in (bundle.folder / "report.html").read_text("utf-8")
    proofs = converter.verify(bundle.folder)
    assert [(proof.target, proof.ok) for proof in proofs.proofs] == [("board", True)]
    assert list(json.loads(proofs.to_json())["targets"]) == ["board"]
    remove("board")
    with pytest.raises(TargetError, match="'board' is not an OpenCV version that torch2cv knows"):
        converter.verify(bundle.folder)
    assert converter.verify(bundle.folder, targets=[str(installed_version())]).ok


def test_old_versions_are_warned_about():
    assert untried("4.5.5") == untried("5.1.0") == ""
    assert untried("4.5.4") == "older than 4.5.5, the oldest that torch2cv was tried on"


def test_the_tests_never_touch_what_the_user_registered(config_of_the_tests, monkeypatch):
    monkeypatch.undo()
    assert config_of_the_tests in registered.config_file().parents
    code = "from converter.registered import config_file; print(config_file())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sys.platform != "linux" or child.stdout.strip() == str(registered.config_file())


def test_the_file_is_the_users(monkeypatch):
    monkeypatch.undo()
    assert config_file().name == "targets.json"
    assert config_file().parent.name == "torch2cv"


def test_on_the_command_line(here, tmp_path):
    def convert(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "converter", "targets", *map(str, arguments)],
            capture_output=True, text=True, check=False, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
        )  # fmt: skip

    added = convert("add", "board", "--python", here)
    assert added.returncode == 0, added.stderr
    assert added.stdout.startswith(f"board: OpenCV {installed_version()}")
    listed = next(line for line in convert().stdout.splitlines() if "board" in line)
    assert str(installed_version()) in listed
    assert "python" in listed
    assert convert("remove", "board").returncode == 0
    assert "board" not in convert().stdout
    refused = convert("remove", "board")
    assert refused.returncode == 2
    assert refused.stderr.startswith("TargetError: no target is registered as 'board'")
