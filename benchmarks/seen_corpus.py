"""Choose the cases of `converter/support/cases/seen.py` from harvests, and write their data file.

    python benchmarks/seen_corpus.py HARVEST_FOLDER... [--variants N]

Of the records with one fine key, the most frequent, the largest and the smallest are taken (N at most, 3). Sizes are shrunk
where that keeps what matters: the fine key, which outputs have extents of 1, remainders modulo 8 and modulo strides, groups,
factors of resizing, how reshaped axes are split and merged, which sizes are equal. What cannot be shrunk so keeps its real
sizes; and for each coarse key the largest of moderate size is taken as it is, because some faults need many numbers.

Numbers in the file are stable: a record that it has already keeps its number, new ones come after the last.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path

import onnx

from converter.support.cases._rebuild import model_of, node_of, right_answers, samples_of
from converter.support.cases._records import Record, identity
from converter.support.cases.seen import DATA, document
from converter.support.features import features

MOST = 1_500_000
"""Elements of a case's tensors, all together; larger nodes make no case."""

MODERATE = 120_000
"""Elements of the cases that are taken in real sizes though they could be shrunk."""

BY_SIZE = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Mean", "Sum", "And", "Or", "Xor", "Not", "Equal", "Less"),
    *("Greater", "LessOrEqual", "GreaterOrEqual", "Where", "PRelu", "Cast", "Abs", "Neg", "Sqrt", "Exp", "Log", "Erf", "Sin"),
    *("Cos", "Tan", "Tanh", "Sigmoid", "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "HardSigmoid", "HardSwish", "Mish"),
    *("Softplus", "Softsign", "ThresholdedRelu", "Clip", "Floor", "Ceil", "Round", "Sign", "Reciprocal", "Softmax"),
    *("LogSoftmax", "Hardmax", "BatchNormalization", "LayerNormalization", "InstanceNormalization", "LpNormalization", "LRN"),
    *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"),
    *("ReduceLogSumExp", "ReduceLogSum", "ArgMax", "ArgMin", "MatMul", "Gemm", "Einsum", "Transpose", "Concat", "Flatten"),
    *("Squeeze", "Unsqueeze", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "AveragePool", "LpPool", "Pad", "Tile"),
    *("CumSum", "Slice", "Split", "Gather", "TopK", "Expand", "Conv", "ConvTranspose", "Reshape", "Resize", "SpaceToDepth"),
    *("DepthToSpace", "GatherND", "ScatterND", "IsNaN", "Dropout", "Identity", "Swish", "Shape"),
}  # fmt: skip
"""Ops whose extents may change, each to another in all places at once."""


class KeepsSizeError(ValueError):
    """The record keeps its sizes, and why."""


class Sizes:
    """Old extent -> new extent: small, equal for equal ones only, and with the same remainder modulo `modulus`."""

    def __init__(self, pinned: Iterable[int], *, modulus: int = 8, least: int = 8) -> None:
        self.modulus, self.least = modulus, least
        self.new = {size: size for size in pinned}

    def __call__(self, size: int) -> int:
        if size <= self.least:
            return size
        if size not in self.new:
            small = self.least + (size - self.least) % self.modulus
            while small < size and small in self.new.values():
                small += self.modulus
            self.new[size] = min(small, size)
        return self.new[size]


def shrunk(record: Record) -> Record:
    """The record with smaller extents. Raises KeepsSizeError."""
    op = record["op"]
    if record["domain"] or op not in BY_SIZE:
        raise KeepsSizeError(f"{op} is not known to mean the same in other sizes")
    small = deepcopy(record)
    special = {"Conv": _conv, "ConvTranspose": _conv, "Reshape": _reshape, "Resize": _resize}
    special.get(op, _reduce if op.startswith("Reduce") else _by_size)(small)
    for entry in small["inputs"]:
        if entry is not None and "as" in entry:
            entry["shape"] = small["inputs"][entry["as"]]["shape"]
    return _with_outputs(small)


def _with_outputs(record: Record) -> Record:
    """The record with the outputs' shapes that follow from its inputs."""
    for entry in record["outputs"]:
        entry["shape"] = []
    model = model_of(record)
    for value in (*model.graph.output, *model.graph.value_info):
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise KeepsSizeError(f"shapes do not fit: {str(error).splitlines()[-1]}") from error
    types = {value.name: value.type.tensor_type for value in (*inferred.output, *inferred.value_info)}
    for position, entry in enumerate(record["outputs"]):
        tensor = types[f"y{position}"]
        if not tensor.HasField("shape") or not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            raise KeepsSizeError("the outputs' shapes do not follow")
        entry["shape"] = [dim.dim_value for dim in tensor.shape.dim]
    return record


def _by_size(record: Record) -> None:
    attributes, inputs = record["attributes"], record["inputs"]
    kernel = attributes.get("kernel_shape", [1])
    dilations, strides = (attributes.get(name, [1] * len(kernel)) for name in ("dilations", "strides"))
    least = max(8, *(1 + (k - 1) * d + s for k, d, s in zip(kernel, dilations, strides, strict=True)))
    modulus = math.lcm(8, *strides, attributes.get("blocksize", 1))
    sizes = Sizes(_pinned(record), modulus=modulus, least=least)
    target = inputs[1]["values"] if record["op"] == "Expand" else None
    for entry in inputs:
        if entry is not None and not ("values" in entry and len(entry["values"]) > 1):
            entry["shape"] = [sizes(size) for size in entry["shape"]]
    if target is not None:
        inputs[1]["values"] = [sizes(size) for size in target]


def _pinned(record: Record) -> set[int]:
    """Extents that constants of the node refer to."""
    op, attributes = record["op"], record["attributes"]
    inputs = [record["inputs"][entry["as"]] if entry and "as" in entry else entry for entry in record["inputs"]]
    data = inputs[0]["shape"]
    if op == "Slice":
        if any(entry is not None and "values" not in entry for entry in inputs[1:]):
            raise KeepsSizeError("it slices by run-time values")
        axes = inputs[3]["values"] if len(inputs) > 3 and inputs[3] else range(len(inputs[1]["values"]))
        return {data[axis] for axis in axes}
    if op in ("Split", "Gather", "TopK"):
        axis = attributes.get("axis", -1 if op == "TopK" else 0)
        return {data[axis], *(entry["shape"][axis] for entry in record["outputs"] if op == "Split")}
    return {size for entry in inputs if entry and len(entry.get("values", "")) > 1 for size in entry["shape"]}


def _conv(record: Record) -> None:
    """Channels keep their groups, the image its remainders; the kernel stays."""
    attributes, (data, weight, *bias) = record["attributes"], record["inputs"]
    if "as" in weight:
        raise KeepsSizeError("the kernel is the image")
    transposed = record["op"] == "ConvTranspose"
    group = attributes.get("group", 1)
    first, second, *kernel = weight["shape"]
    channels = Sizes((), modulus=16, least=16)
    if group == 1:
        groups, each, out = 1, channels(data["shape"][1]), channels(second if transposed else first)
    else:
        depthwise = group == data["shape"][1]
        groups = channels(group) if depthwise else min(group, 4)
        each = 1 if depthwise else channels(data["shape"][1] // group)
        out = groups * channels(second if transposed else first // group)
        attributes["group"] = groups
    dilations = attributes.get("dilations", [1] * len(kernel))
    strides = attributes.get("strides", [1] * len(kernel))
    # two places of the kernel at least: an output of one place is another thing
    least = max(8, *(1 + (k - 1) * d + s for k, d, s in zip(kernel, dilations, strides, strict=True)))
    image = Sizes((), modulus=math.lcm(8, *strides), least=least)
    data["shape"] = [data["shape"][0], groups * each, *map(image, data["shape"][2:])]
    weight["shape"] = [groups * each, out // groups, *kernel] if transposed else [out, each, *kernel]
    for entry in bias:
        if entry is not None:
            entry["shape"] = [out]


def _reduce(record: Record) -> None:
    """The axes that stay keep their sizes: 4.8.1 reduces wrongly where many numbers come out."""
    data, *axes = record["inputs"]
    if not axes or axes[0] is None or "values" not in axes[0]:
        raise KeepsSizeError("it reduces all axes, or run-time ones")
    reduced = {axis % len(data["shape"]) for axis in axes[0]["values"]}
    sizes = Sizes(())
    data["shape"] = [sizes(size) if axis in reduced else size for axis, size in enumerate(data["shape"])]


def _reshape(record: Record) -> None:
    """Axes that are split or merged keep their parts; [8, 7] of 56 stays, [12, 64] of 768 becomes [12, 8] of 96."""
    data, target = record["inputs"]
    before, after = data["shape"], record["outputs"][0]["shape"]
    if "values" not in target:
        raise KeepsSizeError("the shape is a run-time value")
    sizes = Sizes(())
    new_before, new_after = list(before), list(after)
    for left, right in _groups(before, after):
        if len(left) > 1 and len(right) > 1:
            continue  # neither side is made of the other's parts: sizes stay
        if len(left) == 1:
            for axis in right:
                new_after[axis] = sizes(after[axis])
            new_before[left[0]] = math.prod(new_after[axis] for axis in right)
        else:
            for axis in left:
                new_before[axis] = sizes(before[axis])
            new_after[right[0]] = math.prod(new_before[axis] for axis in left)
    data["shape"] = new_before
    target["values"] = [value if value <= 0 else new for value, new in zip(target["values"], new_after, strict=True)]


def _groups(before: list[int], after: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The shortest runs of axes, those of extent 1 left out, whose products are equal on both sides."""
    left = [axis for axis, size in enumerate(before) if size != 1]
    right = [axis for axis, size in enumerate(after) if size != 1]
    if math.prod(before) == 0:
        raise KeepsSizeError("there is nothing to reshape")
    while left or right:
        a, b = [left.pop(0)], [right.pop(0)]
        while (x := math.prod(before[i] for i in a)) != (y := math.prod(after[i] for i in b)):
            if x < y:
                a.append(left.pop(0))
            else:
                b.append(right.pop(0))
        yield a, b


def _resize(record: Record) -> None:
    """Every axis keeps its factor exactly: 65 -> 520 becomes 5 -> 40. Axes that stay become 3 at most."""
    data, *parameters = record["inputs"]
    before, after = data["shape"], record["outputs"][0]["shape"]
    if any(entry is not None and "values" not in entry for entry in parameters) or "axes" in record["attributes"]:
        raise KeepsSizeError("it resizes by run-time values, or some axes only")
    new_before: list[int] = []
    new_after: list[int] = []
    for old, new in zip(before, after, strict=True):
        if old == new:
            new_before.append(min(old, 3) if len(new_before) < 2 else old)
            new_after.append(new_before[-1])
        elif old == 1:
            new_before.append(1)
            new_after.append(8 + new % 8)
        else:
            common = math.gcd(old, new)
            times = min(common, max(1, math.ceil(5 / (min(old, new) // common))))
            new_before.append(old // common * times)
            new_after.append(new // common * times)
    data["shape"] = new_before
    if len(parameters) > 2 and parameters[2] is not None:
        parameters[2]["values"] = new_after
    elif any(old == 1 != new for old, new in zip(before, after, strict=True)):
        raise KeepsSizeError("its scale is the output's size")


# --- choosing --------------------------------------------------------------------------------------------------------


def elements(record: Record) -> int:
    return sum(math.prod(entry["shape"]) for entry in (*record["inputs"], *record["outputs"]) if entry)


def keys(record: Record) -> tuple[str, str]:
    found = features(node_of(record))
    return found.fine, found.coarse


def masks(record: Record) -> list[list[int]]:
    """Which extents of the outputs are 0, 1, or more."""
    return [[min(size, 2) for size in entry["shape"]] for entry in record["outputs"]]


def as_case(record: Record) -> tuple[Record, str]:
    """The record in the sizes of its case, and why they are the real ones ("" when they are not).

    Raises ValueError when it can be no case.
    """
    why = ""
    try:
        small = shrunk(record)
        if keys(small) != keys(record) or masks(small) != masks(record):
            raise KeepsSizeError("its key would change")
        runs(small)
    except KeepsSizeError as error:
        small, why = record, str(error)
    except Exception as error:  # ONNX Runtime raises its own: the smaller model is wrong in some way
        small, why = record, f"ONNX Runtime: {error}"
    if elements(small) > MOST:
        raise ValueError(f"{elements(small)} elements ({why})")
    if small is record:
        runs(record)
    return small, why


def runs(record: Record) -> None:
    """Raises what onnx and ONNX Runtime raise; ValueError when NaN comes out."""
    model = model_of(record)
    onnx.checker.check_model(model, full_check=True)
    for sample in right_answers(model, samples_of(record)):
        for entry, array in zip((e for e in record["outputs"] if e["used"]), sample.values(), strict=True):
            if list(array.shape) != entry["shape"] or (array.dtype.kind == "f" and (array != array).any()):
                raise ValueError(f"ONNX Runtime gives {array.dtype} {array.shape}, or NaN")


def records_of(folders: Iterable[Path]) -> Counter[str]:
    """How often each record was seen, by its identity."""
    seen: Counter[str] = Counter()
    for file in sorted(file for folder in folders for file in folder.glob("*.json")):
        for rung in json.loads(file.read_text(encoding="utf-8"))["rungs"].values():
            for record in rung.get("records", ()):
                count = record.pop("count")
                seen[identity(record)] += count
    return seen


def choose(seen: Counter[str], variants: int) -> tuple[list[Record], Counter[str], Counter[str]]:
    """The cases' records, which sizes stayed real and why, and what makes no case and why."""
    by_key: dict[tuple[str, str], list[Record]] = defaultdict(list)
    real: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for text, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        record = json.loads(text)
        try:
            by_key[keys(record)].append(record)
        except ValueError as error:
            left[str(error)] += 1
    chosen: dict[str, Record] = {}
    largest: dict[str, Record] = {}
    for key in sorted(by_key):
        found: dict[str, Record] = {}
        for record in in_order(by_key[key]):
            if elements(record) <= MODERATE and elements(record) > elements(largest.get(key[1], NOTHING)):
                largest[key[1]] = record
            if len(found) == variants:
                continue
            try:
                small, why = as_case(record)
            except Exception as error:  # whatever onnx or ONNX Runtime says of it
                left[f"{record['op']}: {str(error).splitlines()[0]}"] += 1
                continue
            if why:
                real[f"{record['op']}: {why}"] += 1
            found[identity(small)] = small
        chosen.update(found)
    for record in largest.values():
        runs(record)
        real["the largest of its coarse key"] += identity(record) not in chosen
        chosen[identity(record)] = record
    return list(chosen.values()), real, left


NOTHING: Record = {"inputs": [], "outputs": []}


def in_order(records: list[Record]) -> list[Record]:
    """The first (most frequent), the largest, the smallest, then the rest as they come."""
    first = [records[0], max(records, key=elements), min(records, key=elements)]
    return [record for place, record in enumerate(first) if record not in first[:place]] + [
        record for record in records if not any(record is other for other in first)
    ]


def numbered(records: Iterable[Record], before: dict[str, Record], last: Counter[str]) -> dict[str, Record]:
    """The records by case name. One that had a name keeps it; a new one gets the next number of its op, raised in `last`."""
    names = {identity(record): name for name, record in before.items()}
    found = {}
    for record in records:
        name = names.get(identity(record))
        if name is None:
            last[record["op"]] += 1
            name = f"seen/{record['op']}/{last[record['op']]}"
        found[name] = record
    return dict(sorted(found.items(), key=lambda item: (item[0].split("/")[1], int(item[0].split("/")[2]))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--variants", type=int, default=3)
    options = parser.parse_args()
    seen = records_of(options.folders)
    records, real, left = choose(seen, options.variants)
    before = document() if DATA.is_file() else {"last": {}, "cases": {}}
    last = Counter(before["last"])
    cases = numbered(records, before["cases"], last)
    text = json.dumps({"format": 1, "last": dict(sorted(last.items())), "cases": cases}, separators=(",", ":")) + "\n"
    DATA.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(seen)} distinct nodes, {len(records)} cases, {DATA.stat().st_size / 1000:.0f} kB")
    for title, reasons in (("in real sizes", real), ("no case", left)):
        for reason, count in reasons.most_common():
            print(f"{title}: {count} x {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
