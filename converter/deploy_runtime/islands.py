"""cv2.dnn with the help of islands.py. Pasted into the deploy.py of bundles that have one."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError
from converter.deploy_runtime.backends import (
    OpenCVBackend,
    as_blob,
    as_recorded,
    brief,
    choose_own_kernels,
    opencv_version,
    verified_target,
)


class IslandBackend(OpenCVBackend):
    """model.onnx in cv2.dnn, on versions that need islands together with these; a line on standard error says so, once.

    Raises CannotRunError when the network cannot be loaded or run.
    """

    said: ClassVar[set[str]] = set()

    def __init__(self, about: About, folder: Path) -> None:
        target = verified_target(about, opencv_version())
        self.islands = target["islands"] if target is not None and "islands" in target else None
        if self.islands is None:
            super().__init__(about, folder)
            return
        self.about = about
        self.version = opencv_version()
        self.title = f"OpenCV {self.version}"
        try:
            self.net = load_islands(folder).open_net(
                folder / "model.onnx",
                self.islands["plan"],
                lambda data: read_bytes(data, target["engine"]),
                as_blob,
            )
        except Exception as error:  # whatever cv2 raises means the same: it does not read this network
            raise CannotRunError(f"it cannot read the network ({brief(error)})") from error
        nodes = self.islands["nodes"]
        more = f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
        text = f"{self.title} runs {len(nodes)} of the network's nodes in NumPy: {', '.join(nodes[:5])}{more}"
        if text not in self.said:
            self.said.add(text)
            print(text, file=sys.stderr, flush=True)

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.islands is None:
            return super().run(feeds)
        try:
            found = self.net.run(feeds, self.about.output_names)
        except Exception as error:
            raise CannotRunError(f"it cannot run the network ({brief(error)})") from error
        return {tensor[0]: as_recorded(found[i], *tensor) for i, tensor in enumerate(self.about.outputs)}


def load_islands(folder: Path) -> Any:
    """The folder's islands.py as a module."""
    spec = importlib.util.spec_from_file_location("islands", str(folder / "islands.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_bytes(data: np.ndarray, engine: str) -> Any:
    """cv2.dnn's net of a model's bytes; engines are asked for by name, as in `read_net`."""
    import cv2

    options: dict[str, Any] = {}
    if int(cv2.__version__.split(".")[0]) >= 5:
        names = ("ENGINE_CLASSIC",) if engine == "classic" else ("ENGINE_NEW", "ENGINE_OPENCV")
        options.update([("engine", getattr(cv2.dnn, name)) for name in names if hasattr(cv2.dnn, name)][:1])
    net = cv2.dnn.readNetFromONNX(data, **options)
    choose_own_kernels(net)
    return net
