"""Many models in child processes: what came of each is a file, and a file is not made twice."""

import json

import pytest

from converter.errors import InputError
from converter.sweep import Entry, _Remembered, outcome_of, read_list, status_of, summary, sweep
from converter.targets import default_targets
from tests.test_cli import convert

ARCH = """import torch
def good(width=4):
    return torch.nn.Sequential(torch.nn.Conv2d(3, width, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                               torch.nn.Flatten(), torch.nn.Linear(width, 5))
def bad():
    class Net(torch.nn.Module):
        def forward(self, x):
            raise RuntimeError("this network cannot run")
    return Net()
"""
TARGET = default_targets()[0].name


@pytest.fixture
def arch(tmp_path):
    file = tmp_path / "arch.py"
    file.write_text(ARCH)
    return file


def test_a_list_holds_architectures_checkpoints_and_their_options(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text(
        "resnet18\n"
        "# a comment\n"
        "\n"
        "torchvision:alexnet --input 1x3x224x224   # and another\n"
        "a/net.pth --arch models.py:build --arch-args '{\"classes\": 5}' --input 1x3x8x8 --input 1x4\n"
        "resnet18\n"
    )
    assert read_list(file) == [
        Entry("timm:resnet18"),
        Entry("torchvision:alexnet", inputs=("1x3x224x224",)),
        Entry("a/net.pth", "models.py:build", '{"classes": 5}', ("1x3x8x8", "1x4")),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet18 --frobnicate 3", "line 1 of {file} is not a model"),
        ("resnet18 --input", "line 1 of {file} is not a model"),
        ("resnet18\nresnet18 --arch a --arch b", "line 2 of {file} is not a model"),
        ("net.pth --arch-args '{", "line 1 of {file} is not a model"),
        ("# nothing", "the list {file} has no model"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path, text, message):
    file = tmp_path / "list.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=r"is not a model|has no model") as refused:
        read_list(file)
    assert str(refused.value).splitlines()[0] == message.format(file=file)


def test_every_entry_has_its_own_file():
    entries = [Entry("a:b"), Entry("a:b", inputs=("1x3x8x8",)), Entry("a:b", arch_args="{}"), Entry("a-c")]
    assert len({entry.file for entry in entries}) == len(entries)


def test_a_model_that_fails_is_a_result_among_others(arch, tmp_path):
    entries = [
        Entry(f"{arch}:good", inputs=("1x3x12x12",)),
        Entry(f"{arch}:bad", inputs=("1x3x12x12",)),
        Entry(f"{arch}:good", arch_args='{"width": 6}', inputs=("1x3x12x12",)),
    ]
    told = []
    results = sweep(entries, [TARGET], tmp_path / "out", jobs=2, tell=lambda *what: told.append(what[:2]))
    assert [status_of(result, TARGET) for result in results] == ["ok", "failed", "ok"]
    assert "this network cannot run" in results[1]["failed"]
    assert results[0]["targets"][TARGET]["error"] < 1e-5
    assert told == [(1, 3), (2, 3), (3, 3)]
    lines = list(summary(results, [TARGET]))
    assert lines[0] == f"OpenCV {TARGET}: 2 of 3 (1 failed)"
    assert lines[1].startswith(f"    {arch}:bad: failed: ")


def test_the_summary_tells_islands_apart():
    def result(model, status, **islands):
        return {"model": model, "targets": {"4.6.0": {"status": status, "reason": "no", "islands": islands}}}

    results = [result("a", "ok"), result("b", "ok", GridSample=2), result("c", "wrong")]
    assert list(summary(results, ["4.6.0"])) == [
        "OpenCV 4.6.0: 2 of 3, 1 of them with islands (1 wrong)",
        "    b: islands: 2 GridSample",
        "    c: wrong: no",
    ]


def test_a_target_counts_with_the_file_that_serves_it_best():
    def told(status, reason="", **islands):
        return {"status": status, "reason": reason, "islands": islands}

    def result(model, one, other):
        return {"model": model, "targets": {"4.6.0": one, "5.0.0": other}}

    results = [
        result("both", told("ok"), told("ok")),
        result("apart", told("wrong", "off") | {"alone": told("ok")}, told("ok")),
        result("helped", told("ok", Pad=2) | {"alone": told("ok", Pad=2)}, told("ok", Pad=1) | {"alone": told("ok")}),
        result("never", told("ok"), told("refused", "no Pad") | {"alone": told("wrong", "off by 2")}),
        {"model": "lost", "failed": "no export"},
    ]
    assert list(summary(results, ["4.6.0", "5.0.0"])) == [
        "OpenCV 4.6.0: 4 of 5, 1 of them with islands (1 failed)",
        "    helped: islands: 2 Pad",
        "    lost: failed: no export",
        "OpenCV 5.0.0: 3 of 5 (1 refused, 1 failed)",
        "    never: refused: no Pad",
        "    lost: failed: no export",
        "one file for all of them: 2 of 5, 1 of them without islands",
    ]
    assert outcome_of(results[1], "4.6.0")["status"] == "ok"
    assert status_of(results[1], "4.6.0") == "wrong"


def test_what_is_there_is_not_run_again(arch, tmp_path):
    entry = Entry(f"{arch}:good", inputs=("1x3x12x12",))
    (tmp_path / entry.file).write_text(json.dumps({"model": "earlier", "targets": {TARGET: {"status": "wrong"}}}))
    (result,) = sweep([entry], [TARGET], tmp_path)
    assert result["model"] == "earlier"


def test_what_was_remembered_is_not_made_again():
    made = []
    remembered = _Remembered(made.append(n) or n for n in range(3))
    assert next(iter(remembered)) == 0
    assert made == [0]
    assert [list(remembered), list(remembered)] == [[0, 1, 2]] * 2
    assert made == [0, 1, 2]


def test_the_command_prints_how_many_are_right_and_exits_3_when_one_is_not(arch, tmp_path):
    (tmp_path / "list.txt").write_text(f"{arch}:good --input 1x3x12x12\n{arch}:bad --input 1x3x12x12\n")
    done = convert("sweep", tmp_path / "list.txt", "--target", TARGET, "-o", tmp_path / "out", "--jobs", "1")
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[0] == f"OpenCV {TARGET}: 1 of 2 (1 failed)"
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".json"]
