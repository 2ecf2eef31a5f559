"""deploy.py as a program: what it takes, prints, writes, and how it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.deploy_bundle import HERE, deploy, load_module, write_bundle


def test_a_folder_with_one_bad_file(bundle, tmp_path, picture):
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(picture, folder / "b ü.png")
    shutil.copy(picture, folder / "c.png")
    (folder / "a.png").write_text("no picture", encoding="utf-8")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("ignored", encoding="utf-8")
    found = deploy(bundle, str(folder), "--top-k", "1", "-o", str(tmp_path / "out"))
    assert found.returncode == 1
    assert [line.split(": ")[0] for line in found.stdout.splitlines()] == [
        str(folder / "b ü.png"),
        str(folder / "c.png"),
    ]
    assert f"{folder / 'a.png'}: not a picture that OpenCV can read" in found.stderr.splitlines()
    assert f"{folder / 'empty.jpg'}: the file is empty" in found.stderr.splitlines()
    assert "Traceback" not in found.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b ü.png", "c.png"]
    listed = json.loads(deploy(bundle, str(folder), "--json").stdout)
    assert [("result" in entry, "error" in entry) for entry in listed] == [
        (False, True), (True, False), (True, False), (False, True)
    ]  # fmt: skip


def test_both_backends_and_the_module_agree(bundle, picture):
    found = [
        json.loads(deploy(bundle, str(picture), "--json", "--backend", name).stdout)[0]["result"]["classes"]
        for name in ("opencv", "numpy")
    ]
    found.append(load_module(bundle).Model()(cv2.imread(str(picture)))["classes"])
    for other in found[1:]:
        assert [c["label"] for c in other] == [c["label"] for c in found[0]]
        np.testing.assert_allclose([c["score"] for c in other], [c["score"] for c in found[0]], rtol=1e-5)


def test_one_picture_into_one_file(bundle, tmp_path, picture):
    out = tmp_path / "made" / "näw.png"
    assert deploy(bundle, str(picture), "-o", str(out)).returncode == 0
    drawn = cv2.imdecode(np.fromfile(out, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] == 320


def test_pictures_of_one_name_get_names_of_their_own(bundle, tmp_path, picture):
    (tmp_path / "other").mkdir()
    shutil.copy(picture, tmp_path / "other" / picture.name)
    found = deploy(bundle, str(tmp_path / "**" / "*.png"), "-o", str(tmp_path / "out"))
    assert found.returncode == 0, found.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["picture.png", "picture_2.png"]


def test_arrays(bundle, tmp_path, rng):
    blob = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "blob.npy", blob)
    np.savez(tmp_path / "named.npz", input=blob)
    np.save(tmp_path / "wrong.npy", blob[0])
    found = deploy(
        bundle, *(str(tmp_path / name) for name in ("blob.npy", "named.npz", "wrong.npy")), "-o", str(tmp_path / "out")
    )
    assert found.returncode == 1
    assert len({line.split(": ")[1] for line in found.stdout.splitlines()}) == 1
    assert (
        f"{tmp_path / 'wrong.npy'}: input 'input' has shape [3, 8, 8], the network takes float32 [1, 3, 8, 8]: "
        "the batch axis is missing, give blob[None]"
    ) in found.stderr.splitlines()
    with np.load(tmp_path / "out" / "blob.npz") as outputs:
        assert outputs["scores"].shape == (1, 4)


def test_a_network_without_preprocessing_takes_arrays_and_never_loads_cv2(tmp_path, picture, rng):
    folder = write_bundle(tmp_path / "bundle", opencv=[], preprocess=None, task="raw", labels=None)
    (folder / "cv2.py").write_text("raise SystemExit('cv2 was imported')", encoding="utf-8")
    np.save(tmp_path / "blob.npy", rng.normal(size=(1, 3, 8, 8)).astype(np.float32))
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import runpy; sys.argv = ['deploy.py', "
        f"{str(tmp_path / 'blob.npy')!r}, '--backend', 'numpy']; runpy.run_path({str(folder / 'deploy.py')!r}, "
        "run_name='__main__')"
    )
    found = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(f"{tmp_path / 'blob.npy'}: scores 1x4 float32 min ")
    found = deploy(folder, str(picture))
    assert found.returncode == 2
    assert found.stderr == (
        f"deploy.py: error: {picture} is no .npy or .npz file: this network was converted without preprocessing\n"
    )


def test_a_video(bundle, tmp_path, rng):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for _ in range(5):
        writer.write(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    writer.release()
    found = deploy(bundle, str(path), "--json", "-o", str(tmp_path / "drawn.avi"), "--fps-limit", "100")
    assert found.returncode == 0, found.stderr
    assert [entry["frame"] for entry in json.loads(found.stdout)] == [0, 1, 2, 3, 4]
    assert f"{path}: 5 frames in " in found.stderr
    capture = cv2.VideoCapture(str(tmp_path / "drawn.avi"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    capture.release()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "give at least one source, or --self-test (--help lists the options)"),
        (["none.png"], "there is no file none.png"),
        (["none*.png"], "no file matches none*.png"),
        (["empty"], "the folder empty holds no pictures"),
        (["picture.png", "-o", "picture.png"], "-o picture.png would overwrite the input picture.png"),
        (["picture.png", "-o", "."], "-o . would overwrite the input picture.png"),
        (["picture.png", "-o", "picture.png/x"], "nothing can be written to picture.png/x (Not a directory)"),
        (["--self-test", "--folder", "empty"], None),
    ],
)
def test_bad_usage(bundle, tmp_path, picture, arguments, text):
    (tmp_path / "empty").mkdir()
    found = deploy(bundle, *arguments, cwd=tmp_path)
    text = text or "empty/golden.npz is missing: nothing here proves that the numbers are PyTorch's"
    assert (found.returncode, found.stdout, found.stderr) == (2, "", f"deploy.py: error: {text}\n")


@pytest.mark.parametrize("arguments", [["--top-k", "0"], ["--fps-limit", "-1"], ["--backend", "torch"], ["--nonsense"]])
def test_bad_options(bundle, arguments):
    found = deploy(bundle, *arguments)
    assert found.returncode == 2 and "error: " in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"text"])
def test_damaged_golden(copied, damage):
    (copied / "golden.npz").write_bytes(damage)
    found = deploy(copied, "--self-test")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith(f"deploy.py: error: {copied / 'golden.npz'} is damaged (")


def test_neither_backend_runs(copied, picture):
    (copied / "model.onnx").unlink()
    (copied / "numpy_model.py").write_text("raise ImportError('gone')", encoding="utf-8")
    found = deploy(copied, str(picture))
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.splitlines() == [
        f"OpenCV {HERE}: {copied / 'model.onnx'} is missing; using NumPy",
        "deploy.py: error: numpy_model.py cannot be loaded (ImportError: gone)",
    ]


def test_a_reader_that_goes_away(bundle, tmp_path, picture):
    for number in range(30):
        shutil.copy(picture, tmp_path / f"{number}.png")
    command = [sys.executable, "-I", "-B", str(bundle / "deploy.py"), str(tmp_path), "--backend", "numpy"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        child.stdout.close()
        assert "Traceback" not in child.stderr.read()
        assert child.wait() == 1
