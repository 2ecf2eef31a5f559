"""If, Loop, Scan and SequenceMap as Python's own `if` and `for`: their subgraphs become indented lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from converter.numpy_runtime.network import Body, Step

if TYPE_CHECKING:
    from converter.numpy_runtime.emitting import Writer


def _if(writer: Writer, step: Step) -> list[str]:
    targets = [_target(writer, step, key) for key in step.outputs]
    lines = []
    for start, branch in ((f"if {writer.expression(step.inputs[0])}:", "then_branch"), ("else:", "else_branch")):
        body = step.bodies[branch]
        made = {key for inner in body.steps for key in inner.outputs}
        for target, key in zip(targets, body.results, strict=False):
            if key in made and target != "_" and body.results.count(key) == 1:
                writer.choose(key, target)
        inner = writer.block(body.steps, [], body.results)
        wanted = [pair for pair in zip(targets, body.results, strict=False) if pair[0] != "_"]
        inner += _assign([target for target, _ in wanted], [writer.expression(key) for _, key in wanted])
        lines += [start, *_indented(inner or ["pass"])]
    return lines


def _loop(writer: Writer, step: Step) -> list[str]:
    body = step.bodies["body"]
    limit, condition = [writer.expression(key) if key else "" for key in [*step.inputs, "", ""][:2]]
    first_going = writer.network.constants.get([*step.inputs, "", ""][1])
    if first_going is not None and first_going.all():
        condition = ""
    initial, (number, going, *state) = step.inputs[2:], body.inputs
    next_going, *results = body.results
    needed = {key for inner in body.steps for key in inner.reads()} | set(results)
    if next_going != going:
        needed.add(next_going)
    lines, names = _start(writer, step, state, initial)
    if going in needed:
        lines.append(f"{writer.name(going, going, 'going')} = {condition or 'np.bool_(True)'}")
    collected = _Collected(writer, step, body, len(initial), first_result=1)
    lines += collected.start
    count = writer.name(number, number, "number") if number in needed else "_"
    arguments = ", ".join([limit or "None", *([condition] if condition else [])]) if limit or condition else ""
    lines.append(f"for {count} in {writer.call('iterations')}({arguments}):")
    inner = writer.block(body.steps, [], body.results) + collected.each
    known = writer.network.constants.get(next_going)
    follows = known is None and next_going != going  # whether to go on is decided anew each time
    news = [writer.expression(key) for key in results[: len(initial)]]
    if follows and going in needed:
        inner += _assign([*names, writer.expression(going)], [*news, writer.expression(next_going)])
        inner += [f"if not {writer.expression(going)}:", "    break"]
    else:
        if follows and next_going in state:  # about to be overwritten
            inner.append(f"{writer.variable('go_on', 'go_on')} = {writer.expression(next_going)}")
            test = inner[-1].split(" = ")[0]
        else:
            test = writer.expression(next_going) if follows else ""
        inner += _assign(names, news)
        inner += [f"if not {test}:", "    break"] if follows else []
        inner += ["break"] if known is not None and not known.any() else []
    return [*lines, *_indented(inner or ["pass"]), *collected.end([])]


def _scan(writer: Writer, step: Step) -> list[str]:
    body, attributes = step.bodies["body"], step.attributes
    many = int(attributes["num_scan_inputs"])
    initial, scanned = step.inputs[:-many], step.inputs[-many:]
    state, elements = body.inputs[: len(initial)], body.inputs[len(initial) :]
    lines, names = _start(writer, step, state, initial)
    collected = _Collected(writer, step, body, len(initial))
    lines += collected.start
    axes, directions = attributes.get("scan_input_axes"), attributes.get("scan_input_directions")
    sources = [
        f"{writer.call('slices')}({writer.expression(key)}{_options(axes, directions, position)})"
        for position, key in enumerate(scanned)
    ]
    variables = [writer.name(key, key, "element") for key in elements]
    lines.append(f"for {', '.join(variables)} in {_together(sources)}:")
    inner = writer.block(body.steps, [], body.results) + collected.each
    inner += _assign(names, [writer.expression(key) for key in body.results[: len(initial)]])
    axes, directions = attributes.get("scan_output_axes"), attributes.get("scan_output_directions")
    options = [_options(axes, directions, position) for position in range(len(body.results) - len(initial))]
    return [*lines, *_indented(inner or ["pass"]), *collected.end(options)]


def _sequence_map(writer: Writer, step: Step) -> list[str]:
    body = step.bodies["body"]
    first, *others = [writer.expression(key) for key in step.inputs]
    variables = [writer.name(key, key, "element") for key in body.inputs]
    targets = [_target(writer, step, key) for key in step.outputs]
    lines = [f"{target} = []" for target in targets if target != "_"]
    sources = [first, *(f"{writer.call('each')}({other}, {first})" for other in others)]
    lines.append(f"for {', '.join(variables)} in {_together(sources)}:")
    inner = writer.block(body.steps, [], body.results)
    inner += [
        f"{target}.append({writer.expression(key)})"
        for target, key in zip(targets, body.results, strict=False)
        if target != "_"
    ]
    return [*lines, *_indented(inner or ["pass"])]


def _start(writer: Writer, step: Step, state: Sequence[str], initial: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines before a loop that give its state its first values, and the state's variables."""
    values = [writer.expression(key) for key in initial]
    names = [writer.name(key, key, "state") for key in state]
    for out, name in zip(step.outputs, names, strict=False):
        if out:
            writer.alias(out, name)  # what the state is in the end
    return [f"{name} = {value}" for name, value in zip(names, values, strict=True)], names


class _Collected:
    """What a loop gives once each time: `start` before it, `each` at the end of every time, `end` after it."""

    def __init__(self, writer: Writer, step: Step, body: Body, states: int, first_result: int = 0) -> None:
        self._writer, self._step = writer, step
        results = body.results[first_result + states :]
        wanted = zip(step.outputs[states:], results, strict=False)
        self._found = [
            (position, out, result, writer.variable(f"{out}_parts", "parts"))
            for position, (out, result) in enumerate(wanted)
            if out
        ]
        self.start = [f"{parts} = []" for *_, parts in self._found]

    @property
    def each(self) -> list[str]:
        return [f"{parts}.append({self._writer.expression(result)})" for _, _, result, parts in self._found]

    def end(self, options: Sequence[str]) -> list[str]:
        lines = []
        for position, out, result, parts in self._found:
            shape, dtype = self._writer.network.shapes.get(result), self._writer.network.dtypes.get(result)
            empty = f", {tuple(n if isinstance(n, int) else 0 for n in shape or ())}, {dtype or 'float32'!r}"
            more = options[position] if options else ""
            call = f"{self._writer.call('stacked')}({parts}{empty}{more})"
            lines.append(f"{_target(self._writer, self._step, out)} = {call}")
        return lines


def _target(writer: Writer, step: Step, key: str) -> str:
    """A new variable with the value's own name: one that is made in several places has no node to be called after."""
    return writer.name(key, key, step.op.lower()) if key else "_"


def _options(axes: Sequence[int] | None, directions: Sequence[int] | None, position: int) -> str:
    axis, reverse = axes[position] if axes else 0, directions[position] if directions else 0
    return (f", axis={axis}" if axis else "") + (", reverse=True" if reverse else "")


def _together(sources: Sequence[str]) -> str:
    return sources[0] if len(sources) == 1 else f"zip({', '.join(sources)})"


def _assign(names: Sequence[str], values: Sequence[str]) -> list[str]:
    """All at once: a value may be another one's old variable."""
    changed = [(name, value) for name, value in zip(names, values, strict=True) if name != value]
    if not changed:
        return []
    return [f"{', '.join(name for name, _ in changed)} = {', '.join(value for _, value in changed)}"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


WRITERS: dict[str, Callable[[Writer, Step], list[str]]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _sequence_map,
}
