"""Files of ONNX that are no network here, damaged or hostile: refused by name and place."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.interop.onnx_left import SPECIFICATION, specification
from onnx_files import (
    GEMM,
    NUMBERS,
    TensorProto,
    W,
    helper,
    made_of,
    model_of,
    numpy_helper,
    onnx,
    saved,
)

Y = ["y"]


def endless():
    """The body of a loop that goes on as long as it is true, which it leaves as it is."""
    bools = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go", "on")]
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    same = helper.make_node("Identity", ["go"], ["on"])
    return helper.make_graph([same], "body", [turn, bools[0]], bools[1:])


ENDLESS = endless()
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
    "no gains": (
        [
            GEMM,
            ("Mul", ["h", "h"], ["q"], {}),
            ("ReduceMean", ["q", "last"], ["m"], {}),
            ("Add", ["m", "half"], ["s"], {}),
            ("Sqrt", ["s"], ["r"], {}),
            ("Div", ["h", "r"], Y, {}),
        ],
        "node 5, Div that makes 'y': .*a Mul by a gain for each feature must follow",
    ),
    "a norm over the rows": (
        [
            GEMM,
            ("Mul", ["h", "h"], ["q"], {}),
            ("ReduceMean", ["q", "first"], ["m"], {}),
            ("Add", ["m", "half"], ["s"], {}),
            ("Sqrt", ["s"], ["r"], {}),
            ("Div", ["h", "r"], ["n"], {}),
            ("Mul", ["n", "b"], Y, {}),
        ],
        r"node 5, Div that makes 'n': Div\(\) is nothing that Chainrule has",
    ),
    "a mean of networks": (
        [GEMM, ("Gemm", ["x", "W"], ["i"], {"transB": 1}), ("Mean", ["h", "i"], Y, {})],
        r"node 2, Mean that makes 'y': Mean\(\) is nothing that Chainrule has",
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
    "power of nothing": ([GEMM, ("Pow", ["h"], Y, {})], "node 1, Pow .*must take 2 values, got 1"),
    "quotient of one": ([GEMM, ("Div", ["h"], Y, {})], "node 1, Div .*must take 2 values, got 1"),
    "root of none": ([GEMM, ("Sqrt", [], Y, {})], "node 1, Sqrt .*must take 1 value, got 0"),
    "inverse of none": ([GEMM, ("Reciprocal", [], Y, {})], "must take 1 value, got 0"),
    "mean of none": ([GEMM, ("ReduceMean", [], Y, {})], "must take 1 or 2 values, got 0"),
    "product of one": ([GEMM, ("Mul", ["h"], Y, {})], "node 1, Mul .*must take 2 values, got 1"),
    "product of three": ([GEMM, ("Mul", ["h", "b", "b"], Y, {})], "must take 2 values, got 3"),
    "sum of one": ([GEMM, ("Add", ["h"], Y, {})], "node 1, Add .*must take 2 values, got 1"),
    "sum of three": (
        [GEMM, ("Tanh", ["h"], ["t"], {}), ("Add", ["h", "t", "b"], Y, {})],
        r"node 2, Add .*must take 2 values, got 3: \['h', 't', 'b'\]",
    ),
    "an axis alone": (
        [GEMM, ("ReduceMean", ["h", "axis"], Y, {})],
        "node 1, ReduceMean .*axes must be a list of whole numbers, got -1",
    ),
    "an axis as a number": (
        [GEMM, ("ReduceMean", ["h"], Y, {"axes": 1})],
        "node 1, ReduceMean .*axes must be a list of whole numbers, got 1",
    ),
    "bounds for each": (
        [GEMM, ("Clip", ["h", "b", "half"], Y, {})],
        r"node 1, Clip .*'b' must be one number, got numbers of shape \(4,\)",
    ),
    "rates for each": (
        [GEMM, ("Dropout", ["h", "b"], Y, {})],
        r"node 1, Dropout .*'b' must be one number, got numbers of shape \(4,\)",
    ),
    "loop beside": (
        [("Gemm", ["x", "W"], Y, {"transB": 1}), ("Loop", ["", "yes"], ["z"], {"body": ENDLESS})],
        "Loop is nothing that Chainrule has.*, and it is not run",
    ),
    "whole numbers": ([("Gemm", ["x", "W", "two"], Y, {"transB": 1})], "'two' must be of float64"),
}
MORE = {
    "zero": np.array(0.0),
    "three": np.ones(3),
    "half": np.array(0.5),
    "yes": np.array(True),
    "turned": np.array([4, -1]),
    "last": np.array([-1]),
    "axis": np.array(-1),
    "first": np.array([0]),
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


@pytest.mark.parametrize("width", [2, 10**11])
def test_a_specification_of_more_inputs_than_the_file_has_numbers_takes_no_memory(width, tmp_path):
    model = model_of([("Tanh", ["x"], Y, {})], {"unused": W}, inputs=(("x", [None, width]),))
    wide = cr.Network(10**11, [cr.Activate("tanh")], "huber")
    helper.set_model_props(model, {SPECIFICATION: specification(wide)})
    with pytest.raises(ValueError, match=r"net\.onnx: .*has no layer with parameters"):
        cr.from_onnx(saved(model, tmp_path))


def test_a_loop_in_a_file_of_ours_is_not_run(tmp_path):
    cr.to_onnx(*made_of([cr.Dense(2)]), path := tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(helper.make_node("Loop", ["", "yes"], ["z"], body=ENDLESS))
    with pytest.raises(ValueError, match=r"net\.onnx: .*Loop is nothing .*, and it is not run"):
        cr.from_onnx(saved(model, tmp_path))


def test_a_loss_in_the_file_that_is_none_is_told_with_its_name(tmp_path):
    model = model_of([("Gemm", ["x", "W", "b"], Y, {"transB": 1})], NUMBERS)
    helper.set_model_props(model, {"chainrule.loss": "odd"})
    with pytest.raises(ValueError, match=r"^from_onnx: .*net\.onnx: its chainrule\.loss: .*'odd'"):
        cr.from_onnx(saved(model, tmp_path))


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
