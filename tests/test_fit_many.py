"""Many networks in one call: each has the bits of one by one, whichever of them go side by side."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import engine
from chainrule.activations import ACTIVATIONS
from chainrule.engine import lane_run
from chainrule.fitting import many_runs
from chainrule.losses import LOSSES, loss
from chainrule.optimizers import OPTIMIZERS
from chainrule.targets import sample
from chainrule.trees import tree_map
from kinds import ALL
from runs import bits
from strategies import HEADS, last, problems

needs_engine = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")
COUNT = 5
N = 23


@pytest.fixture
def lanes(monkeypatch):
    """How many networks have gone side by side."""
    taken: list[int] = []

    class Counted(lane_run.LaneRun):
        def __init__(self, lanes: Any, *given: Any) -> None:
            taken.append(len(lanes))
            super().__init__(lanes, *given)

    monkeypatch.setattr(many_runs, "LaneRun", Counted)
    return taken


def in_lanes(dtype: str = "float32") -> list[int]:
    """How many of them go side by side each time, by the instruction set."""
    most = lane_run.lanes_at_most(np.dtype(dtype))
    parts = [min(most, COUNT - k) for k in range(0, COUNT, most)]
    return [part for part in parts if part > 1]


def tiny(activation: str = "tanh", of: str = "half_squared_error", outputs: int = 3, **more: Any):
    layers = [cr.Dense(5, activation), cr.Dense(outputs, last(activation, of))]
    return cr.Network(4, layers, of, **more)


def examples(net: cr.Network, n: int = N, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, net.inputs)), sample(loss(net.loss).target, rng, n, net.outputs)


def one_by_one(nets: Any, params: Any, X: Any, y: Any, optimizer: Any, **options: Any) -> list[Any]:
    """What `cr.fit` returns of each network, or raises; arguments are lists with one for each."""
    found = []
    for k, net in enumerate(nets):
        own = {name: value[k] for name, value in options.items()}
        try:
            found.append(cr.fit(net, params[k], X[k], y[k], optimizer[k], **own))
        except cr.DivergenceError as error:
            found.append(error)
    return found


def course(history: cr.History) -> Any:
    at = history.at
    states = [[array.tobytes() for array in state] for state in at.states]
    best = history.best and bits(history.best)
    numbers = at.step, at.epoch, history.best_epoch, history.stopped, history.restored
    return bits(at.params), states, history.loss, history.validation_loss, best, numbers


def assert_same(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        if isinstance(b, cr.DivergenceError):
            assert (str(a), bits(a.params), course(a.history)) == (
                str(b),
                bits(b.params),
                course(b.history),
            )
        else:
            assert bits(a[0]) == bits(b[0])
            assert course(a[1]) == course(b[1])


def check(net: cr.Network, optimizer: Any, dtype: str = "float32", **options: Any) -> list[Any]:
    """Train networks from seeds of their own in both ways, and return what they came to."""
    given = {"epochs": 3, "batch_size": 6, "seed": list(range(COUNT)), **options}
    each = [net] * COUNT
    params = [tree_map(lambda leaf: leaf.astype(dtype), net.init(k)) for k in range(COUNT)]
    data = [examples(net, seed=k) for k in range(COUNT)]
    X, y = ([part[k] for part in data] for k in (0, 1))
    found = cr.fit_many(each, params, X, y, optimizer, **given)
    lists = {
        name: value if isinstance(value, list) and len(value) == COUNT else [value] * COUNT
        for name, value in given.items()
        if name != "threads"
    }
    optimizers = optimizer if isinstance(optimizer, list) else [optimizer] * COUNT
    assert_same(found, one_by_one(each, params, X, y, optimizers, **lists))
    return found


def at_rates(rule: Any, **more: Any) -> list[Any]:
    return [rule(0.02 / (k + 1), **more) for k in range(COUNT)]


ADAMS = at_rates(cr.Adam)


@needs_engine
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", [a for a in [*ACTIVATIONS, "elu(0.5)"] if a != "softmax"])
def test_each_activation_side_by_side(activation, dtype, lanes):
    check(tiny(activation), ADAMS, dtype)
    assert lanes == in_lanes(dtype)


@needs_engine
@pytest.mark.parametrize("outputs", [1, 2, 3, 5, 17])
@pytest.mark.parametrize("of", [*LOSSES, "huber(0.3)", "cross_entropy(0.1)"])
def test_each_loss_side_by_side(of, outputs, lanes):
    group = loss(of).group
    check(tiny(of=of, outputs=outputs * group), ADAMS)
    assert lanes == in_lanes()


@needs_engine
@pytest.mark.parametrize("of", HEADS)
def test_losses_of_several_heads_side_by_side(of, lanes):
    check(tiny(of=of), ADAMS)
    assert lanes == in_lanes()


@needs_engine
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", [{}, {"l1": 0.001, "l2": 0.01}])
@pytest.mark.parametrize(
    ("rule", "more"),
    [
        *((rule, {}) for rule in OPTIMIZERS.values()),
        (cr.SGD, {"momentum": 0.9}),
        (cr.SGD, {"momentum": 0.9, "nesterov": True}),
        (cr.SGD, {"momentum": 0.9, "dampening": 0.5}),
        (cr.AdamW, {"weight_decay": 0.2}),
    ],
)
def test_each_optimizer_side_by_side(rule, more, penalty, dtype, lanes):
    check(tiny("relu", **penalty), at_rates(rule, **more), dtype)
    assert lanes == in_lanes(dtype)


def test_what_differs_in_each_lane(lanes):
    """Each has moments, penalties and schedules of its own."""
    optimizers = [
        cr.Adam(cr.Exponential(0.01 * (k + 1), 0.9), beta1=0.5 + k / 20, epsilon=10.0**-k)
        for k in range(COUNT)
    ]
    check(tiny(), optimizers)
    assert lanes == (in_lanes() if engine.native else [])


STOP = cr.EarlyStopping(patience=1)


@needs_engine
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 1},
        {"batch_size": None},
        {"batch_size": 100},
        {"batch_size": 10, "epochs": 1},
        {"shuffle": False},
        {"sample_weight": np.arange(N) % 3 + 0.5},
        {"sample_weight": np.arange(N) % 3 + 0.5, "mean_weight": 2.0, "validation": 0.3},
        {"validation": 0.25},
        {"validation": cr.HeldOut(np.array([5, 3, 20]))},
        {"validation": examples(tiny(), 9, seed=7)},
        {"validation": (*examples(tiny(), 9, seed=7), np.arange(9) + 1.0)},
        {"validation": 0.25, "epochs": 30, "early_stopping": STOP},
        {"epochs": 30, "early_stopping": cr.EarlyStopping(1, 0.01, "loss")},
        {"freeze": ["*.b"]},
        {"freeze": ["0.*"]},
        {"callbacks": [lambda history: history.epochs == 2]},
        {"seed": 4},
        {"record": True},
        {"threads": 1},
        {"threads": 2},
    ],
    ids=" ".join,
)
def test_each_option_side_by_side(options, lanes):
    check(tiny(), ADAMS, **options)
    assert lanes == in_lanes()


@needs_engine
@pytest.mark.parametrize("weights", [None, np.arange(N) % 3 + 0.5])
@pytest.mark.parametrize("of", ["huber(0.3)", "cross_entropy", HEADS[1]])
def test_networks_that_go_through_the_same_examples_in_the_same_order(of, weights, lanes):
    net = tiny(of=of)
    X, y = examples(net)
    options = {"epochs": 3, "batch_size": 6, "validation": 0.3, "sample_weight": weights}
    params = [net.init(k) for k in range(COUNT)]
    found = cr.fit_many(net, params, X, y, ADAMS, **options)
    each = {name: [value] * COUNT for name, value in options.items()}
    assert_same(found, one_by_one([net] * COUNT, params, [X] * COUNT, [y] * COUNT, ADAMS, **each))
    assert lanes == in_lanes()


@needs_engine
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "sizes", [(1, 1), (2, 2, 2), (4, 16, 3), (8, 1), (17, 33, 20), (5, 4, 4, 4)]
)
def test_each_shape_side_by_side(sizes, reduction, lanes):
    layers = [cr.Dense(size, "relu") for size in sizes[1:-1]]
    net = cr.Network(sizes[0], [*layers, cr.Dense(sizes[-1])], "squared_error", reduction=reduction)
    check(net, at_rates(cr.SGD, momentum=0.5), batch_size=17)
    assert lanes == in_lanes()


@needs_engine
@pytest.mark.parametrize(
    "net",
    [
        *(cr.Network(3, layers, "half_squared_error") for layers in ALL.values()),
        cr.Network(3, [cr.Dense(4, "softmax"), cr.Dense(2)], "half_squared_error"),
        cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.3), cr.Dense(2)], "half_squared_error"),
        cr.Network(3, [cr.Dense(90, "relu"), cr.Dense(2)], "half_squared_error"),
        cr.Network(3, [cr.Dense(40)], "half_squared_error"),
    ],
    ids=lambda net: str(net.layers)[:60],
)
def test_other_networks_go_alone(net, lanes):
    check(net, ADAMS)
    assert lanes == []


@needs_engine
@pytest.mark.parametrize(
    "options", [{"clip_norm": 0.1}, {"clip_value": 0.01}, {"ties": [["0.b[0]", "0.b[1]"]]}], ids=str
)
@pytest.mark.filterwarnings("ignore:this run is slower, without the compiled engine")
def test_runs_that_lanes_do_not_have_go_alone(options, lanes):
    check(tiny(), ADAMS, **options)
    assert lanes == []


def test_the_reference_trains_many_too():
    check(tiny(), ADAMS, engine="reference")


@needs_engine
def test_each_shape_has_lanes_of_its_own(lanes):
    nets = [tiny("relu"), tiny("tanh")] * 20
    data = examples(nets[0])
    found = cr.fit_many(nets, None, *data, cr.Adam(0.01), epochs=2, seed=range(40))
    params = [net.init(k) for k, net in enumerate(nets)]
    of_each = ([value] * 40 for value in (*data, cr.Adam(0.01), 2))
    X, y, optimizer, epochs = of_each
    expected = one_by_one(nets, params, X, y, optimizer, epochs=epochs, seed=list(range(40)))
    assert_same(found, expected)
    assert sum(lanes) == 40


@needs_engine
def test_one_that_diverges_leaves_the_others_alone(lanes):
    """In lanes and alone; its error is that of `cr.fit`."""
    rates = [1e-3, 1e30, 1e-2, 1e-3, 3e38]
    found = check(tiny("relu"), [cr.SGD(rate) for rate in rates], epochs=20)
    assert [isinstance(each, cr.DivergenceError) for each in found] == [rate > 1 for rate in rates]
    assert lanes == in_lanes()
    check(tiny("relu"), [cr.SGD(rate) for rate in rates], epochs=20, clip_norm=1e30)
    check(tiny("relu"), [cr.SGD(rate) for rate in rates], epochs=20, validation=0.3)


@needs_engine
def test_runs_go_on_from_their_histories(lanes):
    net, data = tiny(), examples(tiny())
    options = {"epochs": 3, "batch_size": 6, "seed": [0, 1, 2, 3, 4]}
    first = cr.fit_many([net] * COUNT, None, *data, ADAMS, **options)
    params, histories = ([each[k] for each in first] for k in (0, 1))
    second = cr.fit_many(net, params, *data, ADAMS, **options, history=histories)
    whole = cr.fit_many(net, None, *data, ADAMS, **{**options, "epochs": 6})
    assert_same(second, whole)


@pytest.fixture(params=[True, False], ids=["breaks off", "goes on"])
def ctrl_c(request):
    """Whether a system call is broken off by SIGINT, or goes on, as libraries may set it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    signal.siginterrupt(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@needs_engine
def test_ctrl_c_keeps_what_each_has_come_to(ctrl_c):
    """One that would never end is interrupted by the last epoch of another."""
    net, data = tiny(), examples(tiny())

    def interrupt(history: cr.History) -> None:
        if history.epochs == 2:
            time.sleep(0.2)  # the main thread waits by now
            os.kill(os.getpid(), signal.SIGINT)

    epochs = [2, 1_000_000_000, *[900_000_000] * 4]
    callbacks: list[Any] = [[interrupt], [], *[[]] * 4]
    with pytest.raises(cr.TrainingInterrupted) as caught:
        cr.fit_many(net, None, *data, cr.Adam(0.01), epochs=epochs, callbacks=callbacks, threads=3)
    interrupted = caught.value
    assert len(interrupted.params) == len(interrupted.history) == 6
    alone, course_alone = cr.fit(net, net.init(), *data, cr.Adam(0.01), epochs=2)
    assert bits(interrupted.params[0]) == bits(alone)
    assert interrupted.history[0].loss == course_alone.loss
    for params, history in zip(interrupted.params, interrupted.history, strict=True):
        assert bits(params) == bits(history.at.params)
        assert history.at.epoch == len(history.loss)


def test_an_error_of_a_callback_ends_all():
    def fail(history: cr.History) -> None:
        raise RuntimeError("enough")

    net, data = tiny(), examples(tiny())
    callbacks: list[Any] = [[fail], [], []]
    with pytest.raises(RuntimeError, match="enough"):
        cr.fit_many(net, None, *data, cr.Adam(), epochs=100_000_000, callbacks=callbacks, threads=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": [1, 2]}, "epochs is a list of 2 and nets one of 3"),
        ({"epochs": [1, 0, 1]}, "network 1: epochs must be a whole number >= 1, got 0"),
        ({"X": [np.ones((4, 4)), np.ones((4, 3)), np.ones((4, 4))]}, "network 1: layer 0"),
        ({"y": np.ones((5, 3))}, "network 0: y must"),
        ({"optimizer": [cr.SGD(), "adam", cr.SGD()]}, "network 1: optimizer must be one such as"),
        ({"comm": None}, "comm shares out the training of one network"),
        ({"epoch": 1}, "unknown argument of fit_many: 'epoch'; did you mean 'epochs'"),
        ({"threads": 0}, "fit_many: threads must be a whole number >= 1"),
        ({"nets": ["net"] * 3}, "network 0: net must be a Network"),
        ({"validation": [0.5, 0.5, 2.0]}, "network 2: validation must be"),
        ({"freeze": [["*.b"], ["*.c"], []]}, "network 1: unknown parameter to freeze"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_trained(change, message):
    net = tiny()
    given: dict[str, Any] = {"nets": [net] * 3, "params": None, "optimizer": cr.SGD(), "epochs": 1}
    given |= {"X": np.ones((4, 4)), "y": np.ones((4, 3)), "callbacks": [lambda _: 1 / 0], **change}
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        cr.fit_many(**given)
    assert "\n" not in str(caught.value)


def test_something_must_say_how_many_there_are():
    net = tiny()
    with pytest.raises(ValueError, match="nothing says how many networks"):
        cr.fit_many(net, None, *examples(net), cr.SGD(), epochs=1)
    with pytest.raises(TypeError, match="epochs is missing"):
        cr.fit_many([net], None, *examples(net), cr.SGD())
    assert cr.fit_many([], None, *examples(net), cr.SGD(), epochs=1) == []


@needs_engine
@settings(max_examples=40, deadline=None)
@given(
    problem=problems(),
    count=st.integers(2, 9),
    batch=st.integers(1, 8) | st.none(),
    rule=st.sampled_from(sorted(OPTIMIZERS)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_random_networks(problem, count, batch, rule, dtype):
    nets = [problem.net] * count
    params = [tree_map(lambda leaf: leaf.astype(dtype), problem.net.init(k)) for k in range(count)]
    optimizer = [OPTIMIZERS[rule](0.01 * (k + 1)) for k in range(count)]
    options = {"epochs": 2, "batch_size": batch}
    found = cr.fit_many(nets, params, problem.X, problem.y, optimizer, **options, seed=range(count))
    X, y = [problem.X] * count, [problem.y] * count
    lists = {name: [value] * count for name, value in options.items()}
    expected = one_by_one(nets, params, X, y, optimizer, **lists, seed=list(range(count)))
    assert_same(found, expected)
