"""BatchNormalization -> Mul and Add, one number a channel.

Why     4.x refuses parameters that are computed (a weight-standardised or conditional normalisation)
Before  y = BatchNormalization<epsilon>(x, scale, bias, mean, variance)
After   f = Div(scale, Sqrt(Add(variance, epsilon)));  y = Add(Mul(Sub(x, mean), f), bias)
        each parameter as [C, 1, ...], f computed here where it is constant; y = Add(Mul(x, f), bias - mean * f) where all are
Error   1e-5: a mean far from zero is subtracted after it was scaled
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, scalar, shape_of


@rule("BatchNormalization", max_error=1e-5)
def batch_norm_by_mul_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if node.attributes.get_int("training_mode", 0) or len(node.outputs) > 1:
        raise Decline("it is in training mode")
    x, *parameters = (float32(value, "an input") for value in node.inputs)
    rank = len(shape_of(x, "the input"))
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    channels = (-1,) + (1,) * (rank - 2)

    arrays = [array_of(value) for value in parameters]
    if not any(array is None for array in arrays):
        scale, bias, mean, variance = (np.asarray(array, np.float64) for array in arrays)
        factor = scale / np.sqrt(variance + epsilon)
        both = [
            new_constant(tape, part.astype(np.float32).reshape(channels)) for part in (factor, bias - mean * factor)
        ]
        return tape.op("Add", [tape.op("Mul", [x, both[0]]), both[1]])

    def as_channels(value: ir.Value, array: np.ndarray | None) -> ir.Value:
        if array is not None:
            return new_constant(tape, array.reshape(channels))
        return tape.op("Reshape", [value, indices(tape, channels)]) if rank > 2 else value

    scale_, bias_, mean_, variance_ = (as_channels(*pair) for pair in zip(parameters, arrays, strict=True))
    if arrays[3] is None:
        slope = tape.op("Div", [scale_, tape.op("Sqrt", [tape.op("Add", [variance_, scalar(tape, epsilon)])])])
    else:
        inverse = 1 / np.sqrt(arrays[3].astype(np.float64) + epsilon)
        factor = inverse if arrays[0] is None else inverse * arrays[0]
        constant = new_constant(tape, factor.astype(np.float32).reshape(channels))
        slope = tape.op("Mul", [scale_, constant]) if arrays[0] is None else constant
    return tape.op("Add", [tape.op("Mul", [tape.op("Sub", [x, mean_]), slope]), bias_])
