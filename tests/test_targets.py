"""Names of targets, and what is said about those that do not exist or are not installed."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from converter import cli, targets
from converter.errors import TargetError
from converter.targets import WHEELS, Target, default_targets, environments, install, installed_version, python_for


@pytest.mark.parametrize(
    ("text", "target", "name"),
    [
        ("4.10.0", Target("4.10.0", "classic"), "4.10.0"),
        ("5.0.0", Target("5.0.0", "new"), "5.0.0"),
        ("5.0.0-new", Target("5.0.0", "new"), "5.0.0"),
        ("5.0.0-classic", Target("5.0.0", "classic"), "5.0.0-classic"),
        (" 4.8.1 ", Target("4.8.1", "classic"), "4.8.1"),
    ],
)
def test_parse(text, target, name):
    assert Target.parse(text) == target
    assert target.name == name
    assert Target.parse(target.name) == target


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (Target("4.10.0", "classic"), "4.10.0-classic"),
        (Target("5.0.0", "new"), "5.0.0-new"),
        (Target("5.0.0", "classic"), "5.0.0-classic"),
        (Target("4.6.0", "classic", "debian-4.6.0"), "debian-4.6.0-classic"),
    ],
)
def test_files_are_named_after_the_engine_too(target, key):
    assert target.key == key


@pytest.mark.parametrize("text", ["4.3.0", "5", "latest", "4.10.0-new", "5.0.0-fast", ""])
def test_unknown_versions_are_refused_with_the_known_ones(text):
    with pytest.raises(TargetError) as error:
        Target.parse(text)
    assert str(error.value).splitlines()[0] == f"{text!r} is not an OpenCV version that torch2cv knows"
    assert all(version in str(error.value) for version in WHEELS)
    assert error.value.exit_code == 2


def test_the_installed_one_is_the_default():
    (target,) = default_targets()
    assert target.version == installed_version()
    assert python_for(target) == Path(sys.executable)


def test_a_version_that_is_not_installed_says_how_to_install_it(tmp_path):
    with pytest.raises(TargetError) as error:
        python_for(Target("4.6.0", "classic"), root=tmp_path)
    assert str(error.value) == (
        "OpenCV 4.6.0 is not installed, so nothing can be measured on it\n"
        f"  measured: installed here: {installed_version()}; no environment in {tmp_path}\n"
        "  do:       convert targets install 4.6.0\n"
        "  do:       or leave out --target to convert for the installed OpenCV"
    )


def test_a_half_made_environment_is_not_installed(tmp_path):
    (tmp_path / "4.6.0" / "bin").mkdir(parents=True)
    (tmp_path / "4.6.0" / "bin" / "python").touch()
    assert environments(root=tmp_path)["4.6.0"] is None


def test_install_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(TargetError):
        install("3.4.0", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_install_all_means_every_version(monkeypatch):
    asked = []
    monkeypatch.setattr(targets, "install", lambda version: asked.append(version) or Path(version))
    result = CliRunner().invoke(cli.app, ["targets", "install", "all"])
    assert result.exit_code == 0, result.output
    assert asked == list(WHEELS)
