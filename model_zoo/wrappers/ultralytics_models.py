"""Ultralytics' networks as their exporter sees them: one decoded array of boxes, not a tuple with the raw features.

Needs the package ultralytics, which is under the AGPL-3.0, as its weights are. Its published .pt files are pickles of its
own classes: converting them needs --trust, or a state dict saved with
`torch.save(YOLO("yolov8n.pt").model.float().state_dict(), "yolov8n.pth")`.
"""

from __future__ import annotations

from torch import nn
from ultralytics.nn import tasks


def detector(cfg: str, classes: int = 80) -> nn.Module:
    """float32[1, 3, h, w] -> float32[1, 4 + classes, boxes]: centre x, y, width, height in pixels, then scores."""
    return _exported(tasks.DetectionModel(cfg, nc=classes, verbose=False))


def pose(cfg: str) -> nn.Module:
    """float32[1, 3, h, w] -> float32[1, 4 + 1 + 17 * 3, boxes]: a box, its score, then x, y, visibility of each joint."""
    return _exported(tasks.PoseModel(cfg, verbose=False))


def segmenter(cfg: str, classes: int = 80) -> nn.Module:
    """float32[1, 3, h, w] -> float32[1, 4 + classes + 32, boxes] and prototypes float32[1, 32, h / 4, w / 4]."""
    return _exported(tasks.SegmentationModel(cfg, nc=classes, verbose=False))


def classifier(cfg: str, classes: int = 1000) -> nn.Module:
    """float32[1, 3, h, w] -> probabilities float32[1, classes]."""
    return _exported(tasks.ClassificationModel(cfg, nc=classes, verbose=False))


def _exported(model: nn.Module) -> nn.Module:
    head = model.model[-1]
    head.export, head.format = True, "onnx"
    return model.eval()
