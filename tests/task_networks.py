"""Scenes of coloured shapes on a grey photograph, and for each task a network by hand whose answer can be seen.

A 1 x 1 convolution tells how red, green or blue a pixel is (grey is none of it); the rest is pooling and reshaping. So
what each network says of a scene is known from how the scene was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx_ir as ir

from converter.deploy import TensorInfo, render_deploy
from converter.numpy_runtime import plan
from converter.preprocess import Preprocess
from converter.resources import resource
from tests.deploy_bundle import HERE, verified
from tests.onnx_text import graph

SIZE = (96, 144)
"""Height and width of the networks' input; the scenes are 2.5 times as large."""
CELLS = (24, 36)
COLORS = {"red": (40, 40, 235), "green": (40, 200, 40), "blue": (235, 70, 40)}
"""BGR."""
LABELS = list(COLORS)
STRETCH = Preprocess(size=SIZE, resize="stretch", resize_size=SIZE)


def background() -> np.ndarray:
    """A real photograph, grey and soft, (240, 360, 3): so soft that a PNG of it is small."""
    photo = cv2.imread(str(resource("model_zoo") / "photos" / "pagoda.png"), cv2.IMREAD_GRAYSCALE)
    soft = cv2.GaussianBlur(cv2.resize(photo, (360, 240), interpolation=cv2.INTER_AREA), (0, 0), 1.5)
    return np.repeat((soft // 12 * 12)[:, :, np.newaxis], 3, axis=2)


@dataclass(frozen=True)
class Shape:
    """A disc or a square of 60 pixels, around x, y."""

    color: str
    x: int
    y: int
    round: bool = True

    @property
    def box(self) -> list[int]:
        return [self.x - 30, self.y - 30, self.x + 30, self.y + 30]

    def mask(self) -> np.ndarray:
        """bool (240, 360): its pixels."""
        y, x = np.mgrid[:240, :360] + 0.5
        across, down = np.abs(x - self.x), np.abs(y - self.y)
        return across**2 + down**2 < 900 if self.round else (across < 30) & (down < 30)


SCENES: Mapping[str, tuple[Shape, ...]] = {
    "first": (Shape("red", 70, 60), Shape("green", 200, 150, round=False), Shape("blue", 310, 80)),
    "second": (Shape("green", 60, 180, round=False), Shape("red", 160, 90), Shape("blue", 290, 190)),
    "mostly red": (Shape("red", 70, 60), Shape("red", 200, 150), Shape("blue", 310, 80)),
    "mostly blue": (Shape("blue", 70, 60), Shape("blue", 200, 150, round=False), Shape("green", 310, 80)),
}
STRIPES = "rbbgrg"


def draw_scene(shapes: tuple[Shape, ...]) -> np.ndarray:
    """uint8 (240, 360, 3) BGR."""
    picture = background()
    for shape in shapes:
        picture[shape.mask()] = COLORS[shape.color]
    return picture


def draw_stripes(text: str) -> np.ndarray:
    """A bar of 30 pixels for each letter, r, g or b, with 30 pixels between them: uint8 (240, 360, 3) BGR."""
    picture = background()
    for number, letter in enumerate(text):
        picture[:, 15 + 60 * number : 45 + 60 * number] = COLORS[next(c for c in COLORS if c.startswith(letter))]
    return picture


@dataclass(frozen=True)
class Network:
    """A graph as ONNX text with its constants, and how deploy.py is told to read its outputs."""

    text: str
    constants: Mapping[str, np.ndarray]
    outputs: tuple[TensorInfo, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None

    def model(self) -> ir.Model:
        return graph(self.text, **self.constants)


def _kernel(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)[:, :, None, None]


TELL = _kernel((1, -1, -1), (-1, 1, -1), (-1, -1, 1))  # of RGB: how red, green, blue beyond the others
BOX = np.full((3, 1, 6, 6), 1 / (36 * 0.55), np.float32)
MAPS = "told = Conv<kernel_shape=[1,1]>(x, tell) maps = Relu(told)"
HEAT = f"{MAPS} small = AveragePool<kernel_shape=[4,4], strides=[4,4]>(maps) heat = Conv<group=3, kernel_shape=[6,6], pads=[2,2,3,3]>(small, box)"  # noqa: E501
CONSTANTS = {"tell": TELL, "box": BOX}


def _grid() -> np.ndarray:
    """Centre x, y, width, height in the input's pixels of the box that each cell of `heat` looks at: (1, 4, cells)."""
    y, x = np.mgrid[: CELLS[0], : CELLS[1]].reshape(2, -1)
    return np.stack([4 * (x + 1), 4 * (y + 1), np.full(x.size, 24), np.full(x.size, 24)])[None].astype(np.float32)


def _network(outputs: str, body: str, constants: Mapping[str, Any], **facts: Any) -> Network:
    """outputs: "y 1,7,864; maps 1,3,24,36"."""
    pairs = [part.split() for part in outputs.split("; ")]
    declared = ", ".join(f"float[{shape}] {name}" for name, shape in pairs)
    tensors = tuple(TensorInfo(name, tuple(int(n) for n in shape.split(","))) for name, shape in pairs)
    return Network(f"(float[1,3,96,144] x) => ({declared}) {{ {body} }}", constants, tensors, **facts)


def networks() -> dict[str, Network]:
    """A network for each task."""
    named = {"labels": tuple(LABELS)}
    shape = np.array([1, 3, CELLS[0] * CELLS[1]], np.int64)
    found = {**CONSTANTS, "grid": _grid(), "flat": shape}
    mass = f"{MAPS} mean = GlobalAveragePool(maps) row = Flatten(mean)"
    sepia = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)
    scores = np.concatenate([np.zeros((1, 3, 1, 1), np.float32), TELL])
    steps = np.array([1, 4, 24], np.int64)
    return {
        "classification": _network(
            "y 1,3", f"{mass} y = Mul(row, scale)", {"tell": TELL, "scale": np.float32(300)}, **named
        ),
        "raw": _network("y 1,3", f"{mass} y = Mul(row, scale)", {"tell": TELL, "scale": np.float32(300)}),
        "embedding": _network("y 1,3", f"{mass} y = Mul(row, scale)", {"tell": TELL, "scale": np.float32(300)}),
        "segmentation": _network(
            "y 1,4,96,144",
            "y = Conv<kernel_shape=[1,1]>(x, scores, bias)",
            {"scores": scores, "bias": np.array([0.15, 0, 0, 0], np.float32)},
            labels=("other", *LABELS),
        ),
        "detection": _network(
            "y 1,7,864",
            f"{HEAT} scores = Reshape(heat, flat) y = Concat<axis=1>(grid, scores)",
            found,
            settings={"score_threshold": 0.6},
            **named,
        ),
        "instance_segmentation": _network(
            "y 1,10,864; masks 1,3,24,36",
            f"{HEAT} scores = Reshape(heat, flat) y = Concat<axis=1>(grid, scores, ones) masks = Sub(small, third)",
            {**found, "ones": np.ones((1, 3, 864), np.float32), "third": np.float32(0.08)},
            settings={"score_threshold": 0.6},
            **named,
        ),
        "keypoints": _network(
            "heat 1,3,24,36",
            HEAT,
            CONSTANTS,
            settings={"cell_center": 1.0, "refine": "none", "skeleton": [[0, 1], [1, 2], [2, 0]]},
            **named,
        ),
        "depth": _network(
            "y 1,1,24,36",
            "luma = Conv<kernel_shape=[1,1]>(x, tell) y = AveragePool<kernel_shape=[4,4], strides=[4,4]>(luma)",
            {"tell": _kernel((0.299, 0.587, 0.114))},
        ),
        "image": _network(
            "y 1,3,192,288",
            "four = Conv<kernel_shape=[1,1]>(x, sepia) y = DepthToSpace<blocksize=2>(four)",
            {"sepia": np.tile(sepia, (4, 1))[:, :, None, None]},
        ),
        "text": _network(
            "y 1,24,4",
            f"{MAPS} bars = AveragePool<kernel_shape=[96,6], strides=[96,6]>(maps) rows = Concat<axis=1>(blank, bars) "
            "plane = Reshape(rows, steps) turned = Transpose<perm=[0,2,1]>(plane) y = Mul(turned, scale)",
            {"tell": TELL, "blank": np.full((1, 1, 1, 24), 0.2, np.float32), "steps": steps, "scale": np.float32(30)},
            labels=("", "r", "g", "b"),
        ),
    }


def write_task_bundle(folder: Path, task: str, preprocess: Preprocess = STRETCH) -> Path:
    """model.onnx, the NumPy network and deploy.py of the task's network; nothing that proves it."""
    folder.mkdir(parents=True, exist_ok=True)
    network = networks()[task]
    model = network.model()
    (folder / "model.onnx").write_bytes(ir.to_proto(model).SerializeToString())
    plan(model).save(folder)
    text = render_deploy(
        name=f"a network for {task}",
        inputs=[TensorInfo("x", (1, 3, *SIZE))],
        outputs=network.outputs,
        preprocess=preprocess,
        task=task,
        task_settings=network.settings,
        labels=network.labels,
        opencv=[verified(HERE)],
        tolerance=1e-4,
        tool_version="0",
    )
    (folder / "deploy.py").write_text(text, encoding="utf-8")
    return folder
