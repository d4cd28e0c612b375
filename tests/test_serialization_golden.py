"""Model files that lie beside the tests are read for as long as there is a library."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.serialization import read_file
from chainrule.trees import leaves, named_leaves
from model_files import parsed
from runs import bits

GOLDEN = Path(__file__).with_name("golden")


# The files of the first format: they are read for as long as there is a library


def test_the_golden_network():
    net, params, history = cr.load(GOLDEN / "network-format-1.model")
    layers = [cr.Dense(2, "leaky_relu(0.2)"), cr.Dropout(0.25), cr.Dense(1)]
    assert net == cr.Network(2, layers, loss="huber(0.5)", l1=0.0, l2=0.125)
    assert bits(params) == [
        ("0.W", np.float32, np.array([[0.15, 0.2], [0.25, -0.3]], "f4").tobytes()),
        ("0.b", np.float32, np.array([0.35, 0.0], "f4").tobytes()),
        ("2.W", np.float32, np.array([[0.4, -1e-30]], "f4").tobytes()),
        ("2.b", np.float32, np.array([0.1], "f4").tobytes()),
    ]
    assert history is None


def test_the_golden_run():
    net, params, history = cr.load(GOLDEN / "run-format-1.model")
    layers = [cr.Dense(1, initialiser="he_normal")]
    assert net == cr.Network(1, layers, loss="half_squared_error", l1=0.5, l2=0.0)
    assert [leaf.tolist() for leaf in leaves(params)] == [[[0.1]], [1 / 3]]
    assert (history.loss, history.validation_loss) == ([0.5, 0.25, 0.125], [0.75, 0.5, 1.0])
    assert (history.best_epoch, history.stopped, history.restored) == (2, "early stopping", True)
    assert history.best is params
    assert [leaf.tolist() for leaf in leaves(history.last.params)] == [[[0.3]], [-2.5]]
    states = [[kept.tolist() for kept in state] for state in history.last.states]
    assert states == [[[[0.01]], [[0.02]]], [[0.03], [0.04]]]
    assert history.last[2:] == (6, 3, "Adam")
    _, longer = cr.fit(
        net,
        params,
        [[1.0]],
        [2.0],
        cr.Adam(),
        epochs=1,
        history=history,
        validation=([[1.0]], [2.0]),
    )
    assert (longer.epochs, longer.last.step) == (4, 7)


def test_the_golden_layers():
    """One of each kind; the parameters are 1/8, 2/8, …, in their order."""
    net, params, history = cr.load(GOLDEN / "layers-format-1.model")
    layers = [
        cr.PiecewiseLinear([[0, 1, 2], [], [-1, 0.5]], 2),
        cr.Periodic(1, 2, 0.5, [0]),
        cr.Scale(),
        cr.LayerNorm(1e-3),
        cr.Dense(4),
        cr.BatchNorm(0.25, 1e-4),
        cr.Activate("elu(0.5)"),
        cr.Dropout(0.25),
        cr.Residual(cr.Dense(3, "tanh"), cr.Dense(4)),
        cr.Members(2, cr.Dense(2, "relu"), cr.Dense(1)),
    ]
    assert net == cr.Network(3, layers, loss="huber(0.5)")
    assert [name for name, _ in named_leaves(params)] == [
        *("0.w", "0.b", "0.W", "1.frequency", "1.phase", "1.W", "1.b", "2.scale"),
        *("3.gamma", "3.beta", "4.W", "4.b", "5.gamma", "5.beta", "5.running_mean"),
        *("5.running_variance", "8.0.W", "8.0.b", "8.1.W", "8.1.b", "9.scales", "9.shared.0.W"),
        *("9.shared.0.b", "9.own.0.W", "9.own.0.b", "9.own.1.W", "9.own.1.b"),
    ]
    flat = np.concatenate([leaf.ravel() for leaf in leaves(params)])
    assert flat.tolist() == (np.arange(1, net.size + 1) / 8).tolist()
    assert history is None


@pytest.mark.parametrize("name", ["network", "run", "layers"])
def test_the_golden_files_are_read_by_hand_too(name):
    arrays, about = parsed((GOLDEN / f"{name}-format-1.model").read_bytes())
    assert (about["format"], about["kind"], about["library"]) == (1, "network", "0.1.0")
    own, _ = read_file(GOLDEN / f"{name}-format-1.model")
    assert {n: array.tobytes() for n, array in own.items()} == {
        n: array.tobytes() for n, array in arrays.items()
    }
