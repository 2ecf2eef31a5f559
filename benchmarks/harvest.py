"""Every distinct node of real architectures, after our own export and simplification, as small JSON records.

    python benchmarks/harvest.py -o FOLDER LIST... [--limit SECONDS] [--budget SECONDS] [--millions N] [--retry]

LIST is a file of architecture names, or one of the words `corpus` and `segmentation` (the lists in this file). A name is
timm:NAME or torchvision:NAME (timm's where there is no prefix), with @SIZE for an input other than the default. Several lists
are taken in turn, so that what is done when time runs out is a cross-section.

One file per architecture in FOLDER; what is there already is skipped. Each architecture runs in a child process of its own with
random weights and batch 1, on the exporters "dynamo" and "torchscript"; failures are kept with their reasons.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Any

from converter.errors import ConverterError
from converter.support.cases._records import describe, identity

RUNGS = ("dynamo", "torchscript")

SEGMENTATION = """
torchvision:lraspp_mobilenet_v3_large torchvision:deeplabv3_mobilenet_v3_large torchvision:fcn_resnet50
torchvision:deeplabv3_resnet50 torchvision:fcn_resnet101 torchvision:deeplabv3_resnet101
""".split()

CORPUS = """
mobilenetv3_large_100 vit_tiny_patch16_224 convnext_atto torchvision:shufflenet_v2_x0_5 efficientnet_b0 swin_tiny_patch4_window7_224
resnet50 maxvit_rmlp_pico_rw_256 poolformer_s12 halonet26t xcit_nano_12_p16_224 efficientnet_cc_b0_4e
torchvision:lraspp_mobilenet_v3_large@224 coatnet_pico_rw_224 nfnet_l0 botnet26t_256 lambda_resnet26t crossvit_9_dagger_240
mobilevitv2_050 torchvision:squeezenet1_1 volo_d1_224@192 convnextv2_atto gcvit_xxtiny davit_tiny pvt_v2_b2_li
mixer_s32_224 resmlp_12_224 gmixer_12_224 eva02_tiny_patch14_224 vit_small_patch16_rope_mixed_224 swinv2_cr_tiny_ns_224
torchvision:googlenet levit_128s levit_conv_128s tinynet_e fbnetv3_b lcnet_050 mobilenetv4_conv_small mobilenetv4_hybrid_medium_075
ghostnetv2_100 ghostnetv3_050 regnetx_002 regnety_002 regnetz_005 nf_ecaresnet26 repvgg_a0 mobileone_s0 gcresnext26ts
bat_resnext26ts sebotnet33ts_256 regnetz_b16_evos mixnet_s efficientnet_es efficientnetv2_rw_t tf_efficientnet_b0 tf_efficientnetv2_b0
semnasnet_050 mobilenetv1_100 mobilenetv2_035 mobilenet_edgetpu_v2_xs cs3darknet_focus_s cspresnext50 cs3sedarknet_l darknet17
densenetblur121d dla46x_c dla60_res2net dpn48b ecaresnext26t_32x4d resnetblur18 resnetaa34d resnet50_gn seresnext26d_32x4d resnet50_clip
resnetv2_50x1_bit resnetv2_50d_frn resnetv2_50d_evos res2next50 skresnext50_32x4d tresnet_l vovnet39a ese_vovnet19b_slim_dw
torchvision:mnasnet0_5 torchvision:regnet_y_400mf torchvision:swin_v2_t torchvision:maxvit_t torchvision:vit_b_32
torchvision:convnext_tiny torchvision:efficientnet_v2_s torchvision:alexnet torchvision:mobilenet_v2
vit_relpos_medium_patch16_rpn_224 vit_srelpos_small_patch16_224 test_vit_relpos test_vit2 test_vit3 test_vit4 vit_pe_spatial_tiny_patch16_512@256
vit_small_patch16_dinov3_qkvb vit_xsmall_patch16_clip_224 flexivit_small vit_tiny_r_s16_p8_224
vit_small_resnet26d_224 twins_pcpvt_small nest_tiny_jx hiera_tiny_224 sam2_hiera_tiny@256 tiny_vit_11m_224 hgnetv2_b0 repvit_m0_9 starnet_s050
fasternet_t0 shvit_s2 swiftformer_xs iformer_t mambaout_femto inception_next_atto focalnet_tiny_lrf edgenext_xx_small efficientformer_l3@192
efficientformerv2_s1 efficientvit_b1 efficientvit_l1@128 efficientvit_m1 efficientvim_m2 lowformer_b1 cpubone_nano rdnet_tiny cspnext_tiny
convit_tiny cait_xxs24_224 coat_lite_tiny coat_tiny visformer_tiny pit_xs_224 tnt_s_legacy_patch16_224 gmlp_ti16_224 convmixer_1024_20_ks9_p14
sequencer2d_s@192 fastvit_t8 fastvit_sa12 fastvit_mci0 mvitv2_tiny naflexvit_base_patch16_gap caformer_s18@192 convformer_s18
poolformerv2_s12 maxxvitv2_nano_rw_256 maxvit_tiny_pm_256 coatnext_nano_rw_224 test_coatnet test_maxvit test_nfnet test_efficientnet_ln
test_efficientnet_evos test_byobnet test_convnext2 test_convnext3 test_mambaout rexnetr_100 repghostnet_080 hardcorenas_f selecsls60
xception41p dla60x_c hrnet_w18_small_v2 legacy_seresnext26_32x4d resnest26d nextvit_small@192
torchvision:deeplabv3_mobilenet_v3_large@224 torchvision:mobilenet_v3_small torchvision:densenet121 torchvision:inception_v3
""".split()
"""Architectures beside the reference list: every family of timm in another variant, small ones, and torchvision's families."""


def read_list(text: str) -> list[str]:
    """The names of a list: with their library, without repeats."""
    words = {"corpus": CORPUS, "segmentation": SEGMENTATION}
    names = words[text] if text in words else Path(text).read_text(encoding="utf-8").split()
    return list(dict.fromkeys(name if ":" in name else f"timm:{name}" for name in names))


def file_name(architecture: str) -> str:
    """The architecture's file in the harvest folder."""
    return architecture.replace(":", "-") + ".json"


def network_of(architecture: str, millions: float) -> Any:
    """The architecture as `converter.export.Network`. Raises ValueError when it has more parameters than that."""
    from converter.checkpoint.architecture import build
    from converter.export import Input, network

    spec, _, size = architecture.partition("@")
    module = build(spec).module
    parameters = sum(p.numel() for p in module.parameters()) / 1e6
    if parameters > millions:
        raise ValueError(f"it has {parameters:.0f} million parameters")
    shape = (3, int(size), int(size)) if size else default_input(spec, module)
    return network(module, [Input("input", (1, *shape))])


def default_input(spec: str, module: Any) -> tuple[int, ...]:
    """Channels, height and width that the architecture was made for."""
    library, _, name = spec.partition(":")
    if library == "timm":
        return tuple(module.pretrained_cfg["input_size"])
    from torchvision.models import get_model_weights

    transform = next(iter(get_model_weights(name))).transforms()
    size = getattr(transform, "crop_size", None) or transform.resize_size
    return (3, size[0], size[0])


def harvest(architecture: str, file: str, millions: float) -> None:
    """Write the architecture's file, anew after each exporter. Runs in a child process."""
    import torch

    from converter.export import LADDER, climb
    from converter.passes import simplify

    torch.set_num_threads(1)
    document: dict[str, Any] = {"architecture": architecture, "rungs": {}}
    try:
        torch.manual_seed(0)
        net = network_of(architecture, millions)
    except (ConverterError, ValueError) as error:
        document["rungs"] = {rung: {"failed": f"build: {reason(error)}"} for rung in RUNGS}
        return write(file, document)
    document["input"] = list(net.inputs[0].shape)
    for rung in (rung for rung in LADDER if rung.name in RUNGS):
        began = time.perf_counter()
        try:
            simplified = simplify(next(climb(net, (rung,))).model)
            counted: Counter[str] = Counter()
            for node in simplified.model.graph:
                counted[identity(describe(node))] += 1
            entry = {
                "nodes": len(simplified.model.graph),
                "notes": list(simplified.notes),
                "records": [{**json.loads(text), "count": count} for text, count in counted.items()],
            }
        except (ConverterError, ValueError) as error:
            entry = {"failed": reason(error)}
        document["rungs"][rung.name] = {**entry, "seconds": round(time.perf_counter() - began, 1)}
        write(file, document)
    return None


def reason(error: Exception) -> str:
    return (error.measured if isinstance(error, ConverterError) else f"{error}").strip().replace("\n", " | ")[:400]


def write(file: str, document: dict[str, Any]) -> None:
    """The whole file or none: a child may be killed at any time."""
    beside = Path(file + ".part")
    beside.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    beside.replace(file)


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"rungs": {}}


def run_one(context: Any, architecture: str, file: Path, millions: float, limit: float) -> None:
    """Harvest in a child process, and write down what a child that died could not."""
    child = context.Process(target=harvest, args=(architecture, str(file), millions))
    child.start()
    child.join(limit)
    late = child.is_alive()
    if late:
        child.kill()
        child.join()
    document = {"architecture": architecture, **read(file)}
    missing = [rung for rung in RUNGS if rung not in document["rungs"]]
    why = f"not done in {limit:.0f} s" if late else f"the process ended with exit code {child.exitcode}"
    document["rungs"].update({rung: {"failed": why} for rung in missing})
    write(str(file), document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", metavar="LIST")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=120, help="seconds an architecture (120)")
    parser.add_argument("--budget", type=float, default=float("inf"), help="start no architecture after this many seconds")
    parser.add_argument("--millions", type=float, default=float("inf"), help="skip networks of more parameters")
    parser.add_argument("--retry", action="store_true", help="do again what failed")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    in_turn = zip_longest(*(read_list(text) for text in options.lists))
    names = list(dict.fromkeys(name for several in in_turn for name in several if name))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "timm", "onnxscript", "onnxruntime", "converter.export", "converter.passes"])
    began = time.perf_counter()
    for name in names:
        file = options.out / file_name(name)
        failed = any("failed" in rung for rung in read(file)["rungs"].values())
        if file.exists() and not (failed and options.retry):
            continue
        if time.perf_counter() - began > options.budget:
            print(f"out of time before {name}", file=sys.stderr)
            break
        started = time.perf_counter()
        file.unlink(missing_ok=True)
        run_one(context, name, file, options.millions, options.limit)
        rungs = read(file)["rungs"]
        told = ", ".join(f"{rung} {entry.get('failed') or entry['nodes']}" for rung, entry in rungs.items())
        print(f"{name}: {told} ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
