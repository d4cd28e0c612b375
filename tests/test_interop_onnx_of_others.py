"""Files of ONNX that others wrote come over as networks that predict the same."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import leaves
from onnx_files import GEMM, NUMBERS, RNG, W, X, b, g, in_evaluator, model_of, numpy_helper, saved

COMES = {
    "gemm": ([("Gemm", ["x", "W", "b"], ["y"], {"transB": 1})], {}, [cr.Dense(4)]),
    "gemm, not turned": ([("Gemm", ["x", "V"], ["y"], {})], {"V": W.T.copy()}, [cr.Dense(4)]),
    "scalar bias": (
        [("Gemm", ["x", "W", "c"], ["y"], {"transB": 1})],
        {"c": np.array(0.5)},
        [cr.Dense(4)],
    ),
    "product alone": ([("MatMul", ["x", "V"], ["y"], {})], {"V": W.T.copy()}, [cr.Dense(4)]),
    "sum the other way": (
        [("MatMul", ["x", "V"], ["h"], {}), ("Add", ["r", "h"], ["y"], {})],
        {"V": W.T.copy(), "r": b[None]},
        [cr.Dense(4)],
    ),
    "turned constant": (
        [("Transpose", ["W"], ["V"], {"perm": [1, 0]}), ("MatMul", ["x", "V"], ["y"], {})],
        {},
        [cr.Dense(4)],
    ),
    "constant": (
        [
            ("Constant", [], ["V"], {"value": numpy_helper.from_array(W.T.copy(), "v")}),
            ("MatMul", ["x", "V"], ["y"], {}),
        ],
        {},
        [cr.Dense(4)],
    ),
    "what changes nothing": (
        [
            GEMM,
            ("Identity", ["h"], ["i"], {}),
            ("Flatten", ["i"], ["j"], {}),
            ("Reshape", ["j", "s"], ["k"], {}),
            ("Dropout", ["k"], ["l"], {}),
            ("Tanh", ["l"], ["y"], {}),
        ],
        {"s": np.array([-1, 4])},
        [cr.Dense(4), cr.Dropout(0.5), cr.Activate("tanh")],
    ),
    "older operators": (
        [
            GEMM,
            ("Dropout", ["h"], ["i"], {"ratio": 0.25}),
            ("Clip", ["i"], ["j"], {"min": -1.0, "max": 1.0}),
            ("Softmax", ["j"], ["y"], {}),
        ],
        {},
        [cr.Dense(4), cr.Dropout(0.25), cr.Activate("hard_tanh"), cr.Activate("softmax")],
    ),
    "norms": (
        [
            GEMM,
            ("LayerNormalization", ["h", "g"], ["i"], {"epsilon": 1e-3}),
            (
                "BatchNormalization",
                ["i", "g", "b", "b", "v"],
                ["y"],
                {"epsilon": 1e-4, "momentum": 0.8},
            ),
        ],
        {"g": g, "v": g**2},
        [cr.Dense(4), cr.LayerNorm(1e-3), cr.BatchNorm(0.2, 1e-4)],
    ),
    "root mean square": (
        [
            GEMM,
            ("Mul", ["h", "h"], ["q"], {}),
            ("ReduceMean", ["q", "last"], ["m"], {}),
            ("Add", ["eps", "m"], ["s"], {}),
            ("Sqrt", ["s"], ["r"], {}),
            ("Div", ["h", "r"], ["n"], {}),
            ("Mul", ["n", "g"], ["y"], {}),
        ],
        {"g": g, "eps": np.array(1e-3), "last": np.array([-1])},
        [cr.Dense(4), cr.RMSNorm(1e-3)],
    ),
    "root mean square, with a reciprocal": (
        [
            GEMM,
            ("Pow", ["h", "two"], ["q"], {}),
            ("ReduceMean", ["q", "last"], ["m"], {"keepdims": 1}),
            ("Add", ["m", "eps"], ["s"], {}),
            ("Sqrt", ["s"], ["r"], {}),
            ("Reciprocal", ["r"], ["i"], {}),
            ("Mul", ["i", "h"], ["n"], {}),
            ("Mul", ["g", "n"], ["y"], {}),
        ],
        {"g": g[None], "eps": np.array([1e-5]), "two": np.array(2.0), "last": np.array([1])},
        [cr.Dense(4), cr.RMSNorm()],
    ),
    "root mean square, by a power": (
        [
            GEMM,
            ("Pow", ["h", "two"], ["q"], {}),
            ("ReduceMean", ["q"], ["m"], {"axes": [-1]}),
            ("Add", ["m", "eps"], ["s"], {}),
            ("Pow", ["s", "half"], ["i"], {}),
            ("Mul", ["h", "i"], ["n"], {}),
            ("Mul", ["n", "g"], ["z"], {}),
            ("Tanh", ["z"], ["y"], {}),
        ],
        {"g": g, "eps": np.array(1e-5), "two": np.array(2.0), "half": np.array(-0.5)},
        [cr.Dense(4), cr.RMSNorm(), cr.Activate("tanh")],
    ),
    "root mean square, one through the root": (
        [
            GEMM,
            ("Mul", ["h", "h"], ["q"], {}),
            ("ReduceMean", ["q", "last"], ["m"], {}),
            ("Add", ["m", "eps"], ["s"], {}),
            ("Sqrt", ["s"], ["r"], {}),
            ("Div", ["one", "r"], ["i"], {}),
            ("Mul", ["h", "i"], ["n"], {}),
            ("Mul", ["n", "g"], ["k"], {}),
            ("Add", ["k", "h"], ["y"], {}),
        ],
        {"g": g, "eps": np.array(1e-5), "one": np.array(1.0), "last": np.array([-1])},
        [cr.Dense(4), cr.Residual(cr.RMSNorm())],
    ),
    "residual": (
        [
            GEMM,
            ("Relu", ["h"], ["i"], {}),
            ("MatMul", ["i", "S"], ["j"], {}),
            ("Add", ["j", "b"], ["k"], {}),
            ("Add", ["k", "i"], ["y"], {}),
        ],
        {"S": RNG.normal(size=(4, 4))},
        [cr.Dense(4, "relu"), cr.Residual(cr.Dense(4))],
    ),
}


OLDER = {"older operators", "root mean square, by a power"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", COMES)
def test_files_of_others_come_over(case, dtype, tmp_path):
    nodes, more, layers = COMES[case]
    numbers = {
        k: v if v.dtype == np.int64 else v.astype(dtype) for k, v in {**NUMBERS, **more}.items()
    }
    if case == "constant" and dtype == np.float32:
        pytest.skip("its constant is in double precision")
    path = saved(model_of(nodes, numbers, 9 if case in OLDER else 20), tmp_path)
    net, params = cr.from_onnx(path, loss="huber")
    assert net.layers == tuple(layers)
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype(dtype)}
    made = in_evaluator(path, X.astype(dtype))
    near = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(cr.predict(net, params, X.astype(dtype)), made, **near)


def test_half_precision_becomes_float32_with_the_same_numbers(tmp_path):
    half = W.astype(np.float16)
    path = saved(model_of([("Gemm", ["x", "W"], ["y"], {"transB": 1})], {"W": half}), tmp_path)
    (own,) = cr.from_onnx(path)[1]
    np.testing.assert_array_equal(own.W, half.astype(np.float32))


@pytest.mark.parametrize(
    ("end", "loss"),
    [("Softmax", "cross_entropy"), ("Sigmoid", "binary_cross_entropy"), ("Exp", "poisson")],
)
def test_an_end_that_the_loss_applies_itself(end, loss, tmp_path):
    path = saved(model_of([GEMM, (end, ["h"], ["y"], {})], NUMBERS), tmp_path)
    net, params = cr.from_onnx(path)
    assert (net.loss, net.layers) == (loss, (cr.Dense(4),))
    np.testing.assert_allclose(cr.predict(net, params, X), in_evaluator(path, X), rtol=1e-9)
