"""Networks as files of Python, which predict with NumPy alone what `predict` does."""

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.trees import tree_map
from strategies import HEADS, problem, problems_of_any_kind

NEAR = {"float32": {"rtol": 1e-6, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-12}}
X = np.random.default_rng(0).normal(size=(6, 3))


def predicting(net, params, path):
    """The function of the file that is written."""
    cr.to_python(net, params, path)
    made = {}
    exec(path.read_text(encoding="utf-8"), made)
    return made["predict"]


def check(layers, path, loss="huber", dtype="float32"):
    net = cr.Network(3, layers, loss)
    params = tree_map(lambda leaf: leaf.astype(dtype), problem(net).params)
    predict = predicting(net, params, path)
    for rows in (X, X[:1], X[:0]):
        made = predict(rows)
        assert made.dtype == dtype
        ours = (
            cr.predict(net, params, rows.astype(dtype)) if len(rows) else np.ones((0, net.outputs))
        )
        np.testing.assert_allclose(made, ours, **NEAR[dtype])


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", [*ACTIVATIONS, "sigmoid(3)", "leaky_relu(0.2)", "elu(0.5)"])
def test_activations(name, dtype, tmp_path):
    check([cr.Dense(4, name), cr.Dense(2)], tmp_path / "net.py", dtype=dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("kind", LAYERS)
def test_kinds_of_layer(kind, dtype, tmp_path):
    end = [] if kind == "members" else [cr.Dense(2)]
    check([cr.Scale(), LAYERS[kind].example(3), *end], tmp_path / "net.py", dtype=dtype)


@pytest.mark.parametrize("name", [*LOSSES, *HEADS])
def test_losses(name, tmp_path):
    check([cr.Dense(3)], tmp_path / "net.py", name)


@settings(max_examples=15)
@given(problems_of_any_kind())
def test_any_network(tmp_path_factory, p):
    predict = predicting(p.net, p.params, tmp_path_factory.mktemp("any") / "net.py")
    ours = cr.predict(p.net, p.params, p.X, engine="reference")
    np.testing.assert_allclose(predict(p.X), ours, rtol=1e-9, atol=1e-9)


SINE = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
ODD = cr.Activation("odd", f=lambda z, xp: xp.asinh(z), df=lambda z, a, xp: (1 + z * z) ** -0.5)


def test_own_activations_are_written_as_what_they_compute(tmp_path):
    check([cr.Dense(4, SINE), cr.Dense(2)], tmp_path / "net.py")


def test_what_cannot_be_written_is_refused_and_nothing_is_written(tmp_path):
    net = cr.Network(3, [cr.Dense(4, ODD)], "huber")
    with pytest.raises(
        ValueError, match=r"^to_python: layer 0, .*: xp\.asinh is nothing that is wr"
    ):
        cr.to_python(net, net.init(), tmp_path / "net.py")
    assert not list(tmp_path.iterdir())


def test_rows_of_another_width_are_refused(tmp_path):
    net = cr.Network(3, [cr.Dense(1)], "huber")
    predict = predicting(net, net.init(), tmp_path / "net.py")
    with pytest.raises(ValueError, match=r"X must have shape \(n, 3\), got \(1, 2\)"):
        predict([[1, 2]])


def test_many_numbers_come_over_to_the_bit(tmp_path):
    net = cr.Network(3, [cr.Dense(40, "tanh"), cr.Dense(2)], "huber")
    params = net.init(0, dtype="float64")
    path = tmp_path / "net.py"
    cr.to_python(net, params, path)
    made = {}
    exec(path.read_text(encoding="utf-8"), made)
    arrays = [v for v in made.values() if isinstance(v, np.ndarray)]
    for leaf in (params[0].W, params[1].W):
        assert any(np.array_equal(leaf.T, array) for array in arrays)
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 110


@pytest.mark.parametrize("ending", ["py", "onnx"])
def test_a_file_of_others_stays_unless_it_is_forced(ending, tmp_path):
    if ending == "onnx":
        pytest.importorskip("onnx", reason="onnx is not installed")
    write = cr.to_python if ending == "py" else cr.to_onnx
    net, path = cr.Network(3, [cr.Dense(1)], "huber"), tmp_path / f"net.{ending}"
    path.write_text("size,price\n100,3\n")
    with pytest.raises(FileExistsError, match=rf"is not a file of `{write.__name__}`; .*net\."):
        write(net, net.init(), path)
    assert path.read_text() == "size,price\n100,3\n"
    write(net, net.init(), path, force=True)
    written = path.read_bytes()
    write(net, net.init(1), path)  # one of ours is replaced
    assert path.read_bytes() != written
    path.write_bytes(b"")
    write(net, net.init(), path)
    assert path.read_bytes() == written
