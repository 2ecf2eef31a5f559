"""Holds the support tables to the truth: what they say of real nodes, against probing those nodes on the real OpenCV.

    python benchmarks/table_truth.py --harvest FOLDER [LIST...] [--targets V,V,...] [--json FILE] [--show N]
    python benchmarks/table_truth.py --harvest FOLDER [LIST...] --models [--limit SECONDS]

LIST as in `harvest.py`, whose files in FOLDER are the nodes; without a list, every file there. Each distinct node is probed
alone, in its real sizes with drawn weights, two samples, in child processes. What was measured is kept in FOLDER/live, so a
second run asks only the tables. Printed per target: of nodes called ok, how many are; of nodes that do not work, how many are
not called ok; how many are unmeasured; and every disagreement, by op.

With --models, whole networks are exported again, one at a time, and run: "will run", which is that the tables call every node
ok, alone and in its pattern, against running and comparing the network. That is kept in FOLDER/models.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harvest import add_export_options, file_name, read, read_list
from whole_models import models_report

from converter.opencv import OpenCVWorker
from converter.support import SupportTable, Verdict
from converter.support.cases._rebuild import model_of, node_of, right_answers, samples_of
from converter.support.cases._records import Record, identity
from converter.support.features import features
from converter.support.measure import judge
from converter.targets import Target

TARGETS = "4.6.0,4.8.1,4.10.0,4.14.0,5.0.0"


def distinct_nodes(files: Iterable[Path]) -> tuple[dict[str, Record], dict[str, list[str]]]:
    """The records by a hash of what they say, and the architectures that have each."""
    records: dict[str, Record] = {}
    owners: dict[str, list[str]] = defaultdict(list)
    for file in files:
        document = read(file)
        for rung in document["rungs"].values():
            for record in rung.get("records", ()):
                del record["count"]
                key = hashlib.sha256(identity(record).encode()).hexdigest()[:20]
                records[key] = record
                if document["architecture"] not in owners[key]:
                    owners[key].append(document["architecture"])
    return records, owners


class Live:
    """What probing showed on one target, kept in a file, one line a node."""

    def __init__(self, folder: Path, target: Target) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{target.version}-{target.engine}.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.known = {key: Verdict(*verdict) for key, *verdict in map(json.loads, lines)}

    def add(self, key: str, verdict: Verdict) -> None:
        self.known[key] = verdict
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, verdict.status, verdict.evidence, verdict.error]) + "\n")


def probe_all(records: dict[str, Record], live: dict[Target, Live], budget: float) -> int:
    """Probe what is not known yet, every target in turn with the same tensors. Returns how many nodes are left.

    In the order of the hashes: what is done when time runs out is a fair sample.
    """
    began = time.perf_counter()
    missing = sorted(key for key in records if any(key not in found.known for found in live.values()))
    with ExitStack() as stack:
        workers = {target: stack.enter_context(OpenCVWorker(target, timeout=60)) for target in live}
        for done, key in enumerate(missing):
            if time.perf_counter() - began > budget:
                return len(missing) - done
            if done % 200 == 0:
                print(f"probing {done} of {len(missing)} nodes, {time.perf_counter() - began:.0f} s", file=sys.stderr)
            model, samples = model_of(records[key]), samples_of(records[key])
            try:
                expected = right_answers(model, samples)
            except Exception as error:  # ONNX Runtime raises its own
                print(f"{records[key]['op']} cannot be judged: {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            blob = model.SerializeToString()
            for target, found in live.items():
                if key not in found.known:
                    run = workers[target].run(blob, samples, list(expected[0]))
                    found.add(key, judge(run, expected, records[key]["op"]))
    return 0


def told(table: SupportTable, record: Record) -> Verdict:
    return table.verdict([node_of(record)])


def compare(records: dict[str, Record], table: SupportTable, live: Live) -> dict[str, Any]:
    """The figures of one target, and the nodes on which table and probe disagree."""
    counts: Counter[tuple[str, str]] = Counter()
    disagree = []
    for key, record in records.items():
        if key not in live.known:
            continue
        said, seen = told(table, record), live.known[key]
        counts[said.status, seen.status] += 1
        if said.status == "unmeasured" or bool(said) != bool(seen):
            disagree.append((key, said, seen))
    total = sum(counts.values())
    called_ok = sum(count for (said, _), count in counts.items() if said == "ok")
    broken = sum(count for (_, seen), count in counts.items() if seen != "ok")
    missed = sum(count for (said, seen), count in counts.items() if said == "ok" and seen != "ok")
    unmeasured = sum(count for (said, _), count in counts.items() if said == "unmeasured")
    refused = sum(n for (said, seen), n in counts.items() if said not in ("ok", "unmeasured") and seen == "ok")
    return {
        "nodes": total,
        "work": total - broken,
        "called ok": called_ok,
        "ok precision": share(counts["ok", "ok"], called_ok),
        "failures not called ok": share(broken - missed, broken),
        "unmeasured": share(unmeasured, total),
        "ok nodes refused": share(refused, total - broken),
        "disagree": disagree,
    }


def share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def print_target(target: Target, found: dict[str, Any], records: dict[str, Record], owners: Any, show: int) -> None:
    print(
        f"{target.name:14} {found['nodes']:6} nodes, {found['work']} work, {found['called ok']} called ok: "
        f"{found['ok precision']:.2%} of these are. Of those that do not work {found['failures not called ok']:.2%} are not "
        f"called ok. Unmeasured {found['unmeasured']:.2%}; working, but refused {found['ok nodes refused']:.2%}"
    )
    groups: dict[tuple[str, str, str, str], list[tuple[str, Verdict, Verdict]]] = defaultdict(list)
    for key, said, seen in found["disagree"]:
        fine = features(node_of(records[key])).fine
        groups[records[key]["op"], said.status, seen.status, fine].append((key, said, seen))
    # called ok and broken comes first: that is what a table must not do
    order = sorted(groups, key=lambda group: (group[1] != "ok", group[1] != "unmeasured", -len(groups[group]), group))
    for group in order[:show]:
        op, said_status, seen_status, fine = group
        key, said, seen = groups[group][0]
        shapes = [entry["shape"] for entry in records[key]["inputs"] if entry]
        print(f"  {len(groups[group]):4} x {op}: table {said_status}, probe {seen_status}: {fine}")
        print(f"         {shapes} {records[key]['attributes']} in {', '.join(owners[key][:2])}")
        print(f"         table: {said.evidence[:150]}; probe: {seen.evidence[:150]}")
    if len(order) > show:
        print(f"  and {len(order) - show} more kinds (--show)")


def as_json(found: dict[str, Any], records: dict[str, Record], owners: Any) -> dict[str, Any]:
    disagree = [
        {
            "op": records[key]["op"],
            "fine": features(node_of(records[key])).fine,
            "table": [said.status, said.evidence],
            "probe": [seen.status, seen.evidence],
            "architectures": owners[key],
            "record": records[key],
        }
        for key, said, seen in found["disagree"]
    ]
    return {**found, "disagree": disagree}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="*", metavar="LIST")
    parser.add_argument("--harvest", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--targets", default=TARGETS, help=f"comma-separated ({TARGETS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and every disagreement")
    parser.add_argument("--show", type=int, default=30, help="kinds of disagreement to print per target")
    parser.add_argument("--models", action="store_true", help="whole networks instead of nodes")
    add_export_options(parser)
    options = parser.parse_args()
    targets = [Target.parse(name) for name in options.targets.split(",")]
    names = [name for text in options.lists for name in read_list(text)]
    files = [options.harvest / file_name(name) for name in names] or sorted(options.harvest.glob("*.json"))
    absent = [file.name for file in files if not file.exists()]
    if absent and not options.models:
        print(f"{len(absent)} architectures are not harvested yet: {', '.join(absent)}", file=sys.stderr)
    files = [file for file in files if file.exists()]
    if options.models:
        context = multiprocessing.get_context("forkserver")
        architectures = list(dict.fromkeys(names)) or [read(file)["architecture"] for file in files]
        document = models_report(context, architectures, targets, options)
    else:
        records, owners = distinct_nodes(files)
        records = {key: record for key, record in records.items() if has_input(record)}
        print(f"{len(files)} architectures, {len(records)} distinct nodes with run-time inputs")
        live = {target: Live(options.harvest / "live", target) for target in targets}
        if left := probe_all(records, live, options.budget):
            print(f"out of time: {left} nodes are not probed yet", file=sys.stderr)
        document = {}
        for target in targets:
            found = compare(records, SupportTable.load(target), live[target])
            print_target(target, found, records, owners, options.show)
            document[target.name] = as_json(found, records, owners)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def has_input(record: Record) -> bool:
    """Nodes of constants only are folded before anything is asked about them."""
    return any(entry is not None and "as" not in entry and not entry.get("constant") for entry in record["inputs"])


if __name__ == "__main__":
    main()
