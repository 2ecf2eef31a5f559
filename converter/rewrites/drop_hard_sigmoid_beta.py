"""HardSigmoid with beta=0.5 written out -> the same without it.

Why     every OpenCV takes Mul(x, HardSigmoid<alpha=1/6, beta=0.5>(g)) for HardSwish(g) and loses x. Its pattern wants
        both attributes written out; 0.5 is beta's default in ONNX: left off, it means the same and is not recognised
Before  s = HardSigmoid<alpha, beta=0.5>(g)
After   s = HardSigmoid<alpha>(g)
Error   0: the same op
"""

import onnx_ir as ir

from converter.rewrites import Decline, rule


@rule("HardSigmoid", max_error=0.0)
def drop_hard_sigmoid_beta(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if "beta" not in node.attributes:
        raise Decline("beta is not written out")
    beta = node.attributes.get_float("beta")
    if beta != 0.5:
        raise Decline(f"beta is {beta:g}, which is not the default that may be left off")
    rest = {name: attribute for name, attribute in node.attributes.items() if name != "beta"}
    return tape.op("HardSigmoid", node.inputs, rest)
