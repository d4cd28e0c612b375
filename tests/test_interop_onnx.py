"""Networks as files of ONNX and back: onnx's evaluator and onnxruntime predict the same."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.trees import leaves, tree_map
from strategies import HEADS, problem, problems_of_any_kind

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

NEAR = {"float32": {"rtol": 1e-6, "atol": 1e-6}, "float64": {"rtol": 1e-7, "atol": 1e-7}}
X = np.random.default_rng(0).normal(size=(6, 3))
RNG = np.random.default_rng(1)


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


def check_written(net, params, path, rows=X, dtype="float32", *, run=True):
    """What is written predicts what is predicted here, of several rows and of one."""
    cr.to_onnx(net, params, path)
    for part in (rows.astype(dtype), rows[:1].astype(dtype)):
        ours = cr.predict(net, params, part)
        for predict in (in_evaluator, in_runtime) if run else (in_evaluator,):
            theirs = predict(path, part)
            assert theirs.dtype == ours.dtype
            np.testing.assert_allclose(theirs, ours, **NEAR[dtype])


def check_back(net, params, path, rows=X):
    """The way back has the same layers, and the same bits of parameters."""
    again, same = cr.from_onnx(path)
    assert str(again) == str(net) or again.loss == net.loss
    for one, other in zip(leaves(params), leaves(same), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    rows = rows.astype(leaves(params)[0].dtype)
    y = problem(net, n=len(rows)).y
    ours, theirs = (cr.cost_and_gradient(*each, rows, y) for each in ((net, params), (again, same)))
    np.testing.assert_allclose(theirs[0], ours[0], rtol=1e-6)
    for one, other in zip(leaves(ours[1]), leaves(theirs[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    return again


FULL_NAMES = [*ACTIVATIONS, "sigmoid(3)", "bipolar_sigmoid(2)", "leaky_relu(0.2)", "elu(0.5)"]
STAY_HERE = {"bipolar_sigmoid", "sigmoid(3)", "bipolar_sigmoid(2)"}
"""Activations that ONNX has no operator for: they are written as what they compute."""


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", FULL_NAMES)
def test_activations(name, dtype, tmp_path):
    net, params = made_of([cr.Dense(4, name), cr.Dense(2)], dtype=dtype)
    path = tmp_path / "net.onnx"
    check_written(net, params, path, dtype=dtype, run=dtype == "float32")
    if name in STAY_HERE:
        with pytest.raises(
            ValueError, match=r"from_onnx: .*is nothing that Chainrule has|no MatMul"
        ):
            cr.from_onnx(path)
        return
    again = check_back(net, params, path)
    assert cr.activations.activation(again.layers[0].activation) is cr.activations.activation(name)


COME_BACK = {"dense", "activate", "dropout", "scale", "layer_norm", "batch_norm", "residual"}


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("kind", LAYERS)
def test_kinds_of_layer(kind, dtype, tmp_path):
    end = [] if kind == "members" else [cr.Dense(2)]
    net, params = made_of([cr.Scale(), LAYERS[kind].example(3), *end], dtype=dtype)
    path = tmp_path / "net.onnx"
    check_written(net, params, path, dtype=dtype)
    if kind in COME_BACK:
        assert check_back(net, params, path).layers[1:] == net.layers[1:]
        return
    with pytest.raises(ValueError, match=r"^from_onnx: .* that makes '.*': "):
        cr.from_onnx(path)


@pytest.mark.parametrize("name", [*LOSSES, *HEADS])
def test_losses(name, tmp_path):
    net, params = made_of([cr.Dense(3)], name)
    path = tmp_path / "net.onnx"
    check_written(net, params, path)
    if name in LOSSES:
        assert check_back(net, params, path).loss == name


@settings(max_examples=15)
@given(problems_of_any_kind())
def test_any_network(tmp_path_factory, p):
    path = tmp_path_factory.mktemp("any") / "net.onnx"
    params = tree_map(lambda leaf: leaf.astype(np.float32), p.params)
    cr.to_onnx(p.net, params, path)
    rows = p.X.astype(np.float32)
    ours = cr.predict(p.net, params, rows, engine="reference")
    for predict in (in_evaluator, in_runtime):
        np.testing.assert_allclose(predict(path, rows), ours, rtol=2e-4, atol=2e-4)


SINE = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
ODD = cr.Activation("odd", f=lambda z, xp: xp.asinh(z), df=lambda z, a, xp: (1 + z * z) ** -0.5)


def test_own_activations_are_written_as_what_they_compute(tmp_path):
    net, params = made_of([cr.Dense(4, SINE), cr.Dense(2)])
    check_written(net, params, tmp_path / "net.onnx")


def test_what_onnx_has_not_is_refused_and_nothing_is_written(tmp_path):
    net, params = made_of([cr.Dense(4, ODD), cr.Dense(2)])
    with pytest.raises(ValueError, match=r"^to_onnx: layer 0, .*: xp\.asinh is nothing that is wr"):
        cr.to_onnx(net, params, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_parameters_stand_under_their_names_and_files_are_the_same(tmp_path):
    net, params = made_of([cr.Dense(4, "relu"), cr.LayerNorm(), cr.Dense(2)])
    for name in ("a", "b"):
        cr.to_onnx(net, params, tmp_path / name)
    names = {each.name for each in onnx.load(tmp_path / "a").graph.initializer}
    assert names == {"0.W.T", "0.b", "1.gamma", "1.beta", "2.W.T", "2.b"}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_that_stood_there_stays_where_it_cannot_be_written(tmp_path):
    net, params = made_of([cr.Dense(2)])
    with pytest.raises(ValueError, match="is not a file that could be replaced"):
        cr.to_onnx(net, params, tmp_path)


# Files of others


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", COMES)
def test_files_of_others_come_over(case, dtype, tmp_path):
    nodes, more, layers = COMES[case]
    numbers = {
        k: v if v.dtype == np.int64 else v.astype(dtype) for k, v in {**NUMBERS, **more}.items()
    }
    if case == "constant" and dtype == np.float32:
        pytest.skip("its constant is in double precision")
    path = saved(model_of(nodes, numbers, 9 if case == "older operators" else 20), tmp_path)
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


Y = ["y"]
REFUSED = {
    "convolution": (
        [GEMM, ("Conv", ["h", "W"], Y, {"group": 1})],
        r"node 1, Conv that makes 'y': Co",
    ),
    "of another domain": (
        [GEMM, ("FusedGemm", ["h", "W"], Y, {"domain": "com.microsoft"})],
        r"node 1, .*com\.microsoft\.FusedGemm is nothing that Chainrule has: its networks are of",
    ),
    "another softplus": ([GEMM, ("Elu", ["h"], Y, {"beta": 2.0})], r"Elu\(beta=2\.0\) is nothing"),
    "another axis": ([GEMM, ("Softmax", ["h"], Y, {"axis": 0})], r"Softmax\(axis=0\) is nothing"),
    "another clip": ([GEMM, ("Clip", ["h", "zero"], Y, {})], "Clip from 0.0 to None is nothing"),
    "times a factor": (
        [("Gemm", ["x", "W"], Y, {"transB": 1, "alpha": 2.0})],
        "alpha must be 1.0, got",
    ),
    "numbers first": ([("MatMul", ["W", "x"], Y, {})], r"MatMul\(\) is nothing"),
    "weights that are computed": ([GEMM, ("Gemm", ["x", "h"], Y, {})], "must be x|is nothing|'h'"),
    "vector": (
        [("MatMul", ["x", "b"], Y, {})],
        r"'b' must be a matrix, got numbers of shape \(4,\)",
    ),
    "bias of another width": (
        [("Gemm", ["x", "W", "three"], Y, {"transB": 1})],
        r"'three' must have 4 biases, got numbers of shape \(3,\)",
    ),
    "numbers added": (
        [GEMM, ("Add", ["h", "b"], Y, {})],
        "adds the numbers 'b' to what is no MatMul",
    ),
    "one factor": (
        [GEMM, ("Mul", ["h", "zero"], Y, {})],
        r"Mul by numbers of shape \(\) is nothing",
    ),
    "always drops": (
        [GEMM, ("Dropout", ["h", "half", "yes"], Y, {})],
        "training_mode must be false",
    ),
    "norm of the batch": (
        [GEMM, ("BatchNormalization", ["h", "b", "b", "b", "b"], Y, {"training_mode": 1})],
        "training_mode must be 0, got 1",
    ),
    "norm over all": (
        [GEMM, ("LayerNormalization", ["h", "b"], Y, {"axis": 0})],
        "axis must be -1 or 1, got 0",
    ),
    "other rows": (
        [GEMM, ("Reshape", ["h", "turned"], Y, {})],
        r"must leave rows as they are, .*\[4, ",
    ),
    "fewer features": (
        [GEMM, ("Reshape", ["h", "two"], ["i"], {}), ("Tanh", ["i"], Y, {})],
        r"predicts something else than its layers say, .*differ in shape",
    ),
    "power within": (
        [("Exp", ["x"], ["e"], {}), ("MatMul", ["e", "W"], Y, {})],
        "at the end of the gr",
    ),
    "two branches": (
        [GEMM, ("Tanh", ["x"], ["t"], {}), ("Add", ["h", "t"], Y, {})],
        r"node 2, Add .*must be x \+ F\(x\)",
    ),
    "out of order": (
        [("Tanh", ["h"], Y, {}), GEMM],
        "node 0, .*takes 'h', which nothing before makes",
    ),
    "in a circle": ([("Tanh", ["y"], Y, {})], "takes 'y', which nothing before makes"),
    "made twice": ([GEMM, GEMM], "makes what is there already"),
    "no output": ([GEMM], "nothing makes its output 'y' of its input"),
    "no layers": ([("Tanh", ["x"], Y, {})], "has no layer with parameters"),
    "nan": (
        [("Gemm", ["x", "W", "nan"], Y, {"transB": 1})],
        r"'nan' must be finite, got nan at \(1,\)",
    ),
    "whole numbers": ([("Gemm", ["x", "W", "two"], Y, {"transB": 1})], "'two' must be of float64"),
}
MORE = {
    "zero": np.array(0.0),
    "three": np.ones(3),
    "half": np.array(0.5),
    "yes": np.array(True),
    "turned": np.array([4, -1]),
    "two": np.array([-1, 2]),
    "nan": np.array([1.0, np.nan, 1.0, 1.0]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_its_place(case, tmp_path):
    nodes, message = REFUSED[case]
    path = saved(model_of(nodes, {**NUMBERS, **MORE}), tmp_path)
    with pytest.raises((ValueError, TypeError), match=f"^from_onnx: .*net.onnx: .*(?:{message})"):
        cr.from_onnx(path)


def changed(change):
    """The bytes of a plain file, with something changed in it."""
    model = model_of([("Gemm", ["x", "W", "b"], Y, {"transB": 1})], NUMBERS)
    change(model)
    return model.SerializeToString()


def elsewhere(location, length="96"):
    def change(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("length", length)):
            tensor.external_data.add(key=key, value=value)

    return change


WHOLE = changed(lambda model: None)
DAMAGED = {
    "empty": (b"", "is no file of ONNX"),
    "text": (b"layers = [2, 2]\n", "is no file of ONNX"),
    "zip": (b"PK\x03\x04" + bytes(100), "is no file of ONNX"),
    "half": (WHOLE[: len(WHOLE) // 2], "is no file of ONNX"),
    "two inputs": (
        changed(lambda m: m.graph.input.add(name="z")),
        "must have one input, got 'x', 'z'",
    ),
    "two outputs": (
        changed(lambda m: m.graph.output.add(name="z")),
        "must have one output, got 'y', 'z'",
    ),
    "images": (
        changed(lambda m: m.graph.input[0].type.tensor_type.shape.dim.add(dim_value=3)),
        "its input 'x' must be rows of numbers, of 2 dimensions, got 3",
    ),
    "huge": (
        changed(lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40)),
        r"'W' of dimensions \[1099511627776, 3\] must have .* bytes of numbers, got 96",
    ),
    "negative": (
        changed(lambda m: m.graph.initializer[0].dims.__setitem__(0, -4)),
        "of which none may be negative",
    ),
    "text as numbers": (
        changed(lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.STRING)),
        "'W' must be of floats .* got STRING",
    ),
    "old": (
        changed(lambda m: setattr(m.opset_import[0], "version", 6)),
        "of version 9 or newer, got 6",
    ),
    "above": (
        changed(elsewhere("../W.bin")),
        r"'\.\./W\.bin', which is not in the folder of the file",
    ),
    "absolute": (changed(elsewhere("/etc/passwd")), "'/etc/passwd', which is not in the folder"),
    "nowhere": (changed(elsewhere("")), "'', which is not in the folder"),
    "link": (changed(elsewhere("link")), "'link', which is not in the folder"),
    "too long": (
        changed(elsewhere("W.bin", "97")),
        "must have 96 bytes of numbers, and the file says 97",
    ),
    "too short": (changed(elsewhere("short.bin")), "must have 96 bytes of numbers, got 0"),
    "not there": (changed(elsewhere("none.bin")), "none.bin"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_and_hostile_files_are_refused(case, tmp_path):
    content, message = DAMAGED[case]
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "W.bin").write_bytes(W.tobytes())
    (folder / "W.bin").write_bytes(W.tobytes())
    (folder / "short.bin").write_bytes(bytes(95))
    (folder / "link").symlink_to(tmp_path / "W.bin")
    (folder / "net.onnx").write_bytes(content)
    error = OSError if case == "not there" else ValueError
    with pytest.raises(error, match=message):
        cr.from_onnx(folder / "net.onnx")


def refusal(path):
    """What a file is refused with, None where it is read; anything else is raised."""
    try:
        cr.from_onnx(path)
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def test_whatever_is_changed_in_a_file_it_is_read_or_refused(tmp_path):
    layers = [cr.Dense(4, "leaky_relu(0.2)"), cr.LayerNorm(), cr.Residual(cr.Dense(4, "silu"))]
    more = [cr.BatchNorm(), cr.Dropout(0.1), cr.Scale(), cr.Activate("hard_tanh"), cr.Dense(2)]
    path, rng, messages = tmp_path / "net.onnx", np.random.default_rng(0), []
    cr.to_onnx(*made_of([*layers, *more], "cross_entropy"), path)
    whole = path.read_bytes()
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            k, length = rng.integers(len(content)), rng.integers(0, 8)
            content[k : k + length] = rng.bytes(rng.integers(0, 3))
        path.write_bytes(content)
        messages.append(refusal(path))
    assert sum(message is not None for message in messages) > 300
    assert [m for m in messages if m and not m.startswith(f"from_onnx: {path}: ")] == []


def test_numbers_beside_the_file_are_read(tmp_path):
    (tmp_path / "W.bin").write_bytes(W.tobytes())
    (tmp_path / "net.onnx").write_bytes(changed(elsewhere("W.bin")))
    np.testing.assert_array_equal(cr.from_onnx(tmp_path / "net.onnx")[1][0].W, W)


def test_what_is_no_path_and_what_is_no_file_are_refused(tmp_path):
    with pytest.raises(TypeError, match="from_onnx: path must be that of a file, got 3"):
        cr.from_onnx(3)
    with pytest.raises(ValueError, match="is not a regular file but a folder"):
        cr.from_onnx(tmp_path)
    with pytest.raises(FileNotFoundError, match="none"):
        cr.from_onnx(tmp_path / "none")


def test_a_loss_that_does_not_fit_the_power_is_refused(tmp_path):
    path = saved(model_of([GEMM, ("Exp", ["h"], Y, {})], NUMBERS), tmp_path)
    with pytest.raises(
        ValueError, match="ends in an Exp, so that loss must be 'poisson', got 'hub"
    ):
        cr.from_onnx(path, loss="huber")


@pytest.mark.parametrize("call", ["cr.from_onnx('a.onnx')", "cr.to_onnx(None, None, 'a.onnx')"])
def test_without_onnx_the_error_says_what_to_install(call):
    code = (
        "import sys; sys.modules['onnx'] = None; import chainrule as cr\n"
        f"try: {call}\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    name = call[3:].partition("(")[0]
    assert done.stdout.strip() == (
        f"{name} needs onnx, which is not installed: pip install 'chainrule[onnx]'"
    )
