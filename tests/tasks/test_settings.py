"""What a task's settings may be, from Python and as texts of a command line."""

from __future__ import annotations

import math

import pytest

from converter.errors import InputError
from converter.tasks import TASKS, task_named
from converter.tasks._settings import check_setting, parse_setting, shown_value

CHOICES = [None, "none", "sigmoid", True]


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        ("0.5", "float", 0.5), (".5", "float", 0.5), ("3", "float", 3), ("1e-3", "float", 0.001), ("-1", "int", -1),
        ("true", "bool", True), ("False", "bool", False), ("a=b", "str", "a=b"), ("7", "str", "7"), ("", "str", ""),
        ("none", CHOICES, "none"), ("null", CHOICES, None), ("None", CHOICES, None), ("true", CHOICES, True),
        ("boxes", "any", "boxes"), ('["a", 1]', "any", ["a", 1]), ('{"sizes": [[8]]}', "any", {"sizes": [[8]]}),
        ("-1", "any", -1), ("null", "any", None),
    ],
)  # fmt: skip
def test_texts(text, rule, value):
    found = parse_setting("x", text, rule)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        ("high", "float", "x is 'high', not a number"),
        ("true", "float", "x is True, not a number"),
        ("nan", "float", "x is nan, not a number"),
        ("Infinity", "float", "x is inf, not a number"),
        ("1.5", "int", "x is 1.5, not a whole number"),
        ("1", "bool", "x is 1, not true or false"),
        ("relu", CHOICES, "x is 'relu', not one of null, none, sigmoid, true"),
        ("1", CHOICES, "x is 1, not one of null, none, sigmoid, true"),
    ],
)
def test_texts_that_are_refused(text, rule, message):
    with pytest.raises(ValueError, match="x is") as raised:
        parse_setting("x", text, rule)
    assert str(raised.value) == message


def test_values_of_python():
    assert check_setting("x", 1, "float") == 1
    for value, rule in [(math.nan, "float"), ("0.5", "float"), (True, "int"), (1, "bool"), (None, "str"), (0, [False])]:
        with pytest.raises(ValueError, match="x is"):
            check_setting("x", value, rule)


@pytest.mark.parametrize("name", TASKS)
def test_defaults_are_what_they_may_be(name):
    """And they come back when they are written as texts."""
    task = task_named(name)
    task.check(task.settings)
    assert task.read([f"{key}={shown_value(value)}" for key, value in task.settings.items()]) == dict(task.settings)
    assert set(task.rules) == set(task.settings)
    assert all(isinstance(rule, list) or rule in ("float", "int", "bool", "str", "any") for rule in task.rules.values())


def test_refused_by_the_task():
    with pytest.raises(InputError) as raised:
        task_named("detection").read(["head=yolo99"])
    assert str(raised.value).startswith(
        "the task detection cannot have this setting head\n  measured: head is 'yolo99', not one of yolov8, yolov5, yolox, "
    )
    with pytest.raises(InputError, match="has no setting heads"):
        task_named("detection").read(["heads=yolov8"])
    with pytest.raises(InputError, match="score_threshold is '', not a number"):
        task_named("detection").read(["score_threshold"])
    with pytest.raises(InputError, match=r"max_objects is 2\.5, not a whole number"):
        task_named("detection").read({"max_objects": 2.5})
