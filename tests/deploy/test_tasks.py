"""Every task as it is deployed: networks by hand on scenes whose answer is known, in OpenCV and in NumPy.

Each runs over a folder with a file that is no picture, and over a video; what is found is compared with how the scenes
were drawn, and so are the pictures that are written.
"""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from converter.deploy import TensorInfo, render_deploy
from converter.preprocess import Preprocess
from converter.tasks import task_names
from tests.deploy_bundle import INPUTS, PREPROCESS, load_module
from tests.task_networks import (
    COLORS,
    SCENES,
    SIZE,
    STRIPES,
    Shape,
    draw_scene,
    draw_stripes,
    networks,
    write_task_bundle,
)  # fmt: skip

CROP = Preprocess(size=SIZE, resize="shortest", resize_size=96, crop=SIZE)
"""Of a wide picture the middle; of a tall one the middle too; a small one is padded."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The module of a task's bundle, written once."""
    kept = {}

    def load(task, preprocess=None):
        if (task, preprocess) not in kept:
            folder = tmp_path_factory.mktemp(task) / "bundle"
            kept[task, preprocess] = load_module(write_task_bundle(folder, task, *([preprocess] if preprocess else [])))
        return kept[task, preprocess]

    return load


def run(module, capsys, *arguments):
    """The program in this process: its exit code, standard output and standard error."""
    script = module.HERE / "deploy.py"
    code = module.main(module.ABOUT, module.HERE, script, [str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scenes_of(task):
    """What the task's network is shown, by name."""
    if task == "text":
        return {"one": draw_stripes(STRIPES), "two": draw_stripes("gbr")}
    mostly = task == "classification"
    return {name: draw_scene(shapes) for name, shapes in SCENES.items() if name.startswith("mostly") == mostly}


def check(task, name, result, exact=True):
    """Is the result what was drawn? A video's frames went through JPEG: not exact."""
    shapes = SCENES.get(name, ())
    near = 2.5 if exact else 5.0  # a pixel of the input is 2.5 of the picture
    if task == "classification":
        best, *others = result["classes"]
        assert (best["label"], best["score"] > 0.9) == (name.split()[-1], True)
        assert sum(other["score"] for other in others) < 0.1
    elif task in ("detection", "instance_segmentation"):
        found = {thing["label"]: thing for thing in result["objects"]}
        assert len(result["objects"]) == len(found) == 3
        for shape in shapes:
            np.testing.assert_allclose(found[shape.color]["box"], shape.box, atol=near)
            if task == "instance_segmentation":
                assert found[shape.color]["pixels"] == pytest.approx(shape.mask().sum(), rel=0.12)
    elif task == "segmentation":
        shares = {found["label"]: found["pixels"] for found in result["classes"]}
        for shape in shapes:
            assert shares[shape.color] == pytest.approx(shape.mask().sum(), rel=0.12)
    elif task == "keypoints":
        for point in result["objects"][0]["keypoints"]:
            shape = next(shape for shape in shapes if shape.color == point["label"])
            assert (point["x"], point["y"]) == pytest.approx((shape.x, shape.y), abs=2 * near)
    elif task == "text":
        assert result["text"] == {"one": STRIPES, "two": "gbr"}[name]


@pytest.mark.parametrize("task", task_names())
def test_a_folder_and_a_video(task, deployed, tmp_path, capsys):
    """Both backends; what OpenCV and NumPy find differs by roundings only."""
    module = deployed(task)
    scenes = scenes_of(task)
    folder = tmp_path / "in"
    folder.mkdir()
    for name, picture in scenes.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    (folder / "a bad one.png").write_bytes(b"no picture")
    video = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (360, 240))
    for picture in scenes.values():
        writer.write(picture)
    writer.release()
    said = {}
    for backend in ("opencv", "numpy"):
        out = tmp_path / backend
        code, text, errors = run(module, capsys, folder, video, "--json", "--backend", backend, "-o", out)
        assert code == 1, errors  # the bad one
        assert f"{folder / 'a bad one.png'}: not a picture that OpenCV can read" in errors
        assert f"{len(scenes)} pictures in " in errors and f"{len(scenes)} frames in " in errors
        listed = json.loads(text)
        good = [entry for entry in listed if "result" in entry]
        assert len(listed) == len(good) + 1 == 2 * len(scenes) + 1
        said[backend] = [entry["result"] for entry in good]
        for entry, result in zip(good, said[backend], strict=True):
            name = list(scenes)[entry["frame"]] if "frame" in entry else entry["source"].split("/")[-1][: -len(".png")]
            assert result["task"] == task
            check(task, name, result, exact="frame" not in entry)
        written = {name: cv2.imread(str(out / f"{name}.png")) for name in scenes}
        for name, picture in scenes.items():
            if task == "image":
                assert written[name].shape == (192, 288, 3)
            else:
                assert written[name].shape[1] == 360 and written[name].shape[0] >= 240
                assert task in ("embedding", "raw", "classification", "text") or (written[name][:240] != picture).any()
        assert cv2.VideoCapture(str(out / "film.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == len(scenes)
    for one, other in zip(said["opencv"], said["numpy"], strict=True):
        assert_alike(one, other)


def assert_alike(one, other):
    """The same structure, texts and counts; numbers that differ by roundings."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            if key != "runs":  # a pixel on the edge may fall to either side
                assert_alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_alike(left, right)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-3)
    elif isinstance(one, int) and not isinstance(one, bool):
        assert abs(one - other) <= 3
    else:
        assert one == other


@pytest.mark.parametrize("backend", ["opencv", "numpy"])
@pytest.mark.parametrize("shape", [(240, 480), (300, 240)])
@pytest.mark.parametrize("task", ["detection", "segmentation", "keypoints", "instance_segmentation"])
def test_through_a_crop(task, shape, backend, deployed):
    """The middle of the picture is seen: what was found lies where it was drawn, whatever was cut off or padded."""
    height, width = shape
    factor = 96 / min(shape)
    side = round(24 / factor / 2) * 2
    picture = np.full((*shape, 3), 128, np.uint8)
    spots = {
        "red": (width // 2 - 40, height // 2),
        "green": (width // 2 + 50, height // 2),
        "blue": (width // 2, height // 2 + 70),
    }
    if height == 240:
        spots["blue"] = (width // 2, height // 2 + 75)
    for color, (x, y) in spots.items():
        picture[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = COLORS[color]
    result = deployed(task, CROP).Model(backend=backend)(picture)
    near = 3.0 / factor
    if task == "keypoints":
        for point in result["objects"][0]["keypoints"]:
            assert (point["x"], point["y"]) == pytest.approx(spots[point["label"]], abs=near)
    elif task == "segmentation":
        mask = sys.modules[deployed(task, CROP).__name__].decode_mask(result)
        for index, (x, y) in enumerate(spots.values(), 1):
            assert (mask[y - side // 2 + 6 : y + side // 2 - 6, x - side // 2 + 6 : x + side // 2 - 6] == index).all()
        assert (mask[:, :5] == -1).all() == (width == 480)
    else:
        assert {thing["label"] for thing in result["objects"]} == set(COLORS)
        for thing in result["objects"]:
            x, y = spots[thing["label"]]
            wanted = [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
            np.testing.assert_allclose(thing["box"], wanted, atol=near)


# --- the program's options --------------------------------------------------------------------------------------------


def test_set(deployed, tmp_path, capsys):
    module = deployed("detection")
    cv2.imwrite(str(tmp_path / "a.png"), draw_scene(SCENES["first"]))

    def found(*arguments):
        code, text, errors = run(module, capsys, tmp_path / "a.png", "--json", "--backend", "numpy", *arguments)
        return [o["label"] for o in json.loads(text)[0]["result"]["objects"]] if code == 0 else errors.splitlines()[-1]

    assert found() == ["red", "green", "blue"]
    assert found("--set", "score_threshold=0.7") == ["red", "green"]
    assert found("--set", "score_threshold=.7", "--set", "max_objects=1") == ["red"]
    assert found("--set", "max_objects=1.5").endswith(
        "error: --set max_objects=1.5: max_objects is 1.5, not a whole number"
    )
    assert "error: --set head=x: head is 'x', not one of yolov8, yolov5, " in found("--set", "head=x")
    assert "error: --set heads=x: give NAME=VALUE with one of this task's settings (head, " in found("--set", "heads=x")
    with pytest.raises(SystemExit):
        run(module, capsys, "--help")
    text = capsys.readouterr().out
    assert "  head=yolov8  (yolov8, yolov5, yolox, " in text and "  score_threshold=0.6\n" in text
    with pytest.raises(ValueError, match="score_threshold is 'high', not a number"):
        module.Model(backend="numpy", score_threshold="high")


def test_compare(deployed, tmp_path, capsys):
    """The same colours in other places are alike; another mixture is not."""
    module = deployed("embedding")
    paths = []
    for name, picture in {name: draw_scene(shapes) for name, shapes in SCENES.items()}.items():
        paths.append(tmp_path / f"{name}.png")
        cv2.imwrite(str(paths[-1]), picture)
    code, text, _ = run(module, capsys, *paths, "--compare", "--json", "--backend", "numpy")
    listed = json.loads(text)
    assert code == 0 and [entry["sources"] for entry in listed] == [[str(paths[0]), str(p)] for p in paths[1:]]
    same, other, _ = (entry["comparison"] for entry in listed)
    assert same["cosine"] > 0.999 and other["cosine"] < 0.9
    assert same["distance"] < 0.05 < other["distance"]
    assert (
        f"{paths[0]}, {paths[1]}: cosine 0.99" in run(module, capsys, *paths[:2], "--compare", "--backend", "numpy")[1]
    )
    code, _, errors = run(module, capsys, paths[0], "--compare", "--backend", "numpy")
    assert code == 2 and errors.endswith(": error: --compare needs two or more pictures or arrays\n")


@pytest.mark.parametrize(("task", "name"), [("depth", "map"), ("image", "image")])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_of_a_result(task, name, suffix, deployed, tmp_path, capsys):
    module = deployed(task)
    cv2.imwrite(str(tmp_path / "a.png"), draw_scene(SCENES["first"]))
    code, text, _ = run(
        module, capsys, tmp_path / "a.png", "--json", "--backend", "numpy", "-o", tmp_path / f"b{suffix}"
    )
    assert code == 0
    loaded = np.load(tmp_path / f"b{suffix}")
    array = loaded if suffix == ".npy" else loaded[name]
    np.testing.assert_array_equal(array, module.Model(backend="numpy")(draw_scene(SCENES["first"]))[name])
    said = json.loads(text)[0]["result"][name]
    assert (said["shape"], said["dtype"], said["max"]) == (list(array.shape), str(array.dtype), float(array.max()))


def test_a_task_without_arrays_says_so(deployed, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), draw_scene(SCENES["first"]))
    code, _, errors = run(deployed("raw"), capsys, tmp_path / "a.png", "--backend", "numpy", "-o", tmp_path / "b.npy")
    assert code == 1
    assert (
        f"{tmp_path / 'a.png'}: there are 0 arrays to write to b.npy; give the name of a picture or an .npz file"
        in errors
    )


def test_batches(deployed, tmp_path, capsys, monkeypatch):
    """Pictures that follow each other are prepared and run together; a bad one among them stays alone."""
    module = deployed("detection")
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.png"), draw_scene(SCENES["first" if number % 2 else "second"]))
    (folder / "3.png").write_bytes(b"no picture")
    alone = json.loads(run(module, capsys, folder, "--json", "--backend", "numpy")[1])
    sizes = []
    forward = module.DeployedModel.forward
    monkeypatch.setattr(
        module.DeployedModel, "forward", lambda self, blob: sizes.append(len(blob)) or forward(self, blob)
    )
    code, text, errors = run(module, capsys, folder, "--json", "--backend", "numpy", "--batch", "3")
    assert (code, sizes) == (1, [3, 1])
    assert json.loads(text) == alone
    assert "4 pictures in " in errors


def test_frames_of_a_video_run_together(deployed, tmp_path, capsys, monkeypatch):
    module = deployed("detection")
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (360, 240))
    for number in range(5):
        writer.write(draw_scene(SCENES["first" if number % 2 else "second"]))
    writer.release()
    alone = json.loads(run(module, capsys, tmp_path / "film.avi", "--json", "--backend", "numpy")[1])
    sizes = []
    forward = module.DeployedModel.forward
    monkeypatch.setattr(
        module.DeployedModel, "forward", lambda self, blob: sizes.append(len(blob)) or forward(self, blob)
    )
    code, text, _ = run(module, capsys, tmp_path / "film.avi", "--json", "--backend", "numpy", "--batch", "2")
    assert (code, sizes) == (0, [2, 2, 1])
    assert json.loads(text) == alone
    assert [entry["frame"] for entry in alone] == [0, 1, 2, 3, 4]


def test_frames_with_longer_legends_are_written_too(deployed, tmp_path, capsys):
    """The first frame has one class, the second four: their pictures have different heights."""
    plain, full = np.full((240, 360, 3), 128, np.uint8), draw_scene(SCENES["first"])
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (360, 240))
    for picture in (plain, full, plain):
        writer.write(picture)
    writer.release()
    out = tmp_path / "drawn.avi"
    assert run(deployed("segmentation"), capsys, tmp_path / "film.avi", "--backend", "numpy", "-o", out)[0] == 0
    frames = cv2.VideoCapture(str(out))
    read = [frames.read()[1] for _ in range(3)]
    assert [frame.shape for frame in read] == [read[0].shape] * 3 and read[0].shape[0] < 290
    assert np.abs(read[1][60, 70].astype(int) - read[0][60, 70]).max() > 40  # the red disc's class


def test_a_bar_on_a_terminal(deployed, tmp_path, capsys, monkeypatch):
    """It is drawn over and over on one line, and never between the letters of a result."""
    module = deployed("raw")
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), draw_scene(SCENES["first"]))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module, "BAR_SECONDS", 0.0)
    code, text, errors = run(module, capsys, tmp_path, "--backend", "numpy")
    assert code == 0 and len(text.splitlines()) == 4
    assert "\r[######..................] 1/4  " in errors and "] 4/4  " in errors
    assert errors.count("\r\033[K") >= 4
    assert errors.split("\n")[-2].split("\r\033[K")[-1].startswith("4 pictures in ")


# --- the scripts ------------------------------------------------------------------------------------------------------


def test_scripts_pass_ruff_and_parse_on_python_3_8(tmp_path):
    """With ruff's default rules, for the oldest Python that they promise; all tasks, with and without what is optional."""
    import ast

    for task in task_names():
        for kind, preprocess in {"pictures": PREPROCESS, "arrays": None}.items():
            text = render_deploy(
                name=f"a {task}", inputs=INPUTS, outputs=[TensorInfo("y", (1, 4))], preprocess=preprocess, task=task,
                task_settings={}, labels=["one", "two"], opencv=[], tolerance=1e-4, tool_version="0",
            )  # fmt: skip
            ast.parse(text, feature_version=(3, 8))
            (tmp_path / f"{task}_{kind}.py").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--target-version",
        "py38",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_task_has_its_network():
    assert set(networks()) == set(task_names())
    assert {
        shape.box[2] - shape.box[0] for shapes in SCENES.values() for shape in shapes if isinstance(shape, Shape)
    } == {60}
