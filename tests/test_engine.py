"""The compiled engine against the reference loop: the same numbers, on any number of threads."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule import engine
from chainrule.activations import ACTIVATIONS
from chainrule.activations import activation as row
from chainrule.engine.native_run import cannot_run
from chainrule.engine.session import Session
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.record import Plan
from chainrule.trees import leaves, tree_map
from parity import TOLERANCE, assert_parity, train
from runs import bits
from strategies import HEADS, Problem, problem, problems
from tables import ELEMENTWISE

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.usefixtures("as_many_threads_as_asked"),
]

WITH_PARAMETERS = [
    "huber(0.3)",
    "quantile(0.9)",
    "quantile(0.1, 0.5, 0.9)",
    "cross_entropy(0.1)",
    *HEADS,
]


def network(activation: str, loss: str, **penalties: Any) -> cr.Network:
    layers = [cr.Dense(9, activation), cr.Dropout(0.2), cr.Dense(4, activation), cr.Dense(3)]
    return cr.Network(5, layers, loss, **penalties)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", [*LOSSES, *WITH_PARAMETERS])
@pytest.mark.parametrize(
    "activation", [*ACTIVATIONS, "sigmoid(4)", "bipolar_sigmoid(3)", "leaky_relu(0.2)", "elu(0.5)"]
)
def test_every_cell_of_the_tables(activation: str, loss: str, dtype: str) -> None:
    assert_parity(problem(network(activation, loss), n=11), cr.SGD(0.005, momentum=0.5), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", [*ELEMENTWISE, "sigmoid(4)", "elu(0.5)"])
def test_weighted_inputs_of_any_size(activation: str, dtype: str) -> None:
    """Each unit's bias goes down by its slope: a step of 1 by the absolute error."""
    size = np.geomspace(1e3, float(np.finfo(dtype).max) ** 0.95, 64)
    z = np.concatenate([size, -size]).astype(dtype)
    net = cr.Network(1, [cr.Dense(len(z), activation)], "absolute_error")
    params = net.parameters([(z[:, None], np.zeros_like(z))])
    x, y = np.ones((1, 1), dtype), np.full((1, len(z)), -2.0)
    moved = [
        cr.fit(net, params, x, y, cr.SGD(1.0), epochs=1, engine=which)[0][0].b
        for which in ("native", "reference")
    ]
    with np.errstate(over="ignore"):
        a = row(activation).f(z, np)
    tolerance = {"rtol": TOLERANCE[dtype], "atol": 4 * np.finfo(dtype).tiny}
    np.testing.assert_allclose(cr.predict(net, params, x)[0], a, **tolerance)
    np.testing.assert_allclose(*moved, **tolerance)


RULES = [
    *(kind(0.01) for kind in OPTIMIZERS.values()),
    cr.SGD(0.01, momentum=0.9, nesterov=True),
    cr.SGD(cr.Cosine(0.05, steps=20), momentum=0.9, dampening=0.9),
    cr.AdamW(0.01, weight_decay=0.2),
    cr.Lion(0.001, weight_decay=0.1),
    cr.Adam(cr.WarmUp(5, cr.Cosine(0.05, steps=20))),
    cr.SGD(cr.OneCycle(0.1, steps=20)),
]
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full batch": {"batch_size": None},
    "in order": {"shuffle": False},
    "weights": {"sample_weight": np.arange(11.0) % 4},
    "clip_value": {"clip_value": 0.01},
    "clip_norm": {"clip_norm": 0.05},
    "both bounds": {"clip_norm": 0.05, "clip_value": 0.02},
    "frozen": {"freeze": ["0.W", "2.b"], "clip_norm": 0.05},
    "validation": {"validation": 0.3, "early_stopping": cr.EarlyStopping(2)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_every_optimizer_with_every_option(rule: cr.Optimizer, options: dict[str, Any]) -> None:
    p = problem(network("tanh", "cross_entropy", l1=0.001, l2=0.01), n=11)
    assert_parity(p._replace(y=np.argmax(p.y, axis=1)), rule, **options)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_sum_over_the_examples(options: dict[str, Any], dtype: str) -> None:
    p = problem(network("tanh", "squared_error", l1=0.001, l2=0.01, reduction="sum"), n=11)
    assert_parity(p, cr.SGD(0.002, momentum=0.5), dtype, **options)


@given(problems())
def test_any_network(p: Problem) -> None:
    assert_parity(p, cr.SGD(1e-4), epochs=3, batch_size=3, sample_weight=p.w)


WIDTHS = [*range(1, 71), 95, 96, 97, 127, 128, 129, 191, 192, 193, 255, 256, 257]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_and_any_number_of_threads(width: int, dtype: str) -> None:
    layers = [cr.Dense(width, "tanh"), cr.Dense(width, "sigmoid"), cr.Dense(2)]
    p = problem(cr.Network(width, layers, "squared_error", l2=0.01), n=23)
    assert_parity(p, cr.SGD(0.01), dtype, epochs=3, batch_size=7, threads=2)
    one, course = train(p, cr.Adam(0.01), dtype, epochs=3, batch_size=7, threads=1)
    for threads in (2, 3, 4):
        more, other = train(p, cr.Adam(0.01), dtype, epochs=3, batch_size=7, threads=threads)
        assert other.loss == course.loss
        assert all(map(np.array_equal, leaves(more), leaves(one)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 16, 17, 33, 64, 129])
def test_a_softmax_of_any_width_and_any_number_of_threads(width: int, dtype: str) -> None:
    layers = [cr.Dense(width, "softmax"), cr.Dropout(0.2), cr.Dense(width, "softmax")]
    p = problem(cr.Network(5, layers, "squared_error", l2=0.01), n=23)
    assert_parity(p, cr.SGD(0.1), dtype, epochs=3, batch_size=7, threads=2)
    one, _ = train(p, cr.Adam(0.01), dtype, epochs=3, batch_size=7, threads=1)
    for threads in (2, 3):
        more, _ = train(p, cr.Adam(0.01), dtype, epochs=3, batch_size=7, threads=threads)
        assert all(map(np.array_equal, leaves(more), leaves(one)))


@pytest.mark.parametrize("batch", [1, 2, 5, 6, 7, 11, 12, 13, 24, 25, 64, 191, 192, 193, 200])
def test_every_height_of_a_batch(batch: int) -> None:
    layers = [cr.Dense(40, "relu"), cr.Dropout(0.1), cr.Dense(33, "silu"), cr.Dense(10)]
    p = problem(cr.Network(20, layers, "cross_entropy"), n=200)
    assert_parity(p, cr.SGD(0.01), epochs=2, batch_size=batch, threads=2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("outputs", [3, 6, 30, 33, 66])
@pytest.mark.parametrize("loss", ["quantile(0.9)", "quantile(0.1, 0.5, 0.9)", "huber(0.3)"])
def test_parameters_of_any_number_of_outputs(loss: str, outputs: int, dtype: str) -> None:
    p = problem(cr.Network(5, [cr.Dense(4, "tanh"), cr.Dense(outputs)], loss), n=23)
    assert_parity(p, cr.SGD(0.01), dtype, batch_size=9, sample_weight=p.w)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_threads_change_no_bit(options: dict[str, Any]) -> None:
    p = problem(network("gelu", "cross_entropy", l1=0.001, l2=0.01), n=11)
    one, _ = train(p, cr.Adam(0.01), threads=1, **options)
    for threads in (2, 3, 4):
        more, _ = train(p, cr.Adam(0.01), threads=threads, **options)
        assert all(map(np.array_equal, leaves(more), leaves(one)))


def test_more_threads_than_a_system_has_are_not_started() -> None:
    p = problem(network("tanh", "huber"), n=11)
    expected = leaves(train(p, cr.Adam(0.01), threads=1)[0])
    got = leaves(train(p, cr.Adam(0.01), threads=10_000_000)[0])
    assert all(map(np.array_equal, got, expected))


@pytest.mark.parametrize(("batch", "threads"), [(10, 1), (10, 2), (1, 2)])
def test_ctrl_c_leaves_the_parameters_of_the_last_whole_step(batch: int, threads: int) -> None:
    p = problem(cr.Network(50, [cr.Dense(100, "tanh"), cr.Dense(5)], "huber"), n=1000)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        train(p, cr.SGD(0.01), epochs=20_000, batch_size=batch, threads=threads)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert isinstance(caught.value, cr.TrainingInterrupted)
    at = caught.value.history.at
    assert all(map(np.array_equal, leaves(caught.value.params), leaves(at.params)))
    assert at.step > 0
    whole = 1000 // batch
    steps = at.step - whole * at.epoch  # those of the epoch that was broken off
    assert 0 <= steps < whole


def test_ctrl_c_while_the_parameters_are_read_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    p = problem(network("tanh", "huber"), n=11)
    expected = leaves(train(p, cr.Adam(0.01))[0])
    read, interrupts = Session.read, [KeyboardInterrupt()]

    def interrupted(self: Session) -> Any:
        if interrupts:
            raise interrupts.pop()
        return read(self)

    monkeypatch.setattr(Session, "read", interrupted)
    with pytest.raises(cr.TrainingInterrupted) as caught:
        train(p, cr.Adam(0.01))
    assert all(map(np.array_equal, leaves(caught.value.params), expected))
    assert caught.value.history.epochs == caught.value.history.at.epoch == 7


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("rate", "loss"), [(1e30, "squared_error"), (1e200, "absolute_error"), (50.0, "poisson")]
)
def test_divergence_is_named_as_the_reference_names_it(
    rate: float, loss: str, threads: int, dtype: str
) -> None:
    p = problem(cr.Network(3, [cr.Dense(4), cr.Dense(2)], loss), n=11)
    p = p._replace(y=np.abs(p.y))
    rising = cr.SGD(cr.StepDecay(1e-3, every=5, factor=rate))  # well for five steps
    errors = []
    for name in ("native", "reference"):
        with pytest.raises(cr.DivergenceError) as caught:
            train(p, rising, dtype, epochs=50, engine=name, threads=threads)
        errors.append(caught.value)
    ours, reference = errors
    assert str(ours) == str(reference)
    assert ours.history.epochs == reference.history.epochs
    for a, b in zip(leaves(ours.params), leaves(reference.params), strict=True):
        assert np.all(np.isfinite(a))
        near = 1e-6 if dtype == "float64" else 0.05
        assert np.max(np.abs(a - b)) <= near * np.max(np.abs(b))


def test_the_way_back_to_a_divergence_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    p = problem(cr.Network(3, [cr.Dense(4), cr.Dense(2)], "squared_error"), n=11)
    rising = cr.SGD(cr.StepDecay(1e-3, every=10, factor=1e200))  # well for three epochs
    with pytest.raises(cr.DivergenceError) as expected:
        train(p, rising)
    run = Session.run

    def slower(self: Session, data: Any, *, seconds: float, **options: Any) -> Any:
        within = seconds / 1e6 if "most_steps" in options else seconds
        return run(self, data, seconds=within, **options)

    monkeypatch.setattr(Session, "run", slower)
    with pytest.raises(cr.DivergenceError) as caught:
        train(p, rising)
    assert str(caught.value) == str(expected.value)
    assert all(map(np.array_equal, leaves(caught.value.params), leaves(expected.value.params)))


def test_ctrl_c_on_the_way_back_to_a_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    p = problem(cr.Network(3, [cr.Dense(4), cr.Dense(2)], "squared_error"), n=11)
    rising = cr.SGD(cr.StepDecay(1e-3, every=10, factor=1e200))  # well for three epochs
    expected, _ = train(p, rising, epochs=2)
    run = Session.run

    def interrupted(self: Session, data: Any, **options: Any) -> Any:
        if "most_steps" not in options:
            return run(self, data, **options)
        done = run(self, data, **{**options, "epochs": 2})
        return done._replace(outcome="interrupted", raised=KeyboardInterrupt())

    monkeypatch.setattr(Session, "run", interrupted)
    with pytest.raises(cr.TrainingInterrupted) as caught:
        train(p, rising)
    assert bits(caught.value.params) == bits(expected)
    assert caught.value.history.epochs == caught.value.history.at.epoch == 2


def test_x_is_used_where_it_lies_and_other_layouts_are_converted() -> None:
    p = problem(network("tanh", "huber"), n=11)
    expected = leaves(train(p, cr.Adam(0.01))[0])
    for X in (np.asfortranarray(p.X), np.repeat(p.X, 2, axis=1)[:, ::2], p.X.tolist()):
        got = leaves(train(p._replace(X=X), cr.Adam(0.01))[0])
        assert all(map(np.array_equal, got, expected))


def test_parameters_in_any_order_of_memory_train_alike() -> None:
    p = problem(network("tanh", "huber"), n=11)
    for rule in (cr.SGD(0.01, momentum=0.9), cr.Adam(0.01), cr.Rprop()):
        expected, course = train(p, rule)
        got, other = train(p._replace(params=tree_map(np.asfortranarray, p.params)), rule)
        assert bits((got, *other.at.states)) == bits((expected, *course.at.states))


def own_activation() -> cr.Activation:
    return cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))


def test_what_the_engine_cannot_run_goes_to_the_reference_and_is_said_once() -> None:
    net = cr.Network(3, [cr.Dense(4, own_activation()), cr.Dense(2)], "huber")
    p = problem(net)
    with pytest.warns(
        RuntimeWarning, match=r"layer 0, Dense\(4, 'sine'\) has an activation of your"
    ):
        first, _ = train(p, cr.Adam(0.01), engine="auto")
    again, _ = train(p, cr.Adam(0.01), engine="auto")
    expected, _ = train(p, cr.Adam(0.01), engine="reference")
    for got in (first, again):
        assert all(map(np.array_equal, leaves(got), leaves(expected)))
    with pytest.raises(ValueError, match=r"engine='native' cannot run this: layer 0.*'reference'"):
        train(p, cr.Adam(0.01), engine="native")


def test_without_an_engine_native_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "native", None)
    monkeypatch.setattr(engine, "missing", engine.NOT_BUILT)
    p = problem(network("tanh", "huber"))
    plan = Plan(p.net, cr.Adam(), 0, frozenset(), None, None)
    with pytest.raises(ValueError, match=r"no compiled engine.*Install a C\+\+20 compiler"):
        cannot_run(plan, p.params, insist=True)


@pytest.mark.parametrize("rate", [0.01, cr.Cosine(0.01, steps=30)], ids=str)
def test_calls_of_any_length_come_to_the_same(monkeypatch: pytest.MonkeyPatch, rate: Any) -> None:
    p = problem(network("tanh", "huber"), n=11)
    params, course = train(p, cr.Adam(rate))
    monkeypatch.setattr("chainrule.engine.native_run.SECONDS_PER_CALL", 0.0)
    monkeypatch.setattr("chainrule.engine.native_run.RATES_PER_CALL", 7)
    again, other = train(p, cr.Adam(rate))
    assert other.loss == course.loss
    assert all(map(np.array_equal, leaves(again), leaves(params)))


def test_training_does_not_wait_for_the_interpreter() -> None:
    """The engine works without Python's lock: another thread counts on meanwhile."""
    p = problem(cr.Network(64, [cr.Dense(256, "tanh"), cr.Dense(5)], "huber"), n=2000)
    counted, done = 0, threading.Event()

    def work() -> None:
        train(p, cr.SGD(0.01), epochs=200, threads=1)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    thread.join()
    assert counted > 5


# A run that its own costs end


@pytest.mark.parametrize("patience", [1, 2, 5, 60])
@pytest.mark.parametrize("name", ["native", "reference"])
def test_a_run_ends_with_the_epoch_after_which_its_costs_say_so(patience: int, name: str) -> None:
    p = problem(network("tanh", "huber"), n=40)
    rule = cr.EarlyStopping(patience, tolerance=0.01, of="loss")
    params, history = train(p, cr.Adam(0.01), epochs=900, early_stopping=rule, engine=name)
    assert history.stopped == "early stopping"
    assert rule.is_over(history.loss)
    assert not rule.is_over(history.loss[:-1])
    again, _ = train(p, cr.Adam(0.01), epochs=history.epochs, engine=name)
    assert bits(params) == bits(again) == bits(history.at.params)
