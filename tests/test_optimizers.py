"""The table of optimizers, against plain loops, one weight at a time."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.trees import leaves, tree_map
from chainrule.update import apply
from optimizer_tables import OPTIMIZER_ORACLES, fields_of, true_rate
from tables import DTYPES, mp

EXAMPLES: dict[str, list[cr.Optimizer]] = {
    "sgd": [
        cr.SGD(0.1),
        cr.SGD(0.1, momentum=0.9),
        cr.SGD(0.1, momentum=0.8, nesterov=True),
        cr.SGD(0.1, nesterov=True),
        cr.SGD(0.1, momentum=0.9, dampening=0.9),
        cr.SGD(0.1, momentum=0.5, dampening=0.25),
    ],
    "adagrad": [cr.Adagrad(0.1), cr.Adagrad(0.1, epsilon=0.5)],
    "rmsprop": [cr.RMSprop(0.1), cr.RMSprop(0.1, rho=0.5, epsilon=0.5), cr.RMSprop(0.1, rho=0)],
    "adam": [cr.Adam(0.1), cr.Adam(0.1, beta1=0.5, beta2=0.8, epsilon=0.5), cr.Adam(0.1, 0, 0)],
    "adamw": [cr.AdamW(0.1), cr.AdamW(0.1, 0.5, 0.8, 0.5, weight_decay=0.3)],
    "nadam": [cr.NAdam(0.1), cr.NAdam(0.1, beta1=0.5, beta2=0.8, epsilon=0.5), cr.NAdam(0.1, 0)],
    "lion": [cr.Lion(0.1), cr.Lion(0.1, beta1=0.5, beta2=0.8, weight_decay=0.3)],
    "rprop": [cr.Rprop(0.1), cr.Rprop(0.1, 0.3, 1.5, step_min=0.05, step_max=0.15)],
}
CASES = [optimizer for optimizers in EXAMPLES.values() for optimizer in optimizers]
SCHEDULE = cr.WarmUp(5, cr.Cosine(0.2, steps=20, final=0.01))
NAMES = {kind: name for name, kind in OPTIMIZERS.items()}
each_case = pytest.mark.parametrize("optimizer", CASES, ids=repr)
each_kind = pytest.mark.parametrize("kind", OPTIMIZERS.values(), ids=lambda kind: kind.__name__)
each_rate = pytest.mark.parametrize("rate", [0.1, SCHEDULE], ids=["constant", "schedule"])

STEPS = 30


def slope(w: Any, t: int) -> Any:
    """A gradient that changes its sign; of NumPy's numbers as of mpmath's."""
    return w**3 - w + (t * t % 7) - 3.2


def oracle_path(optimizer: cr.Optimizer, w: float, decays: bool = True) -> Any:
    """The weight after each step, by the plain loop, as floats."""
    fields = fields_of(optimizer)
    rate = fields.pop("learning_rate")
    if "weight_decay" in fields and not decays:
        fields["weight_decay"] = 0
    loop = OPTIMIZER_ORACLES[NAMES[type(optimizer)]]
    path = loop(slope, mp.mpf(w), lambda t: true_rate(rate, t), STEPS, **fields)
    return np.array([float(w) for w in path])


def path(optimizer: cr.Optimizer, w: Any, steps: int = STEPS, gradient: Any = slope) -> list[Any]:
    """The array of weights after each step, by `init` and `step`."""
    state, found = optimizer.init(w), []
    for t in range(1, steps + 1):
        dw, state = optimizer.step(gradient(w, t), state, t)
        w = w - dw
        found.append(w)
    return found


# ---- steps ---------------------------------------------------------------------------------------


def test_every_row_has_an_oracle_and_examples() -> None:
    assert OPTIMIZER_ORACLES.keys() == EXAMPLES.keys() == OPTIMIZERS.keys()
    for name, optimizers in EXAMPLES.items():
        assert {type(optimizer) for optimizer in optimizers} == {OPTIMIZERS[name]}


@each_rate
@each_case
def test_steps_on_a_number_are_right(optimizer: cr.Optimizer, rate: Any) -> None:
    """Weight decay is the business of `apply`."""
    optimizer = dataclasses.replace(optimizer, learning_rate=rate)
    got = np.array(path(optimizer, np.asarray(0.7)))
    assert_allclose(got, oracle_path(optimizer, 0.7, decays=False), rtol=1e-12)


@each_rate
@each_case
def test_each_entry_of_an_array_goes_its_own_way(optimizer: cr.Optimizer, rate: Any) -> None:
    optimizer = dataclasses.replace(optimizer, learning_rate=rate)
    w = np.array([[-1.3, 0.2, 1.1], [0.4, -0.6, 2.0]])
    got = np.array(path(optimizer, w)).reshape(STEPS, -1)
    for k, start in enumerate(w.ravel()):
        expected = oracle_path(optimizer, start, decays=False)
        # A weight that crosses 0 has the rounding of the larger ones before it.
        assert_allclose(got[:, k], expected, rtol=1e-12, atol=1e-13)


def network() -> tuple[Any, Any]:
    net = cr.Network(2, [cr.Dense(1), cr.Dropout(), cr.Dense(2)], loss="half_squared_error")
    return net, net.parameters(
        [([[0.7, -1.3]], [0.2]), (np.array([[1.1], [-0.4]]), np.array([0.3, -0.5]))]
    )


@each_rate
@each_case
def test_apply_steps_on_all_parameters_and_decays_weights(
    optimizer: cr.Optimizer, rate: Any
) -> None:
    optimizer = dataclasses.replace(optimizer, learning_rate=rate)
    net, start = network()
    params, states = start, init_states(optimizer, start)
    for t in range(1, STEPS + 1):
        grads = tree_map(lambda w, t=t: slope(w, t), params)
        params, states = apply(optimizer, params, grads, states, t, net.roles)
    for before, after in zip(start, params, strict=True):
        if not before:
            assert after == ()
            continue
        for field in ("W", "b"):
            expected = [
                oracle_path(optimizer, w, decays=field == "W")[-1]
                for w in getattr(before, field).ravel()
            ]
            assert_allclose(getattr(after, field).ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.1, 0.5])
@pytest.mark.parametrize("kind", [cr.AdamW, cr.Lion])
def test_without_a_gradient_weights_decay_and_biases_stay(kind: Any, decay: float) -> None:
    net, start = network()
    optimizer = kind(0.1, weight_decay=decay)
    grads = tree_map(np.zeros_like, start)
    params, _ = apply(optimizer, start, grads, init_states(optimizer, start), 1, net.roles)
    for k in (0, 2):
        assert_allclose(params[k].W, (1 - 0.1 * decay) * start[k].W, rtol=1e-15)
        assert_array_equal(params[k].b, start[k].b)


@each_case
def test_frozen_parameters_stay_with_their_state(optimizer: cr.Optimizer) -> None:
    net, start = network()
    grads, states = tree_map(np.ones_like, start), init_states(optimizer, start)
    params, new_states = apply(optimizer, start, grads, states, 1, net.roles, frozen={"0.W", "2.b"})
    for frozen, before, after, state, new_state in zip(
        [True, False, False, True], leaves(start), leaves(params), states, new_states, strict=True
    ):
        assert (after is before) == frozen
        assert frozen == np.array_equal(after, before)
        assert not frozen or new_state is state


class Norm(NamedTuple):
    """Parameters of a layer that keeps a running statistic."""

    gamma: Any
    running_mean: Any


@each_case
def test_running_statistics_and_other_parameters_without_decay(optimizer: cr.Optimizer) -> None:
    """No gradient moves a statistic; what is no `W` goes as a bias does."""
    start = (Norm(np.array([0.7]), np.array([0.4])),)
    roles = {"0.gamma": cr.Role.BIAS, "0.running_mean": cr.Role.STATISTIC}
    params, states = start, init_states(optimizer, start)
    for t in range(1, STEPS + 1):
        params, states = apply(
            optimizer, params, (Norm(slope(params[0].gamma, t), np.array([9.0])),), states, t, roles
        )
    assert params[0].running_mean is start[0].running_mean
    assert_allclose(params[0].gamma[0], oracle_path(optimizer, 0.7, decays=False)[-1], rtol=1e-12)


@each_case
def test_a_step_changes_nothing_in_place(optimizer: cr.Optimizer) -> None:
    w, g = np.array([0.5, -0.5]), np.array([0.1, 0.2])
    state = optimizer.init(w)
    first, _ = optimizer.step(g, state, 1)
    for t in (1, 2):
        given = (w, g, *state)
        before = [array.copy() for array in given]
        for array in given:
            array.flags.writeable = False
        _, new = optimizer.step(g, state, t)
        for array, copy in zip(given, before, strict=True):
            assert_array_equal(array, copy)
        for one, other in itertools.combinations((*given, *new), 2):
            assert not np.shares_memory(one, other)
        state = new
    assert_array_equal(optimizer.step(g, optimizer.init(w), 1)[0], first)


@each_case
def test_apply_changes_nothing_in_place(optimizer: cr.Optimizer) -> None:
    net, params = network()
    grads, states = tree_map(np.ones_like, params), init_states(optimizer, params)
    arrays = [*leaves(params), *leaves(grads), *leaves(tuple(states))]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    apply(optimizer, params, grads, states, 1, net.roles)
    for array, copy in zip(arrays, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@each_case
def test_strict_arrays_and_the_dtype_are_kept(optimizer: cr.Optimizer, dtype: Any) -> None:
    w = np.array([0.7, -1.3]).astype(dtype)
    got = path(optimizer, array_api_strict.asarray(w))
    expected = path(optimizer, w)
    assert {array.dtype for array in got} == {array_api_strict.asarray(w).dtype}
    assert {array.dtype for array in expected} == {w.dtype}
    tolerance = 1e-12 if dtype is np.float64 else 1e-4
    assert_allclose(np.array([np.asarray(array) for array in got]), expected, rtol=tolerance)


@each_case
def test_apply_keeps_strict_arrays(optimizer: cr.Optimizer) -> None:
    net, params = network()
    params = tree_map(array_api_strict.asarray, params)
    after, states = apply(optimizer, params, params, init_states(optimizer, params), 1, net.roles)
    kind = type(params[0].W)
    assert {type(array) for array in [*leaves(after), *leaves(tuple(states))]} == {kind}


@each_case
def test_numbers_of_numpy_do_not_change_the_dtype(optimizer: cr.Optimizer) -> None:
    """A grid of hyper-parameters, np.linspace(…), holds float64 numbers of NumPy."""
    numbers = {
        field.name: np.float64(getattr(optimizer, field.name))
        for field in dataclasses.fields(optimizer)
        if field.name not in ("nesterov", "dampening")  # of which one excludes the other
    }
    assert path(type(optimizer)(**numbers), np.ones(2, np.float32), 1)[0].dtype == np.float32


@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.9, "nesterov": True}, {"nesterov": True}], ids=str
)
def test_dampening_is_of_a_plain_momentum(options: Any) -> None:
    with pytest.raises(ValueError, match=r"SGD: dampening=0\.9 is of a momentum without nesterov"):
        cr.SGD(0.1, dampening=0.9, **options)


def test_momentum_in_the_form_of_a_running_mean() -> None:
    """β = .9, g = 2 and then 1, η = .5: v = .2, then .9 · .2 + .1 · 1 = .28; dw = η v."""
    optimizer = cr.SGD(0.5, momentum=0.9, dampening=0.9)
    dw, state = optimizer.step(np.array([2.0]), optimizer.init(np.array([0.0])), 1)
    assert_allclose((dw, *state), [[0.1], [0.2]], rtol=1e-15)
    dw, state = optimizer.step(np.array([1.0]), state, 2)
    assert_allclose((dw, *state), [[0.14], [0.28]], rtol=1e-15)
    assert repr(cr.SGD(0.5)) == "SGD(learning_rate=0.5, momentum=0.0, nesterov=False)"
    assert repr(optimizer).endswith("nesterov=False, dampening=0.9)")


# ---- what the sources promise --------------------------------------------------------------------


@pytest.mark.parametrize("g", [3.0, -0.02, 1e-3, -1e6])
@pytest.mark.parametrize("kind", [cr.Adam, cr.AdamW])
def test_the_first_step_of_adam_has_the_size_of_the_rate(kind: Any, g: float) -> None:
    epsilon = 1e-8
    optimizer = kind(0.05, epsilon=epsilon)
    dw, _ = optimizer.step(np.array([g]), optimizer.init(np.array([1.0])), 1)
    assert_allclose(dw, 0.05 * np.sign(g) * abs(g) / (abs(g) + epsilon), rtol=1e-12)
    assert_allclose(dw, 0.05 * np.sign(g), rtol=2 * epsilon / abs(g) + 1e-12)


def test_every_step_of_lion_has_the_size_of_the_rate() -> None:
    ways = np.diff([[0.7, 0.2], *path(cr.Lion(0.05), np.array([0.7, 0.2]))], axis=0)
    assert_allclose(np.abs(ways), 0.05, rtol=1e-12)


def test_rprop_waits_a_step_where_the_gradient_turns() -> None:
    optimizer = cr.Rprop(0.1)
    w = path(optimizer, np.array([0.0]), 4, lambda w, t: np.array([[1.0, 1.0, -1.0, -1.0][t - 1]]))
    assert_allclose(np.ravel(w), [-0.1, -0.22, -0.22, -0.16], rtol=1e-12)


def bowl(w: Any) -> Any:
    """A convex quadratic, ten times as steep in one direction as in the other."""
    return 0.5 * w[0] ** 2 + 5 * w[1] ** 2


def valley(w: Any) -> Any:
    """Rosenbrock's function, with sides that a rate of 0.001 and momentum do not leap over."""
    return (1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2


def bowl_slope(w: Any, t: int) -> Any:
    return np.array([w[0], 10 * w[1]])


def valley_slope(w: Any, t: int) -> Any:
    bend = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 40 * w[0] * bend, 20 * bend])


@pytest.mark.parametrize(
    ("cost", "gradient", "rate"), [(bowl, bowl_slope, 1e-2), (valley, valley_slope, 1e-3)]
)
@each_case
def test_costs_fall(optimizer: cr.Optimizer, cost: Any, gradient: Any, rate: float) -> None:
    optimizer = dataclasses.replace(optimizer, learning_rate=rate)
    for start in np.random.default_rng(0).uniform(-1, 1, size=(5, 2)):
        end = path(optimizer, start, 500, gradient)[-1]
        assert cost(end) < 0.9 * cost(start)
