"""Files of ONNX for tests: made, written and run, by onnx's evaluator and by onnxruntime."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import tree_map
from strategies import problem

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402, F401
from onnx.reference import ReferenceEvaluator  # noqa: E402

runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

RNG = np.random.default_rng(1)
X = np.random.default_rng(0).normal(size=(6, 3))


def in_runtime(path, rows):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})[0]


def in_evaluator(path, rows):
    model = onnx.load(path)
    with np.errstate(over="ignore"):
        return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: rows})[0]


def made_of(layers, loss="huber", dtype="float32", inputs=3):
    """A network with random parameters, the biases too."""
    net = cr.Network(inputs, layers, loss)
    return net, tree_map(lambda leaf: leaf.astype(dtype), problem(net).params)


def model_of(nodes, constants, opset=20, inputs=(("x", [None, 3]),), outputs=("y",), domain=""):
    kind = helper.np_dtype_to_tensor_dtype(next(iter(constants.values()), X).dtype)
    graph = helper.make_graph(
        [
            helper.make_node(op, i, o, name=f"node {k}", **a)
            for k, (op, i, o, a) in enumerate(nodes)
        ],
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    versions = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


def saved(model, tmp_path):
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "net.onnx"


W, b, g = RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal(size=4)
GEMM = ("Gemm", ["x", "W", "b"], ["h"], {"transB": 1})
NUMBERS = {"W": W, "b": b}
