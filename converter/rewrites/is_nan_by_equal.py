"""IsNaN(x) -> x is not equal to itself.

Why     no OpenCV 4.x knows IsNaN; PyTorch's attention with a mask asks it of its Softmax
Before  m = IsNaN(x)
After   m = Not(Equal(x, x))
Error   0: for NaN and infinities too where the target has Equal; what stands for Equal on older ones may miss a NaN
"""

import onnx_ir as ir

from converter.rewrites import float32, rule


@rule("IsNaN", max_error=0.0)
def is_nan_by_equal(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    return tape.op("Not", [tape.op("Equal", [x, x])])
