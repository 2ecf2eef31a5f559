"""How a pattern's cases are written: variants of a few lines of ONNX text on one float input, with drawn constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from converter.graph import WORKING_OPSET
from converter.support.cases import Case
from converter.support.cases._drawing import Operand, pattern

Constants = dict[str, "Operand | np.ndarray"]
"""What a pattern's lines name beside their inputs: arrays, or operands to be drawn."""


@dataclass(frozen=True)
class Variant:
    """One form of a pattern. `inputs`: name -> shape. `lines`: ONNX text, one node each; the last writes `y`.

    Constants are arrays, or operands to be drawn. `outputs` name what the graph gives back. `kinds`: how inputs are drawn.
    `producer`: what the file says that it was made by, where that matters.
    """

    name: str
    inputs: Mapping[str, tuple[int, ...]]
    lines: tuple[str, ...]
    constants: Mapping[str, Operand | np.ndarray] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("y",)
    opset: int = WORKING_OPSET
    kinds: Mapping[str, str] = field(default_factory=dict)
    producer: str = ""

    def case(self, pattern_name: str) -> Case:
        """The case of this variant, called pattern/<pattern>/<variant>."""
        typed = ", ".join(f"float[{','.join(map(str, shape))}] {name}" for name, shape in self.inputs.items())
        text = f"({typed}) => ({', '.join(self.outputs)}) {{ {' '.join(self.lines)} }}"
        name = f"pattern/{pattern_name}/{self.name}"
        made = pattern(name, text, opset=self.opset, kinds=self.kinds, **self.constants)
        if self.producer:
            made.model.producer_name = self.producer
        return made


Pattern = Callable[[], Iterator[Variant]]
"""A function whose name is the pattern's and which yields its variants."""


def cases_of(patterns: tuple[Pattern, ...]) -> Iterator[Case]:
    """The cases of every pattern, in order."""
    for each in patterns:
        for variant in each():
            yield variant.case(each.__name__)


def by(shape: tuple[int, ...]) -> str:
    """A shape as part of a variant's name."""
    return "x".join(map(str, shape))


@dataclass(frozen=True)
class Convolution:
    """A Conv node as text, with its constants: what stands before many patterns."""

    shape: tuple[int, ...]
    line: str
    constants: Mapping[str, Operand | np.ndarray]
    result: tuple[int, ...]
    label: str


def convolution(
    shape: tuple[int, ...],
    outward: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    bias: bool = True,
    into: str = "c",
    of: str = "x",
    mark: str = "",
) -> Convolution:
    """A Conv with padding that keeps the extent at stride 1. `mark` keeps the constants of several apart."""
    pad = kernel // 2
    spatial = tuple((extent + 2 * pad - kernel) // stride + 1 for extent in shape[2:])
    rank = len(spatial)
    sizes = {"kernel_shape": _times(kernel, rank), "pads": _times(pad, 2 * rank), "strides": _times(stride, rank)}
    attributes = ", ".join(f"{name}=[{values}]" for name, values in sizes.items()) + f", group={groups}"
    constants = {f"w{mark}": Operand((outward, shape[1] // groups, *[kernel] * rank), "small", constant=True)}
    if bias:
        constants[f"b{mark}"] = Operand((outward,), constant=True)
    line = f"{into} = Conv<{attributes}>({of}, {', '.join(constants)})"
    label = (
        f"{by(shape)} to {outward} k{kernel}"
        + (f" s{stride}" if stride > 1 else "")
        + (f" g{groups}" if groups > 1 else "")
    )
    return Convolution(shape, line, constants, (shape[0], outward, *spatial), label + ("" if bias else " no bias"))


def _times(number: int, count: int) -> str:
    return ",".join([str(number)] * count)


def some_convolutions() -> Iterator[Convolution]:
    """The convolutions that fusions are tried behind."""
    yield convolution((1, 4, 6, 7), 8)
    yield convolution((1, 4, 6, 7), 8, bias=False)
    yield convolution((2, 3, 8, 8), 17, 1)
    yield convolution((1, 8, 6, 6), 8, groups=8, bias=False)
    yield convolution((1, 16, 9, 6), 16, 3, stride=2)
    yield convolution((1, 6, 7, 7), 9, 5, groups=3)
    yield convolution((1, 16, 1, 1), 8, 1)


def batch_norm_constants(channels: int, mark: str = "") -> dict[str, Operand]:
    """Scale, bias, mean and variance of a BatchNormalization, as constants s, h, m, v."""
    kinds = {"s": "positive", "h": "normal", "m": "normal", "v": "positive"}
    return {f"{name}{mark}": Operand((channels,), kind, constant=True) for name, kind in kinds.items()}
