"""Compiles with the installed package; the argument is where it must come from."""

import importlib.util
import sys
from pathlib import Path

import lutra
import numpy as np
import onnx

assert Path(lutra.__file__).is_relative_to(sys.argv[1]), lutra.__file__
x = np.ones((1, 5), np.float32)
print("path:", lutra.compile("model.mlir")(x)[0][0].tolist())

shape = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows", 5]) for name in "xy"]
graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "neg", shape[:1], shape[1:])
model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
print("bytes:", lutra.compile(model.SerializeToString())(x)[0][0].tolist())

if importlib.util.find_spec("torch"):
    import torch

    program = torch.export.export(torch.nn.ReLU().eval(), (torch.ones(1, 5),))
    assert np.array_equal(lutra.compile(program)(x)[0], x)
else:
    assert lutra.torch.import_program
print("torch: done")
