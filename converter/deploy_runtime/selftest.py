"""--self-test: every golden input, on the OpenCV that is there and on NumPy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError
from converter.deploy_runtime.backends import NumPyBackend, OpenCVBackend, opencv_version, verified_target
from converter.deploy_runtime.golden import Golden, measure, probe_in_child, require_match
from converter.deploy_runtime.model import opencv_title


def self_test(about: About, folder: Path, script: Path, backend: str) -> dict[str, Any]:
    """name, tolerance, samples, backends: {name: {title, ok, errors, problem}}, used, reason, ok.

    `errors` holds the worst relative error of each output, None where it is infinite. `used` is the backend that a
    program would run with this `backend`; `ok` says whether it matches; `reason` why "auto" is not OpenCV.
    """
    golden = Golden(about, folder)
    reports = {
        "numpy": _report(_numpy_title(about), about.numpy_tolerance, lambda: _numpy_errors(about, folder, golden))
    }
    reason = None
    if backend != "numpy":
        reports["opencv"] = _report(
            opencv_title(), about.tolerance, lambda: _opencv_errors(about, folder, script, golden)
        )
        reason = reports["opencv"]["problem"] or _unmet(about)
    used = "numpy" if backend == "numpy" or (backend == "auto" and reason is not None) else "opencv"
    return {
        "name": about.name,
        "tolerance": about.tolerance,
        "samples": len(golden.numbers),
        "backends": {name: reports[name] for name in ("opencv", "numpy") if name in reports},
        "used": used,
        "reason": reason if used == "numpy" else None,
        "ok": reports[used]["ok"],
    }


def _numpy_title(about: About) -> str:
    title = f"NumPy {np.__version__}"
    return title if about.numpy_tolerance == about.tolerance else f"{title} (tolerance {about.numpy_tolerance:.2g})"


def _report(title: str, tolerance: float, errors_of: Any) -> dict[str, Any]:
    errors: dict[str, float] = {}
    problem = None
    try:
        errors = errors_of()
        require_match(errors, tolerance)
    except CannotRunError as error:
        problem = str(error)
    shown = {name: error if math.isfinite(error) else None for name, error in errors.items()}  # JSON has no infinity
    return {"title": title, "ok": problem is None, "errors": shown, "problem": problem}


def _numpy_errors(about: About, folder: Path, golden: Golden) -> dict[str, float]:
    return measure(NumPyBackend(about, folder), golden, golden.numbers)


def _opencv_errors(about: About, folder: Path, script: Path, golden: Golden) -> dict[str, float]:
    target = verified_target(about, opencv_version())
    if target is None or target["backend"] != "opencv":  # it may crash
        return probe_in_child(script, folder, "all")
    return measure(OpenCVBackend(about, folder), golden, golden.numbers)


def _unmet(about: About) -> str | None:
    """Why "auto" leaves this OpenCV alone although it matches now: it did not when the network was converted."""
    target = verified_target(about, opencv_version())
    if target is None or target["backend"] == "opencv":
        return None
    return f"this network does not run right there ({target['reason'] or 'measured when it was converted'})"


def self_test_lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    lines = [f"{report['name']}: {report['samples']} golden inputs, tolerance {report['tolerance']:g}"]
    for found in report["backends"].values():
        shown = [f"{name} {'not finite' if e is None else format(e, '.2e')}" for name, e in found["errors"].items()]
        problem = "" if found["ok"] or shown else f" ({found['problem']})"
        lines.append(
            f"{found['title']}: {', '.join(shown)}{'  ' if shown else ''}{'OK' if found['ok'] else 'FAIL'}{problem}"
        )
    titles = {name: found["title"] for name, found in report["backends"].items()}
    if report["reason"] is not None:
        lines.append(f"{titles['opencv']}: {report['reason']}; using NumPy")
    outcome = "gives PyTorch's numbers" if report["ok"] else "does NOT give PyTorch's numbers"
    return [*lines, f"self-test {'passed' if report['ok'] else 'FAILED'}: {titles[report['used']]} {outcome}"]


def probe(about: About, folder: Path, samples: str) -> str:
    """The child's side of `probe_in_child`: one line of JSON."""
    errors: dict[str, str] = {}
    problem = None
    try:
        golden = Golden(about, folder)
        numbers = golden.numbers if samples == "all" else golden.numbers[:1]
        errors = {name: str(error) for name, error in measure(OpenCVBackend(about, folder), golden, numbers).items()}
    except CannotRunError as error:
        problem = str(error)
    return json.dumps({"probe": errors, "problem": problem})
