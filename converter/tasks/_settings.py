"""What a task's setting may be, and how it is read from a command line. Pasted into deploy.py: standard library only.

A rule is a list of the values that are allowed, or "float" (a finite number), "int", "bool", "str", or "any".
"""

from __future__ import annotations

import json
import math
from typing import Any

KINDS = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text"}


def check_setting(name: str, value: Any, rule: Any) -> Any:
    """The value. Raises ValueError when the rule does not allow it."""
    if isinstance(rule, (list, tuple)):
        if not any(value is one or (type(value) is type(one) and value == one) for one in rule):
            raise ValueError(f"{name} is {value!r}, not one of {', '.join(map(shown_value, rule))}")
    elif rule in KINDS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        good = {
            "float": whole or (isinstance(value, float) and math.isfinite(value)),
            "int": whole,
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
        }[rule]
        if not good:
            raise ValueError(f"{name} is {value!r}, not {KINDS[rule]}")
    return value


def parse_setting(name: str, text: str, rule: Any) -> Any:
    """The value that a text on a command line means: JSON, or the text itself. Raises ValueError when it is not allowed."""
    if rule == "str" or (isinstance(rule, (list, tuple)) and text in rule):
        return text
    if text in ("True", "False", "None"):
        value: Any = {"True": True, "False": False, "None": None}[text]
    else:
        try:
            value = json.loads(text)
        except ValueError:
            try:
                value = float(text)  # .5 is no JSON
            except ValueError:
                value = text
    return check_setting(name, value, rule)


def shown_value(value: Any) -> str:
    """A setting's value as `parse_setting` reads it."""
    return value if isinstance(value, str) else json.dumps(value)
