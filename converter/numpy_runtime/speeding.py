"""From kernels to fast forms, and memory for their results."""

from __future__ import annotations

from converter.numpy_runtime import following, matching, slots
from converter.numpy_runtime.choosing import choose
from converter.numpy_runtime.handing import hand_on
from converter.numpy_runtime.leading import free_linears
from converter.numpy_runtime.network import Network
from converter.numpy_runtime.sinking import sink
from converter.numpy_runtime.turning import block, turn


def speed_up(network: Network) -> dict[str, int]:
    """Put fast forms in the place of steps. What was done, as counts. To be done last: forms are no ONNX operators."""
    done = {
        "swishes": following.swishes(network),
        "attentions": matching.attentions(network),
        "layer_norms": matching.layer_norms(network),
    }
    done.update(choose(network))
    done["reshapes"] = free_linears(network)
    done.update({f"fused_{kind}": count for kind, count in following.absorb(network).items()})
    done.update(sink(network))
    done["normalisations"] = hand_on(network)
    done["eased_activations"] = following.ease(network)
    done["turned"] = turn(network)
    done["in_blocks"] = block(network)
    done["slots"] = slots.assign(network)
    return done
