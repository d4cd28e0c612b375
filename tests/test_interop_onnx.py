"""Networks as files of ONNX and back: onnx's evaluator and onnxruntime predict the same."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.interop.onnx_run import not_run
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.trees import leaves, named_leaves, tree_map
from onnx_files import X, in_evaluator, in_runtime, made_of, numpy_helper, onnx
from strategies import HEADS, problem, problems_of_any_kind

NEAR = {"float32": {"rtol": 1e-6, "atol": 1e-6}, "float64": {"rtol": 1e-7, "atol": 1e-7}}


def check_written(net, params, path, rows=X, dtype="float32", *, run=True):
    """What is written predicts what is predicted here, of several rows and of one."""
    cr.to_onnx(net, params, path)
    assert not not_run(onnx, onnx.load(path))
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
NO_OPERATOR = {"bipolar_sigmoid", "sigmoid(3)", "bipolar_sigmoid(2)"}
"""Activations that ONNX has no operator for: they are written as what they compute."""


def rewritten(path):
    """The same graph in a file that has its loss alone left beside it."""
    model = onnx.load(path)
    kept = [each for each in model.metadata_props if each.key != "chainrule.network"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, path)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", FULL_NAMES)
def test_activations(name, dtype, tmp_path):
    net, params = made_of([cr.Dense(4, name), cr.Dense(2)], dtype=dtype)
    path = tmp_path / "net.onnx"
    check_written(net, params, path, dtype=dtype, run=dtype == "float32")
    assert check_back(net, params, path) == net
    rewritten(path)
    if name in NO_OPERATOR:
        with pytest.raises(
            ValueError, match=r"from_onnx: .*is nothing that Chainrule has|no MatMul"
        ):
            cr.from_onnx(path)
        return
    again = check_back(net, params, path)
    assert cr.activations.activation(again.layers[0].activation) is cr.activations.activation(name)


OPERATORS = set(LAYERS) - {"periodic", "piecewise_linear", "embedding", "members"}
"""The kinds that are told from their operators alone."""


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("kind", LAYERS)
def test_kinds_of_layer(kind, dtype, tmp_path):
    end = [] if kind == "members" else [cr.Dense(2)]
    net, params = made_of([cr.Scale(), LAYERS[kind].example(3), *end], dtype=dtype)
    path = tmp_path / "net.onnx"
    check_written(net, params, path, dtype=dtype)
    assert check_back(net, params, path) == net
    rewritten(path)
    if kind in OPERATORS:
        assert check_back(net, params, path).layers[1:] == net.layers[1:]
        return
    with pytest.raises(ValueError, match=r"^from_onnx: .* that makes '.*': "):
        cr.from_onnx(path)


DEEP = [
    cr.Embedding([3, 0, 5], 2),
    cr.Residual(cr.Dense(5, "tanh"), cr.RMSNorm(), cr.Dense(5)),
    cr.Members(3, cr.Dense(4, "relu"), cr.BatchNorm(), cr.Dense(4), cr.Dense(2), full=True),
]


def test_all_of_a_network_comes_back(tmp_path):
    net = cr.Network(3, DEEP, "cross_entropy(0.1)", 0.01, 0.1, "sum")
    params, path = net.init(3), tmp_path / "net.onnx"
    cr.to_onnx(net, params, path)
    again, same = cr.from_onnx(path)
    assert again == net
    for (name, one), (_, other) in zip(named_leaves(params), named_leaves(same), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert cr.from_onnx(path, loss="cross_entropy")[0].loss == "cross_entropy"
    with pytest.raises(ValueError, match="that makes"):  # its softmax would be a layer
        cr.from_onnx(path, loss="huber")


def test_numbers_that_were_changed_in_the_file_are_read(tmp_path):
    net, params = made_of([cr.Dense(4, "relu"), cr.Periodic(), cr.Dense(1)])
    cr.to_onnx(net, params, path := tmp_path / "net.onnx")
    model = onnx.load(path)
    (bias,) = (each for each in model.graph.initializer if each.name == "0.b")
    bias.CopyFrom(numpy_helper.from_array(np.arange(4, dtype=np.float32), "0.b"))
    onnx.save(model, path)
    again, read = cr.from_onnx(path)
    assert again == net
    np.testing.assert_array_equal(read[0].b, np.arange(4))


@pytest.mark.parametrize(
    "left", ["", "{", "[" * 100_000, "3", '{"inputs": 3}', '{"inputs":1e999,"layers":[]}']
)
def test_a_graph_is_read_where_what_was_left_beside_it_is_damaged(left, tmp_path):
    net, params = made_of([cr.Dense(4, "relu"), cr.Dense(2)])
    cr.to_onnx(net, params, path := tmp_path / "net.onnx")
    model = onnx.load(path)
    for each in model.metadata_props:
        each.value = left if each.key == "chainrule.network" else each.value
    onnx.save(model, path)
    assert check_back(net, params, path).layers == net.layers


def test_a_graph_that_was_changed_is_what_counts(tmp_path):
    net, params = made_of([cr.Dense(4), cr.Dense(2)])
    cr.to_onnx(net, params, path := tmp_path / "net.onnx")
    model = onnx.load(path)
    last = model.graph.node[-1]
    last.output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Tanh", ["before"], ["prediction"]))
    onnx.save(model, path)
    assert cr.from_onnx(path)[0].layers == (cr.Dense(4), cr.Dense(2, "tanh"))


@pytest.mark.parametrize("name", [*LOSSES, *HEADS])
def test_losses(name, tmp_path):
    net, params = made_of([cr.Dense(3)], name)
    path = tmp_path / "net.onnx"
    check_written(net, params, path)
    assert check_back(net, params, path) == net
    rewritten(path)
    if name in LOSSES:
        assert check_back(net, params, path).loss == name


@settings(max_examples=15)
@given(problems_of_any_kind())
def test_any_network(tmp_path_factory, p):
    path = tmp_path_factory.mktemp("any") / "net.onnx"
    params = tree_map(lambda leaf: leaf.astype(np.float32), p.params)
    cr.to_onnx(p.net, params, path)
    assert not not_run(onnx, onnx.load(path))
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
