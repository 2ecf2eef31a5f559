"""HardSwish -> x * ReLU6(x + 3) / 6, with two Relus for the ReLU6.

Why     OpenCV 4.5.5 takes no Clip whose limits are inputs; Relu, Sub and Mul run right on every OpenCV measured
Before  y = HardSwish(x)
After   d = Relu(0.5 - x/6);  y = Mul(x, Relu(1 - d))
Error   1e-6: where the gate is small it is the difference of two numbers near 1
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("HardSwish", max_error=1e-6)
def hard_swish_by_relu(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    slope = tape.op("Mul", [x, scalar(tape, 1 / 6)])
    missing = tape.op("Relu", [tape.op("Sub", [scalar(tape, 0.5), slope])])  # how far the gate is from 1
    gate = tape.op("Relu", [tape.op("Sub", [scalar(tape, 1.0), missing])])
    return tape.op("Mul", [x, gate])
