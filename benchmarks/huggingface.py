"""Vision architectures of Hugging Face's transformers, built from their configurations with random weights, for a sweep:

    pip install transformers
    convert sweep benchmarks/huggingface.txt --target 4.10.0 --target 5.0.0

Sizes are those of the smallest published checkpoint, or the configuration's defaults; what belongs to text is left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Tensors(nn.Module):
    """A model that takes pixels alone and gives the named tensors of its result."""

    def __init__(self, model: nn.Module, names: tuple[str, ...] = ("logits",)) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.model(pixel_values=pixel_values)
        return tuple(found[name] for name in self.names)


def _build(name: str, config: str, names: tuple[str, ...] = ("logits",), **settings: Any) -> nn.Module:
    import transformers

    made = getattr(transformers, name)(getattr(transformers, config)(**settings))
    return Tensors(made, names).eval()


def vit() -> nn.Module:
    return _build(
        "ViTForImageClassification", "ViTConfig", hidden_size=192, num_attention_heads=3, intermediate_size=768
    )


def swin() -> nn.Module:
    return _build("SwinForImageClassification", "SwinConfig")


def segformer() -> nn.Module:
    return _build("SegformerForSemanticSegmentation", "SegformerConfig", num_labels=150)


def mobilevit() -> nn.Module:
    """With the statistics of drawn pictures in its batch norms: without them the configuration's logits are about 1e-41."""
    made = _build("MobileViTForImageClassification", "MobileViTConfig")
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches, here one
    with torch.no_grad():
        made.train()(torch.randn(8, 3, 224, 224))
    return made.eval()


def detr() -> nn.Module:
    return _build(
        "DetrForObjectDetection", "DetrConfig", ("logits", "pred_boxes"),
        use_timm_backbone=True, use_pretrained_backbone=False, backbone="resnet18",
    )  # fmt: skip


def dpt() -> nn.Module:
    return _build("DPTForDepthEstimation", "DPTConfig", ("predicted_depth",), image_size=224)


def yolos() -> nn.Module:
    return _build(
        "YolosForObjectDetection", "YolosConfig", ("logits", "pred_boxes"), image_size=[224, 224],
        hidden_size=192, num_attention_heads=3, intermediate_size=768, num_detection_tokens=100,
    )  # fmt: skip


def convnextv2() -> nn.Module:
    return _build(
        "ConvNextV2ForImageClassification", "ConvNextV2Config", depths=[2, 2, 6, 2], hidden_sizes=[40, 80, 160, 320]
    )


def dinov2() -> nn.Module:
    return _build(
        "Dinov2ForImageClassification", "Dinov2Config",
        hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=224,
    )  # fmt: skip


def levit() -> nn.Module:
    return _build("LevitForImageClassification", "LevitConfig")


def poolformer() -> nn.Module:
    return _build("PoolFormerForImageClassification", "PoolFormerConfig")


def efficientnet() -> nn.Module:
    return _build(
        "EfficientNetForImageClassification", "EfficientNetConfig",
        image_size=224, width_coefficient=1.0, depth_coefficient=1.0, hidden_dim=1280,
    )  # fmt: skip
