"""Bundles are written whole or not at all, and nothing that was there is lost."""

import json
import os

import numpy as np
import pytest

from converter.bundle import Bundle, staged, write_manifest
from converter.errors import OutputError
from converter.npz import save_npz


def write(out, text="model"):
    with staged(out) as folder:
        (folder / "model.onnx").write_text(text)
        write_manifest(folder, {"name": text})


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_written_whole(tmp_path):
    write(tmp_path / "a" / "b" / "bundle")
    assert everything(tmp_path) == ["a", "a/b", "a/b/bundle", "a/b/bundle/manifest.json", "a/b/bundle/model.onnx"]
    assert Bundle.open(tmp_path / "a/b/bundle").manifest["name"] == "model"


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, kind):
    with pytest.raises(kind), staged(tmp_path / "deep" / "bundle") as folder:
        (folder / "model.onnx").write_text("half")
        raise kind
    assert everything(tmp_path) == []


def test_a_failure_keeps_the_bundle_that_was_there(tmp_path):
    write(tmp_path / "bundle", "first")
    with pytest.raises(RuntimeError), staged(tmp_path / "bundle") as folder:
        (folder / "model.onnx").write_text("second")
        raise RuntimeError
    assert Bundle.open(tmp_path / "bundle").manifest["name"] == "first"
    assert everything(tmp_path) == ["bundle", "bundle/manifest.json", "bundle/model.onnx"]


def test_a_bundle_is_replaced_as_a_whole(tmp_path):
    write(tmp_path / "bundle", "first")
    (tmp_path / "bundle" / "extra.txt").touch()
    write(tmp_path / "bundle", "second")
    assert Bundle.open(tmp_path / "bundle").manifest["name"] == "second"
    assert everything(tmp_path) == ["bundle", "bundle/manifest.json", "bundle/model.onnx"]


def test_a_failing_rename_brings_the_old_bundle_back(tmp_path, monkeypatch):
    from pathlib import Path

    write(tmp_path / "bundle", "first")
    rename = Path.rename

    def fail_for_the_new(self, target):
        if (self / "model.onnx").exists() and (self / "model.onnx").read_text() == "second":
            raise OSError("disk gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(OSError, match="disk gone"):
        write(tmp_path / "bundle", "second")
    assert Bundle.open(tmp_path / "bundle").manifest["name"] == "first"
    assert everything(tmp_path) == ["bundle", "bundle/manifest.json", "bundle/model.onnx"]


def test_what_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(OutputError) as error:
        write(tmp_path / "photos")
    assert str(error.value) == (
        f"{tmp_path / 'photos'} is there already and is not a bundle, so it is left alone\n"
        "  measured: it holds me.jpg\n"
        "  do:       choose another place: -o DIR\n"
        "  do:       or remove it yourself"
    )
    assert everything(tmp_path) == ["photos", "photos/me.jpg"]


def test_an_empty_folder_is_fine(tmp_path):
    (tmp_path / "bundle").mkdir()
    write(tmp_path / "bundle")
    assert Bundle.open(tmp_path / "bundle")


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below"])
def test_unwritable_places(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError) as error:
        write(tmp_path / place)
    assert error.value.exit_code == 2
    assert everything(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "closed" / "bundle")


def test_open_refuses_what_is_no_bundle(tmp_path):
    with pytest.raises(OutputError, match="is not a bundle\n  measured: it is missing"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(OutputError, match=r"is not a bundle\n  measured: there is no manifest.json in it"):
        Bundle.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(OutputError, match="is damaged"):
        Bundle.open(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(OutputError, match="measured: format 99, expected 1"):
        Bundle.open(tmp_path)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_open_notices_a_changed_file(tmp_path, damage):
    write(tmp_path / "bundle")
    if damage == "changed":
        (tmp_path / "bundle" / "model.onnx").write_text("tampered")
    else:
        (tmp_path / "bundle" / "model.onnx").unlink()
    with pytest.raises(OutputError, match=r"with another SHA-256 than in manifest.json: model.onnx"):
        Bundle.open(tmp_path / "bundle")


@pytest.mark.parametrize("compressed", [False, True])
def test_npz_bytes_depend_on_the_arrays_alone(tmp_path, compressed, monkeypatch):
    arrays = {"a/b:c": np.arange(6, dtype=np.float32).reshape(2, 3), "scalar": np.array(3), "empty": np.zeros((0, 2))}
    save_npz(tmp_path / "one.npz", arrays, compressed=compressed)
    monkeypatch.setattr("time.time", lambda: 2e9)
    save_npz(tmp_path / "two.npz", arrays, compressed=compressed)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as loaded:
        assert loaded.files == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)
            assert loaded[name].dtype == array.dtype
    with pytest.raises(ValueError, match="Object arrays"):
        save_npz(tmp_path / "bad.npz", {"o": np.array([{}])})
