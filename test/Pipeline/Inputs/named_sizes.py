"""usage: named_sizes.py FILE: an ONNX model whose input is of shape [batch, length]."""

import sys

import onnx
from onnx import TensorProto, helper

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length"])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "length"])
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "named", [x], [y])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
