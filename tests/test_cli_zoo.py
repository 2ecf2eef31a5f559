"""`convert zoo` as a user runs it: the list, one recipe, a conversion, what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from converter import cli, zoo


def convert(*arguments, cwd=None):
    command = [sys.executable, "-m", "converter", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


def run(*arguments):
    result = CliRunner().invoke(cli.app, ["zoo", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_list_has_a_line_for_each_recipe():
    lines = run().splitlines()
    names = [line.split()[0] for line in lines if line.strip() and not set(line) <= set(" ─")]
    assert names == ["recipe", *zoo.recipes()]
    (line,) = [line for line in lines if line.split()[:1] == ["resnet50"]]
    words = line.split()
    assert words[1:5] == ["classification", "1x3x224x224", "torchvision", "BSD-3-Clause"]


def test_the_list_of_one_task():
    lines = run("--task", "text").splitlines()
    assert [line.split()[0] for line in lines if " text " in line] == ["crnn"]
    assert not any("resnet50" in line for line in lines)


def test_the_list_as_json():
    found = {entry["name"]: entry for entry in json.loads(run("--json"))}
    assert list(found) == list(zoo.recipes())
    entry = found["resnet50"]
    assert entry["arch"] == "torchvision:resnet50"
    assert entry["source"]["sha256"] == "11ad3fa6"
    assert entry["preprocess"] == zoo.recipe("resnet50").preprocess.to_dict()
    assert len(entry["labels"]) == 1000


def test_one_recipe_is_shown_with_all_that_it_says():
    text = run("ssd300_vgg16")
    for word in (
        "detection", "torchvision_detectors.py:ssd300_vgg16", "iou_threshold = 0.45", "1x3x300x300", "coco-90",
        "ssd300_vgg16_coco-b556d3b4.pth", "b556d3b4 ...", "BSD-3-Clause", "convert zoo ssd300_vgg16 ssd300_vgg16_coco",
    ):  # fmt: skip
        assert word in text, word
    assert json.loads(run("ssd300_vgg16", "--json"))["settings"]["multi_label"] is True


def test_a_refused_recipe_says_so_when_it_is_shown():
    text = run("maskrcnn_resnet50_fpn_v2")
    assert "cannot be converted" in text and "RoIAlign" in text
    assert "convert zoo maskrcnn" not in text


def test_the_zoos_own_weights_are_converted(tmp_path):
    done = convert("zoo", "digits", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out")
    assert "[8/8] emit" in done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["task"] == "classification"
    assert (tmp_path / "out" / "labels.txt").read_text().split() == list("0123456789")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("resnet5",), 2, "there is no recipe called resnet5"),
        (("resnet50", "nothing.pth"), 2, "does not exist"),
        (("resnet50", "-o", "out"), 2, "the recipe resnet50 holds no weights"),
        (("fasterrcnn_resnet50_fpn_v2", "any.pth"), 3, "cannot be converted"),
        (("--frobnicate",), 2, "No such option"),
        (("--task", "divination"), 2, "there is no task 'divination'"),
    ],
)
def test_what_goes_wrong_is_one_clear_message(tmp_path, arguments, code, message):
    done = convert("zoo", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
