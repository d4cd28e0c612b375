"""What layers become in the engine: operations over values, and the seam of a step of training."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.batches import check_examples
from chainrule.engine import program
from chainrule.engine.program import MadeOnce, Program, Value, for_predictions, for_training
from chainrule.engine.session import Session, contiguous, why_not
from chainrule.optimizers import init_states
from chainrule.record import Plan
from chainrule.streams import of_layer
from chainrule.trees import leaves, tree_map
from runs import bits
from strategies import Problem, problem

built = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")


def network(*layers: cr.Layer, **penalties: Any) -> cr.Network:
    return cr.Network(5, layers, "squared_error", **penalties)


def test_a_dense_layer_is_an_affine_and_an_activation() -> None:
    net = network(cr.Dense(4, "leaky_relu(0.2)"), cr.Dropout(0.25), cr.Dense(3))
    made = Program(net, trains=True)
    assert made.values == [Value(5), Value(4), Value(4), Value(4), Value(3)]
    affine, activate, dropout, last = made.operations
    assert (affine.inputs, affine.output, affine.tensors) == ((0,), 1, (0, 1))
    assert (activate.activation, activate.parameter) == ("leaky_relu", 0.2)
    assert [(mask.rate, mask.stream) for mask in dropout.dropouts] == [(0.25, of_layer(1))]
    assert (last.inputs, last.output, last.tensors) == ((3,), made.output, (2, 3))
    assert [(t.rows, t.columns) for t in made.tensors] == [(4, 5), (1, 4), (3, 4), (1, 3)]
    assert [t.weight for t in made.tensors] == [True, False, True, False]
    assert made.numbers == {"0.W": 0, "0.b": 1, "2.W": 2, "2.b": 3}
    assert made.work == 6 * (5 * 4 + 4 * 3)


def test_predictions_have_no_dropout() -> None:
    net = network(cr.Dropout(0.5), cr.Dense(4), cr.Dropout(0.25))
    assert [op.kind for op in for_predictions(net).operations] == ["affine"]
    assert [op.kind for op in for_training(net).operations] == ["dropout", "affine", "dropout"]


@pytest.mark.parametrize("lowered", [for_predictions, for_training])
def test_a_program_is_made_once_also_for_networks_that_are_equal(lowered: Any) -> None:
    net, equal, other = (network(cr.Dense(4), cr.Dropout(rate)) for rate in (0.25, 0.25, 0.5))
    assert lowered(net) is lowered(net) is lowered(equal)
    assert lowered(other) is not lowered(net)


def test_what_is_made_of_a_network_lives_no_longer() -> None:
    made_of, net = MadeOnce(lambda net: {net.inputs}), network(cr.Dense(4))
    made = weakref.ref(made_of(net))
    assert made_of(net) is made()
    assert made_of(network(cr.Dense(4))) is not made()
    del net
    assert made() is None


def test_a_network_that_outlives_the_module_goes_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    equal, net = (network(cr.Dense(6), cr.Dropout(0.25)) for _ in range(2))
    for_training(equal), for_training(net)
    with monkeypatch.context() as ending:
        for name in vars(program):  # as where the interpreter ends
            ending.setitem(vars(program), name, None)
        del net  # an error in a callback would be a warning here


@dataclass(frozen=True, repr=False)
class Doubled(cr.Dense):
    """A kind of the user's own that inherits how another lowers itself."""

    def forward(self, params: Any, x: Any, draw: Any, xp: Any) -> Any:
        a, record = super().forward(params, 2 * x, draw, xp)
        return a, record


@built
def test_a_kind_that_passes_forward_in_its_own_way_is_not_taken_for_another() -> None:
    net = network(cr.Dense(3), Doubled(2))
    expected = "layer 1, Dense(2, 'identity') is of a kind that the engine does not have"
    assert why_not(net, net.init()) == expected
    X = np.ones((3, 5), np.float32)
    params = net.init()
    expected = cr.predict(net, params, X, engine="reference")
    np.testing.assert_array_equal(cr.predict(net, params, X), expected)


# The seam between gradient and update


def session(p: Problem, rule: cr.Optimizer, threads: int, keeps: bool, **bounds: Any) -> Session:
    bounds = {"clip_value": None, "clip_norm": None, **bounds}
    plan = Plan(p.net, rule, 3, frozenset(), **bounds)
    states = init_states(rule, p.params)
    return Session(plan, p.params, states, batch=4, threads=threads, keeps_gradient=keeps)


def trained(made: Session, p: Problem) -> Any:
    data = contiguous(check_examples(p.net, p.params, p.X, p.y, None))
    epochs = {"shuffles": True, "epochs": 3, "first_epoch": 0, "first_step": 0}
    made.run(data, **epochs, seconds=60.0)
    return made.read()[0]


LAYERS = [cr.Dropout(0.1), cr.Dense(9, "tanh"), cr.Dropout(0.2), cr.Dense(3)]


@built
@pytest.mark.parametrize("bounds", [{}, {"clip_norm": 0.05}, {"clip_value": 0.02}], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_seam_that_changes_nothing_changes_nothing(threads: int, bounds: dict[str, Any]) -> None:
    p = problem(network(*LAYERS, l2=0.01), n=23)
    made = session(p, cr.Adam(0.01), threads, keeps=True, **bounds)
    made.between(lambda arena: None)
    expected = trained(session(p, cr.Adam(0.01), 1, keeps=False, **bounds), p)
    for a, b in zip(leaves(trained(made, p)), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@built
def test_a_seam_gets_the_gradient_of_each_step_whole_and_may_change_it() -> None:
    p = problem(network(*LAYERS), n=23)
    steps = []

    def double(arena: Any) -> None:
        steps.append(float(np.sum(arena * arena)))
        arena *= 2

    made = session(p, cr.SGD(0.01), 2, keeps=True)
    made.between(double)
    expected = trained(session(p, cr.SGD(0.02), 1, keeps=False), p)
    for a, b in zip(leaves(trained(made, p)), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert len(steps) == 3 * 6
    data = check_examples(p.net, p.params, p.X[:4], p.y[:4], None)
    again = session(p, cr.SGD(0.01), 1, keeps=True)
    seen: list[Any] = []
    again.between(lambda arena: seen.append(np.sum(arena * arena)))
    again.run(data, shuffles=False, epochs=1, first_epoch=0, first_step=0, seconds=60.0)
    _, grads = cr.cost_and_gradient(p.net, p.params, p.X[:4], p.y[:4], draw=cr.Draw(3, 1))
    np.testing.assert_allclose(seen, sum(np.sum(g * g) for g in leaves(grads)), rtol=1e-12)


@built
def test_an_error_at_the_seam_comes_through() -> None:
    p = problem(network(*LAYERS), n=23)
    made = session(p, cr.SGD(0.01), 2, keeps=True)
    made.between(lambda arena: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trained(made, p)


@built
def test_a_seam_needs_a_session_that_keeps_the_gradient() -> None:
    p = problem(network(*LAYERS), n=5)
    with pytest.raises(ValueError, match="keeps_gradient"):
        session(p, cr.SGD(0.01), 1, keeps=False).between(lambda arena: None)


@built
@pytest.mark.parametrize("order", [np.asfortranarray, np.ascontiguousarray])
def test_parameters_are_read_and_written_leaf_by_leaf(order: Any) -> None:
    p = problem(network(*LAYERS), n=5)
    params = tree_map(order, p.params)
    assert bits(session(p._replace(params=params), cr.Adam(), 1, keeps=False).read()[0]) == bits(
        p.params
    )


@built
@pytest.mark.parametrize("layers", [(), (cr.Scale(),), (cr.LayerNorm(), cr.Dense(3))], ids=str)
def test_a_rate_that_becomes_infinite_is_gone_back_from(layers: tuple[cr.Layer, ...]) -> None:
    """At the last step no gradient is left, and 0 times infinity is NaN in the padding, too."""
    p = problem(network(*layers, cr.Dense(2, "tanh")), n=23)
    rising = cr.SGD(cr.StepDecay(1e-3, every=5, factor=1e80))
    errors = []
    for name in ("native", "reference"):
        with pytest.raises(cr.DivergenceError) as caught:
            cr.fit(p.net, p.params, p.X, p.y, rising, epochs=40, batch_size=5, engine=name)
        errors.append(caught.value)
    ours, reference = errors
    assert str(ours) == str(reference)
    assert ours.history.at.step == reference.history.at.step == 20
    for a, b in zip(leaves(ours.params), leaves(reference.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
