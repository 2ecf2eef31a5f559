"""Many models on many OpenCVs: one child process a model, over all cores, resumable.

One file is made for all targets; a target that it does not serve, or not without islands, is tried alone as well.

A list has a model a line: an architecture with random weights (`resnet18` is timm's, `torchvision:NAME`,
`package.module:callable`, `file.py:callable`), or a checkpoint, each with options as `convert` takes them:

    resnet18
    torchvision:lraspp_mobilenet_v3_large --input 1x3x224x224
    weights/net.pth --arch models.py:build --arch-args '{"classes": 5}'

What came of each model is one JSON file in a folder; a model whose file is there is not run again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConverterError, InputError

if TYPE_CHECKING:
    from converter.attempt import Attempt
    from converter.export import Network
    from converter.verification import Sample

STATUS = {"fails at load": "refused", "fails at run": "refused"}
"""Check.status -> the word in a sweep, where they differ."""

Tell = Callable[[int, int, dict[str, Any]], None]
"""Told after each model: how many are done, of how many, and what came of it."""


@dataclass(frozen=True)
class Entry:
    """A line of the list."""

    model: str
    arch: str | None = None
    arch_args: str | None = None
    inputs: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its result's file: readable, and its own for every line."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.model).strip("-.")[-80:]
        others = repr((self.arch, self.arch_args, self.inputs)) if self.arch or self.arch_args or self.inputs else ""
        digest = "-" + hashlib.sha256(others.encode()).hexdigest()[:8] if others else ""
        return f"{plain}{digest}.json"


def read_list(file: Path) -> list[Entry]:
    """The entries of a list; comments begin with #. Raises InputError for a line that is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the list {file} cannot be read",
            measured=f"{type(error).__name__}: {error}",
            do=("give a text file with a model a line",),
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise _bad_line(file, number, line, str(error)) from error
        if words:
            try:
                found.append(_entry(words))
            except ValueError as error:
                raise _bad_line(file, number, line, str(error)) from error
    if not found:
        raise InputError(
            f"the list {file} has no model", measured="no line that is not a comment", do=("add one a line",)
        )
    return list(dict.fromkeys(found))


def _entry(words: Sequence[str]) -> Entry:
    """The entry of a line's words. Raises ValueError, saying what is wrong with them."""
    options: dict[str, list[str]] = {"--arch": [], "--arch-args": [], "--input": []}
    rest = list(words[1:])
    while rest:
        name = rest.pop(0)
        if name not in options or not rest:
            raise ValueError(f"{name!r} is not one of {', '.join(options)} with a value")
        options[name].append(rest.pop(0))
    if len(options["--arch"]) > 1 or len(options["--arch-args"]) > 1:
        raise ValueError("--arch and --arch-args may be given once")
    model = words[0]
    if ":" not in model and not Path(model).suffix and not Path(model).exists():
        model = f"timm:{model}"
    return Entry(
        model, next(iter(options["--arch"]), None), next(iter(options["--arch-args"]), None), tuple(options["--input"])
    )


def _bad_line(file: Path, number: int, line: str, problem: str) -> InputError:
    return InputError(
        f"line {number} of {file} is not a model",
        measured=f"{line.strip()!r}: {problem}",
        do=("write an architecture or a checkpoint, then --arch, --arch-args, --input as for convert",),
    )


# --- one model, in this process ---------------------------------------------------------------------------------------


def prepare(entry: Entry) -> tuple[Network, tuple[Sample, ...], str]:
    """The entry's network, what it is tried on, and its task. Raises what `convert` raises."""
    import torch

    from converter import checkpoint, pipeline
    from converter.checkpoint import parse_arch_args
    from converter.checkpoint.architecture import build
    from converter.export import network
    from converter.inputs import photos, picture_input, read_example
    from converter.tasks import guess_task
    from converter.verification import draw_samples

    torch.manual_seed(0)
    arguments = parse_arch_args(entry.arch_args) if entry.arch_args is not None else {}
    if Path(entry.model).is_file():
        loaded = checkpoint.load(entry.model, arch=entry.arch, arch_args=arguments)
    else:
        built = build(entry.model, arguments)
        loaded = checkpoint.load(built.module, arch=entry.model)
    inputs, _ = read_example(list(entry.inputs) or None, loaded.module, loaded.input_hint)
    net = network(loaded.module, inputs)
    task = guess_task(dict(zip(net.outputs, net.output_shapes, strict=True)), inputs[0].shape)
    recipe = pipeline.read_preprocess(None, picture_input(inputs), loaded.preprocess_hint, task)
    return net, draw_samples(net, photos(inputs, recipe)), task


def measure(entry: Entry, targets: Sequence[str], *, plain: bool, time_limit: float) -> dict[str, Any]:
    """What each target makes of one model, and what was rewritten for it. Raises what `convert` raises.

    plain: also measure the bare route, torch.onnx.export and readNetFromONNX.
    """
    from converter.export import climb
    from converter.progress import Progress
    from converter.search import search
    from converter.targets import Target
    from converter.verification import TOLERANCE

    net, samples, task = prepare(entry)
    asked = [Target.parse(name) for name in targets]
    result: dict[str, Any] = {"model": entry.model}
    if plain:
        result["plain"] = _bare(net, samples, asked)
    exports = _Remembered(climb(net))
    began = time.perf_counter()
    best = search(net, samples, asked, TOLERANCE, task, Progress(), time_limit, exports)
    result["exporter"], result["opset"] = best.exported.rung, best.opset
    result["nodes"] = len(best.legalized.model.graph)
    result["rewrites"] = dict(Counter(f"{r.op_type}: {r.rule}" for r in best.legalized.rewrites))
    result["targets"] = _outcomes(best)
    result["flags"] = sorted({f"{f.target}: {f.op_type}: {f.verdict}"[:300] for f in best.flags()})
    result["seconds"] = round(time.perf_counter() - began, 1)
    short = [t for t in asked if status_of(result, t.name) != "ok" or islands_of(result, t.name)]
    for target in short if len(asked) > 1 else ():  # what one target needs may be in another's way
        best = search(net, samples, [target], TOLERANCE, task, Progress(), time_limit, exports)
        result["targets"][target.name]["alone"] = _outcomes(best)[target.name]
    return result


class _Remembered:
    """What an iterator gave, for going through it again; what was not asked for yet is made when it is."""

    def __init__(self, source: Iterator[Any]) -> None:
        self._source, self._made = source, list[Any]()

    def __iter__(self) -> Iterator[Any]:
        yield from map(copy.copy, self._made)  # copies: who gets one takes the model out of it
        for item in self._source:
            self._made.append(item)
            yield copy.copy(item)


def _outcomes(best: Attempt) -> dict[str, dict[str, Any]]:
    """Target -> what it makes of the model."""
    islands = {plan.target.name: dict(Counter(island.op for island in plan.islands)) for plan in best.plans}
    return {
        check.target or check.backend: {
            "status": STATUS.get(check.status, check.status),
            "error": float(f"{check.worst:.1e}") if check.ok else None,
            "reason": check.reason[:300],
            "islands": islands.get(check.target or "", {}),
        }
        for check in best.verification.checks
    }


def _bare(net: Any, samples: Any, targets: Sequence[Any]) -> dict[str, str]:
    """The route without us: torch's default export, read as it is."""
    from converter.export import LADDER, attempt
    from converter.verification import TOLERANCE, verify_opencv

    try:
        model = attempt(net, LADDER[0], {}).model.SerializeToString()
    except Exception as error:  # exporters raise anything; it is the measurement
        return {target.name: f"export: {type(error).__name__}" for target in targets}
    checks = [verify_opencv(model, target, samples, TOLERANCE, False, timeout=300) for target in targets]
    return {check.target or "": STATUS.get(check.status, check.status) for check in checks}


# --- many, in child processes -----------------------------------------------------------------------------------------


def sweep(
    entries: Sequence[Entry],
    targets: Sequence[str],
    out: Path,
    *,
    jobs: int = 1,
    plain: bool = False,
    time_limit: float = 900.0,
    tell: Tell | None = None,
) -> list[dict[str, Any]]:
    """Run every entry that has no result in `out` yet; all results, in the list's order.

    A model that fails, hangs (several times the time limit) or takes its process down is a result: {"failed": why}.
    """
    out.mkdir(parents=True, exist_ok=True)
    done: list[dict[str, Any]] = []
    with ThreadPoolExecutor(max(jobs, 1)) as pool:
        waiting = [pool.submit(_one, entry, targets, out / entry.file, plain, time_limit) for entry in entries]
        for future in waiting:
            done.append(future.result())
            if tell is not None:
                tell(len(done), len(entries), done[-1])
    return done


def _one(entry: Entry, targets: Sequence[str], file: Path, plain: bool, time_limit: float) -> dict[str, Any]:
    """The entry's result: from its file, or from a child process."""
    if file.exists():
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if "failed" in known or set(targets) <= set(known["targets"]):
            return known
    job = {"entry": vars(entry), "targets": list(targets), "plain": plain, "time_limit": time_limit}
    limit = (2 + len(targets)) * time_limit
    try:
        child = subprocess.run(
            [sys.executable, "-m", "converter.sweep"],
            input=json.dumps(job), capture_output=True, text=True, timeout=limit, check=False,
        )  # fmt: skip
        lines = child.stdout.strip().splitlines()
        if child.returncode == 0 and lines:
            result: dict[str, Any] = json.loads(lines[-1])
        else:
            told = child.stderr.strip().splitlines() or [f"the process ended with exit code {child.returncode}"]
            result = {"model": entry.model, "failed": " | ".join(told[-4:])[-600:]}
    except subprocess.TimeoutExpired:
        result = {"model": entry.model, "failed": f"not done in {limit:.0f} s"}
    part = file.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(file)
    return result


def summary(results: Sequence[Mapping[str, Any]], targets: Sequence[str]) -> Iterator[str]:
    """N of M on each target, and a line with the reason for each model that is not among the N.

    With several targets also how many models are right on all of them in one file.
    """
    for target in targets:
        outcomes = [outcome_of(result, target) for result in results]
        counts = Counter(outcome["status"] for outcome in outcomes)
        rest = ", ".join(f"{count} {status}" for status, count in counts.most_common() if status != "ok")
        with_islands = sum(outcome["status"] == "ok" and bool(outcome["islands"]) for outcome in outcomes)
        helped = f", {with_islands} of them with islands" if with_islands else ""
        bare = [r["plain"].get(target) for r in results if "plain" in r]
        plainly = f"; plain {bare.count('ok')} of {len(bare)}" if bare else ""
        yield f"OpenCV {target}: {counts['ok']} of {len(results)}{helped}{plainly}" + (f" ({rest})" if rest else "")
        for result, outcome in zip(results, outcomes, strict=True):
            if outcome["status"] != "ok":
                yield f"    {result['model']}: {outcome['status']}: {outcome['reason'][:200]}"
            elif found := outcome["islands"]:
                yield f"    {result['model']}: islands: {', '.join(f'{count} {op}' for op, count in found.items())}"
    if len(targets) > 1:
        together = [[status_of(result, target) == "ok" for target in targets] for result in results]
        right = [result for result, found in zip(results, together, strict=True) if all(found)]
        bare_files = sum(not any(islands_of(result, target) for target in targets) for result in right)
        yield f"one file for all of them: {len(right)} of {len(results)}, {bare_files} of them without islands"


def outcome_of(result: Mapping[str, Any], target: str) -> dict[str, Any]:
    """What a target makes of the model: in the file for all targets, or where that falls short in a file of its own."""
    if "targets" not in result:
        return {"status": "failed", "reason": result["failed"], "islands": {}}
    found = result["targets"].get(target, {"status": "not run", "reason": "", "islands": {}})
    alone = found.get("alone", found)
    better = alone["status"] == "ok" and (found["status"] != "ok" or len(alone["islands"]) < len(found["islands"]))
    return dict(alone if better else found)


def status_of(result: Mapping[str, Any], target: str) -> str:
    """ok, wrong, refused, crashes, timeout of the file for all targets; failed where no model came out at all."""
    if "targets" not in result:
        return "failed"
    return str(result["targets"].get(target, {"status": "not run"})["status"])


def islands_of(result: Mapping[str, Any], target: str) -> Mapping[str, int]:
    """Op -> how many nodes of it run in NumPy there, in the file for all targets."""
    found: Mapping[str, int] = result.get("targets", {}).get(target, {}).get("islands", {})
    return found


def main() -> None:
    """The child: one job from standard input, its result as the last line of standard output."""
    job = json.loads(sys.stdin.read())
    job["entry"]["inputs"] = tuple(job["entry"]["inputs"])
    try:
        found = measure(Entry(**job["entry"]), job["targets"], plain=job["plain"], time_limit=job["time_limit"])
    except ConverterError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
