"""Networks of Hugging Face's transformers that take pixels alone and give tensors: the published sizes, random weights.

Parameters keep the names that transformers gives them, so a `model.safetensors` that `save_pretrained` of the same
version of transformers wrote fits. (The hub's older files carry older names, which transformers translates when it loads.)
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import nn


def _tensors(name: str, config: Any, outputs: tuple[str, ...]) -> nn.Module:
    """The transformers model `name`, its forward reduced to pixel_values -> the named outputs."""
    model = getattr(transformers, name)(config).eval()
    whole = type(model)

    def forward(self: Any, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = whole.forward(self, pixel_values=pixel_values)
        return tuple(found[output] for output in outputs)

    model.__class__ = type(f"Pixels{whole.__name__}", (whole,), {"forward": forward})
    return model


def detr_resnet_50() -> nn.Module:
    """facebook/detr-resnet-50: logits (1, 100, 92), the last for nothing, and boxes (1, 100, 4)."""
    config = transformers.DetrConfig(
        use_timm_backbone=True, use_pretrained_backbone=False, backbone="resnet50", num_labels=91
    )
    return _tensors("DetrForObjectDetection", config, ("logits", "pred_boxes"))


def yolos_tiny(side: int = 512) -> nn.Module:
    """hustvl/yolos-tiny at `side` x `side`: logits (1, 100, 92), the last for nothing, and boxes (1, 100, 4)."""
    config = transformers.YolosConfig(
        hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768, image_size=[800, 1333],
        num_detection_tokens=100, num_labels=91, use_mid_position_embeddings=False,
    )  # fmt: skip
    return _tensors("YolosForObjectDetection", config, ("logits", "pred_boxes"))


def segformer_b0() -> nn.Module:
    """nvidia/segformer-b0-finetuned-ade-512-512: logits (1, 150, h / 4, w / 4)."""
    return _tensors("SegformerForSemanticSegmentation", transformers.SegformerConfig(num_labels=150), ("logits",))


def depth_anything_v2_small() -> nn.Module:
    """depth-anything/Depth-Anything-V2-Small-hf: relative inverse depth (1, h, w)."""
    backbone = transformers.Dinov2Config(
        hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=518, patch_size=14,
        out_indices=[3, 6, 9, 12], apply_layernorm=True, reshape_hidden_states=False,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=384,
        neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64,
    )
    return _tensors("DepthAnythingForDepthEstimation", config, ("predicted_depth",))


def vitpose_base_simple() -> nn.Module:
    """usyd-community/vitpose-base-simple: heat maps (1, 17, 64, 48) of one person who fills the picture."""
    backbone = transformers.VitPoseBackboneConfig(out_indices=[12])
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=True)
    return _tensors("VitPoseForPoseEstimation", config, ("heatmaps",))


def swin2sr_lightweight_x2() -> nn.Module:
    """caidas/swin2SR-lightweight-x2-64: a picture of twice the size, (1, 3, 2 h, 2 w)."""
    config = transformers.Swin2SRConfig(
        depths=[6, 6, 6, 6], embed_dim=60, num_heads=[6, 6, 6, 6], upsampler="pixelshuffledirect", upscale=2
    )
    return _tensors("Swin2SRForImageSuperResolution", config, ("reconstruction",))
