"""How many architectures convert, on which OpenCV: `convert sweep` with the plain route beside it, against a baseline.

    python benchmarks/suite.py LIST --target 4.10.0 --target 5.0.0 --out FOLDER [--plain] [--jobs N] [--limit SECONDS]
    python benchmarks/suite.py LIST ... --baseline FILE [--write]

LIST and FOLDER are as for `convert sweep`: what is in FOLDER is not run again. Weights are random (seed 0), batch 1, the
architecture's own input size, the gate 1e-4. --plain also measures the bare route: torch.onnx.export, then readNetFromONNX.
Prints N of M per target, and for the rest the reason. --baseline compares with an earlier run and names what changed; with
--write it becomes this run's statuses. Exit code 1 when a model that was right in the baseline is not any more.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from converter.sweep import outcome_of, read_list, summary, sweep


def baseline_of(results: list[dict[str, Any]], targets: list[str]) -> dict[str, dict[str, str]]:
    """Model -> target -> status."""
    return {result["model"]: {target: word_of(result, target) for target in targets} for result in results}


def word_of(result: dict[str, Any], target: str) -> str:
    """The outcome in a word; "islands" for a model that is right with their help."""
    outcome = outcome_of(result, target)
    return "islands" if outcome["status"] == "ok" and outcome["islands"] else str(outcome["status"])


def compare(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> tuple[list[str], bool]:
    """What changed, in lines, and whether something that was right is not any more."""
    lines, lost = [], False
    for model, statuses in new.items():
        for target, status in statuses.items():
            before = old.get(model, {}).get(target)
            if before not in (None, status):
                lines.append(f"{model} on {target}: {before} -> {status}")
                lost |= before == "ok" or (before == "islands" and status != "ok")
    return lines, lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()

    def tell(done: int, count: int, result: dict[str, Any]) -> None:
        statuses = {t: word_of(result, t) for t in options.target} if "targets" in result else result["failed"][-160:]
        print(f"{done}/{count} {result['model']}: {statuses}", file=sys.stderr, flush=True)

    results = sweep(
        read_list(options.list), options.target, options.out,
        jobs=options.jobs, plain=options.plain, time_limit=options.limit, tell=tell,
    )  # fmt: skip
    print("\n".join(summary(results, options.target)))
    if options.baseline is None:
        return
    new = baseline_of(results, options.target)
    old = json.loads(options.baseline.read_text()) if options.baseline.exists() else {}
    lines, lost = compare(old, new)
    print("\n".join(lines) or "nothing changed against the baseline")
    if options.write:
        merged = {model: {**old.get(model, {}), **statuses} for model, statuses in new.items()}
        options.baseline.write_text(json.dumps({**old, **merged}, indent=0, sort_keys=True) + "\n")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
